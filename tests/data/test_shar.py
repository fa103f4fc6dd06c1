"""lhotse's Shar in a folder or on a web server gives the cuts of the manifest it was made of."""

import gzip
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tiny
from lhotse import CutSet
from web_folder import WebFolder, serve

from asr.data import ranges
from asr.data.dataset import SpeechDataset
from asr.data.manifests import load_waveform, read_cuts
from asr.text.tokenizer import CharTokenizer
from asr.util.errors import UserError

SHARD = 5


@pytest.fixture(scope="module")
def exported(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve cuts in shards of five, never to be written to."""
    folder = tmp_path_factory.mktemp("shar")
    cuts = CutSet.from_file(tones / "train.jsonl.gz")
    cuts.to_shar(folder, fields={"recording": "flac"}, shard_size=SHARD, verbose=False)
    return folder


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    """A copy, to be damaged."""
    return Path(shutil.copytree(exported, tmp_path / "shar"))


@pytest.fixture
def web(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebFolder]:
    monkeypatch.setattr(ranges, "PAUSE_S", 0.0)
    with serve(folder) as served:
        yield served


@pytest.fixture(params=["folder", "server"])
def source(request: pytest.FixtureRequest, exported: Path) -> Iterator[str]:
    if request.param == "folder":
        yield str(exported)
        return
    with serve(exported) as served:
        yield served.url


def test_cuts_and_audio_are_those_of_the_manifest(source: str, tones: Path) -> None:
    wanted, found = read_cuts(tones / "train.jsonl.gz"), read_cuts(source)

    for one, other in zip(wanted, found, strict=True):
        assert (one.id, one.duration) == (other.id, other.duration)
        assert one.supervisions[0].text == other.supervisions[0].text
        whole = load_waveform(one, tiny.RATE)
        for _ in range(2):  # what was read is not kept in the cut
            np.testing.assert_array_equal(load_waveform(other, tiny.RATE), whole)
            assert isinstance(other.recording.sources[0].source, str)
        part = [load_waveform(cut.truncate(offset=0.1, duration=0.3), tiny.RATE)
                for cut in (one, other)]  # fmt: skip
        np.testing.assert_array_equal(*part)


def test_a_batch_of_any_shards_is_read_from_packed_cuts(source: str, tones: Path) -> None:
    tokenizer = CharTokenizer.from_texts(tiny.WORDS, "lower")
    wanted, found = (
        SpeechDataset(read_cuts(one), tokenizer, tiny.RATE).load([11, 0, 6])
        for one in (str(tones / "train.jsonl.gz"), source)
    )
    assert found.utterance_ids == wanted.utterance_ids
    np.testing.assert_array_equal(found.waveforms, wanted.waveforms)


def test_an_archive_is_searched_without_its_audio(web: WebFolder, folder: Path) -> None:
    """A request an utterance, and none of them for the utterance as a whole."""
    cuts = [cut for cut in read_cuts(web.url) if "000000" in cut.recording.sources[0].source]
    searched = [start for name, start in web.asked if name == "recording.000000.tar"]
    size = (folder / "recording.000000.tar").stat().st_size
    assert len(cuts) == SHARD and len(searched) <= SHARD + 4
    assert len(searched) * 4096 < size / 2


def test_shards_without_numbers(tones: Path, tmp_path: Path) -> None:
    cuts = CutSet.from_file(tones / "train.jsonl.gz")
    cuts.to_shar(tmp_path, fields={"recording": "wav"}, shard_size=None, verbose=False)
    assert [cut.id for cut in read_cuts(tmp_path)] == [cut.id for cut in cuts]


def rewrite_tar(path: Path, change: Callable[[list[tuple[str, bytes]]], object]) -> None:
    """Change the members of an archive, a list of names and contents."""
    with tarfile.open(path) as tar:
        members = [(one.name, tar.extractfile(one).read()) for one in tar]
    change(members)
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


def command_as_source(members: list[tuple[str, bytes]]) -> None:
    name, content = members[1]
    row = json.loads(content)
    row["sources"] = [{"type": "command", "channels": [0], "source": "touch run"}]
    members[1] = name, json.dumps(row).encode()


def cut_short(path: Path, bytes_left: int) -> None:
    path.write_bytes(path.read_bytes()[:bytes_left])


def drop_line(path: Path) -> None:
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(lines[:-1])))


TAR, CUTS = "recording.000001.tar", "cuts.000001.jsonl.gz"
DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no archive": (lambda f: (f / TAR).unlink(), f"{TAR}: is missing beside "),
    "no manifest": (lambda f: (f / CUTS).unlink(), f"{CUTS}: is missing beside "),
    "no shards": (lambda f: [one.unlink() for one in f.iterdir()], "a folder without cuts."),
    "a folder": (
        lambda f: [(f / TAR).unlink(), (f / TAR).mkdir()],
        f"{TAR}: cannot be read: Is a directory; check the path",
    ),
    "empty archive": (lambda f: cut_short(f / TAR, 0), f"{TAR}: damaged ("),
    "cut short": (lambda f: cut_short(f / TAR, 20_000), f"{TAR}: damaged (unexpected end of data"),
    "text": (lambda f: (f / TAR).write_bytes(b"text" * 1000), f"{TAR}: damaged ("),
    "cuts cut short": (lambda f: cut_short(f / CUTS, 200), f"{CUTS}:"),
    "a line less": (lambda f: drop_line(f / CUTS), f"{CUTS}:5: no line for the audio of"),
    "other order": (
        lambda f: rewrite_tar(f / TAR, lambda m: m.append(m.pop(0))),
        f"{TAR}: found",
    ),
    "other cuts": (
        lambda f: rewrite_tar(f / TAR, lambda m: m.extend([m.pop(0), m.pop(0)])),
        f"{CUTS}:1: cut train-05: found the audio of 'train-06'",
    ),
    "fewer cuts": (
        lambda f: rewrite_tar(f / TAR, lambda m: m.__delitem__(slice(-2, None))),
        f"{CUTS}:5: cut train-09: found no audio in the shard's archive",
    ),
    "no description": (
        lambda f: rewrite_tar(f / TAR, list.pop),
        f"{TAR}: found its end behind 'train-09.flac'",
    ),
    "no audio": (
        lambda f: rewrite_tar(
            f / TAR, lambda m: m.__setitem__(slice(0, 2), [("train-05.nodata", b""), ("x", b"")])
        ),
        f"{TAR}: no audio of cut 'train-05'; export the shard again, with its audio",
    ),
    "a command": (
        lambda f: rewrite_tar(f / TAR, command_as_source),
        f"{TAR}: found 'command' for the audio of cut 'train-05'",
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_shard_is_named(folder: Path, web: WebFolder, kind: str) -> None:
    damage, message = DAMAGE[kind]
    damage(folder)
    with pytest.raises(UserError) as error:
        read_cuts(folder)
    assert message in str(error.value) and "\n" not in str(error.value)
    if kind not in (
        "no manifest",
        "no archive",
        "no shards",
        "a folder",
    ):  # worded for the server elsewhere
        with pytest.raises(UserError) as error:
            read_cuts(web.url)
        assert message in str(error.value)
        assert str(error.value).startswith(web.url)


def test_a_shard_damaged_after_it_was_searched(folder: Path) -> None:
    first, *_, last = (cut for cut in read_cuts(folder) if "000001" in str(cut.recording))
    content = (folder / TAR).read_bytes()
    (folder / TAR).write_bytes(b"\0" * (len(content) - 20_000))
    with pytest.raises(UserError, match=rf"cut train-05: .*{TAR}#bytes=512-.*export the shard ag"):
        load_waveform(first, tiny.RATE)
    with pytest.raises(UserError, match=rf"{TAR}: found \d+ of \d+ bytes from byte \d+ on"):
        load_waveform(last, tiny.RATE)
    (folder / TAR).unlink()
    with pytest.raises(UserError, match="cut train-05: its audio cannot be read"):
        load_waveform(first, tiny.RATE)


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"shar: expected a cut manifest .*does not exist"):
        read_cuts(tmp_path / "shar")


SERVER: dict[str, tuple[str, int | str, str]] = {
    "missing": ("cuts.000000.jsonl.gz", 404, "the server has no such file, with which lhotse's"),
    "a gap": (CUTS, 404, f"{CUTS}: is missing on the server, which has the next"),
    "no archive": (TAR, 404, f"{TAR}: the server has no such file; check the address"),
    "forbidden": (TAR, 403, f"{TAR}: the server answers 403 Forbidden; check the address"),
    "whole files": (CUTS, "whole", f"{CUTS}: the server gives no parts of files"),
    "stops": (TAR, "stops", f"{TAR}: cannot be read in 5 attempts (IncompleteRead("),
    "fails": (TAR, 500, f"{TAR}: cannot be read in 5 attempts (too many 500 error responses)"),
}


@pytest.mark.parametrize("kind", SERVER)
def test_a_server_that_does_not_give_a_shard(web: WebFolder, kind: str) -> None:
    name, fault, message = SERVER[kind]
    web.fault = lambda path, _start: fault if path == name else None
    with pytest.raises(UserError) as error:
        read_cuts(web.url)
    assert str(error.value).startswith(web.url)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_no_such_server(web: WebFolder) -> None:
    url = web.url.replace("127.0.0.1", "127.0.0.2")
    with pytest.raises(UserError, match=r"cannot be read in 5 attempts .*refused"):
        read_cuts(url)
    with pytest.raises(UserError, match=r"http://\[/cuts.000000.jsonl.gz: cannot be read"):
        read_cuts("http://[/")


@pytest.mark.parametrize("fault", [503, "stops"])
def test_what_passes_is_asked_for_again(web: WebFolder, tones: Path, fault: int | str) -> None:
    """Every second request of a part fails."""
    failed: set[tuple[str, int]] = set()

    def fails_once(path: str, start: int) -> int | str | None:
        if (path, start) in failed or not start:
            return None
        failed.add((path, start))
        return fault

    web.fault = fails_once
    (first, *_), (wanted, *_) = read_cuts(web.url), read_cuts(tones / "train.jsonl.gz")
    np.testing.assert_array_equal(load_waveform(first, tiny.RATE), load_waveform(wanted, tiny.RATE))
    assert failed


def test_audio_of_a_server_that_stops(web: WebFolder) -> None:
    first, *_ = read_cuts(web.url)
    web.fault = lambda _path, _start: "stops"
    with pytest.raises(UserError, match=r"recording.000000.tar: cannot be read in 5 attempts"):
        load_waveform(first, tiny.RATE)
