"""Manifests: the lines and files that are refused, and audio read from nothing but files."""

import gzip
import itertools
import json
import os
import random
import re
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from functools import reduce
from operator import getitem
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from lhotse import CutSet, MonoCut
from tiny import RATE, damaged_cut

import asr
from asr.data import cut_checks, manifest_lines, manifests
from asr.data.manifests import load_waveform, read_cuts, read_speakers
from asr.util.errors import UserError


@pytest.fixture
def manifest(tones: Path) -> Path:
    """A valid manifest of four utterances."""
    return tones / "dev.jsonl.gz"


def test_a_manifest_is_read_in_its_order(manifest: Path, tmp_path: Path) -> None:
    backwards = list(CutSet.from_file(manifest))[::-1]
    CutSet.from_cuts(backwards).to_file(tmp_path / "cuts.jsonl.gz")

    assert list(read_cuts(tmp_path / "cuts.jsonl.gz")) == backwards


def write_lines(path: Path, lines: list[Any]) -> Path:
    with gzip.open(path, "wt", errors="surrogateescape") as file:
        file.writelines(
            (line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines
        )
    return path


def changed(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return json.loads(json.dumps(row)) | changes


def recorded(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return changed(row, recording=row["recording"] | changes)


def from_source(row: dict[str, Any], kind: str, source: str) -> dict[str, Any]:
    return recorded(row, sources=[{"type": kind, "channels": [0], "source": source}])


def supervised(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return changed(row, supervisions=[row["supervisions"][0] | changes])


def mixed(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Mix a cut with itself, and change the second track."""
    one = MonoCut.from_dict(changed(row))
    mix = one.mix(one.drop_supervisions()).to_dict()
    mix["tracks"][1] |= changes
    return mix


def padding(row: dict[str, Any]) -> dict[str, Any]:
    padded = MonoCut.from_dict(changed(row)).pad(duration=3.0, preserve_id=True).to_dict()
    return padded | {"tracks": padded["tracks"][1:]}


RUN = "touch run"  # in the test's own folder, where nothing may appear
REVERBERATION = [
    {
        "name": "ReverbWithImpulseResponse",
        "kwargs": {
            "rir": {
                "id": "room",
                "sources": [{"type": "command", "channels": [0], "source": RUN}],
                "sampling_rate": RATE,
                "num_samples": RATE,
                "duration": 1.0,
            }
        },
    }
]
HIDDEN = REVERBERATION[0]["kwargs"]["rir"]
FEATURES = {"type": "fbank", "storage_type": "lilcom_url", "storage_path": f"pipe:{RUN}"}

BAD_LINES = {
    "broken json": (lambda _: '{"id": ', "not a line of a cut manifest"),
    "no text": (lambda _: "\udcff", "not a line of a cut manifest"),
    "another object": (lambda _: {"a": 1}, "not a line of a cut manifest"),
    "a list": (lambda _: [1], "not a line of a cut manifest"),
    "deep brackets": (lambda _: "[" * 100_000, "not a line of a cut manifest"),
    "a recording": (lambda row: row["recording"], "give the manifest of cuts, not of recordings"),
    "no transcript": (lambda row: changed(row, supervisions=[]), "0 transcripts, expected 1"),
    "two transcripts": (
        lambda row: changed(row, supervisions=2 * row["supervisions"]),
        "found 2 transcripts, expected 1",
    ),
    "text that is a number": (lambda row: supervised(row, text=5), "supervisions[0].text is 5"),
    "zero byte in text": (
        lambda row: supervised(row, text="a\0b"),
        "supervisions[0].text is 'a\\x00b', expected text without zero bytes",
    ),
    "half of a surrogate pair": (
        lambda row: supervised(row, text="a\ud800"),
        "supervisions[0].text is 'a\\ud800', expected text without",
    ),
    "negative duration": (
        lambda row: changed(row, duration=-0.3),
        "duration is -0.3, expected more than 0 s",
    ),
    "duration that is no number": (lambda row: changed(row, duration=float("nan")), "is nan"),
    "duration that is true": (lambda row: changed(row, duration=True), "duration is True"),
    "endless number": (lambda row: changed(row, start=10**400), "expected 0 s or more"),
    "past its recording": (lambda row: changed(row, start=7.0), "a part of its recording of"),
    "another length": (lambda row: recorded(row, num_samples=5), "by its number of samples"),
    "another channel": (lambda row: changed(row, channel=1), "found channel 1, expected of [0]"),
    "no source": (lambda row: recorded(row, sources=[]), "found channel 0, expected of []"),
    "transcript elsewhere": (
        lambda row: supervised(row, start=5000.0),
        "found its transcript from 5000 to 500",
    ),
    "transcript at no time": (
        lambda row: mixed(supervised(row, start=1e300)),
        "supervisions[0].start is 1e+300, expected seconds",
    ),
    "ten hours": (
        lambda row: changed(
            recorded(row, num_samples=36000 * RATE, duration=36000.0), duration=36000.0
        ),
        "duration is 36000 s, expected at most 14400 s",
    ),
    "an hour of sixteen channels": (
        lambda row: changed(
            recorded(
                row,
                sources=[{"type": "file", "channels": [*range(16)], "source": "x.wav"}],
                channel_ids=[*range(16)],
                num_samples=3600 * RATE,
                duration=3600.0,
            ),
            type="MultiCut",
            channel=[*range(16)],
            duration=3600.0,
        ),
        f"found {16 * 3600 * RATE} samples in all channels and tracks, expected at most",
    ),
    "mix of two days": (
        lambda row: mixed(row, offset=2e5),
        "s, expected at most 14400 s",
    ),
    "mix of many": (
        lambda row: mixed(row) | {"tracks": 1025 * mixed(row)["tracks"][:1]},
        "expected a list of at most 1024",
    ),
    "mix of two rates": (
        lambda row: mixed(row, cut=recorded(row, sampling_rate=2 * RATE, num_samples=1 << 40)),
        "by its number of samples",
    ),
    "mix of padding": (padding, "found no recording in its tracks"),
    "id that is a number": (lambda row: changed(row, id=7), "id is 7, expected a name"),
    "id with a zero byte": (lambda row: changed(row, id="a\0"), "id is 'a\\x00', expected a name"),
    "id of two lines": (lambda row: changed(row, id="a\nb"), "id is 'a\\nb', expected a name"),
    "id that hides": (lambda row: changed(row, id="\x1b[8m"), "expected a name"),
    "id without UTF-8": (lambda row: changed(row, id="\udcff"), "id is '\\udcff', expected a name"),
    "repeated id": (lambda row: changed(row, id="dev-00"), "a second cut with the id dev-00"),
    "speaker of two lines": (lambda row: supervised(row, speaker="a\nb"), "speaker is 'a\\nb'"),
    "unknown field": (
        lambda row: changed(row, shell=RUN),
        "shell is 'touch run', expected no",
    ),
    "command as audio": (
        lambda row: from_source(row, "command", RUN),
        "recording.sources[0].type is 'command', expected 'file', as nothing is run or fetched",
    ),
    "pipe as audio": (lambda row: from_source(row, "url", f"pipe:{RUN}"), "type is 'url'"),
    "address as audio": (lambda row: from_source(row, "url", "http://x/a.wav"), "type is 'url'"),
    "placeholder as audio": (lambda row: from_source(row, "shar", ""), "type is 'shar'"),
    "memory as audio": (lambda row: from_source(row, "memory", "RIFF"), "type is 'memory'"),
    "command in a mix": (
        lambda row: mixed(row, cut=from_source(row, "command", RUN)),
        "tracks[1].cut.recording.sources[0].type is 'command', expected 'file'",
    ),
    "command in a room": (
        lambda row: recorded(row, transforms=REVERBERATION),
        "recording.transforms is [{",
    ),
    "command in the room of a mix": (
        lambda row: mixed(row) | {"transforms": REVERBERATION},
        "transforms is [{",
    ),
    "command in the room of a track": (
        lambda row: mixed(row, cut=recorded(row, transforms=REVERBERATION)),
        "tracks[1].cut.recording.transforms is [{",
    ),
    "command beside": (lambda row: changed(row, custom={"target": HIDDEN}), "custom is {"),
    "command deep beside": (lambda row: changed(row, custom={"a": [[HIDDEN]]}), "custom is {"),
    "command beside the transcript": (
        lambda row: supervised(row, custom={"target": HIDDEN}),
        "supervisions[0].custom is {",
    ),
    "command as level": (lambda row: mixed(row) | {"snr_reference": HIDDEN}, "snr_reference is {"),
    "mix in a mix": (
        lambda row: mixed(row, cut=mixed(row), type="MixedCut"),
        "tracks[1].type is 'MixedCut', expected MonoCut, MultiCut or PaddingCut",
    ),
    "features that are fetched": (lambda row: changed(row, features=FEATURES), "features is {"),
    "video": (lambda row: recorded(row, video={"fps": 1}), "recording.video is {"),
    "line of two million letters": (
        lambda row: supervised(row, text="a" * 2_000_000),
        "a line of more than 1048576 bytes",
    ),
}


#: The audit events of Python for starting a program or using a network.
OUTSIDE = ("subprocess", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket", "urllib")
_watching: list[str] | None = None


def _note(event: str, _: Any) -> None:
    if _watching is not None and event.startswith(OUTSIDE):
        _watching.append(event)


sys.addaudithook(_note)


@pytest.fixture
def nothing_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Assert that a test, in an empty folder, starts no program and uses no network."""
    global _watching
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    _watching = []
    yield
    events, _watching = _watching, None
    assert events == []
    assert not (folder / "run").exists()


@pytest.mark.parametrize(("damage", "message"), BAD_LINES.values(), ids=BAD_LINES.keys())
@pytest.mark.usefixtures("nothing_outside")
def test_an_invalid_line_is_refused_by_file_and_line(
    manifest: Path, tmp_path: Path, damage: Any, message: str
) -> None:
    rows = [one.to_dict() for one in CutSet.from_file(manifest)]
    path = write_lines(tmp_path / "cuts.jsonl.gz", [rows[0], damage(rows[1]), rows[2]])

    with pytest.raises(UserError) as raised:
        read_cuts(path)

    assert str(raised.value).startswith(f"{path}:2: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500 + len(str(path))


def make_nothing(path: Path) -> None:
    pass


def make_folder(path: Path) -> None:
    path.mkdir()


def make_zero_bytes(path: Path) -> None:
    path.write_bytes(b"")


def make_zero_lines(path: Path) -> None:
    write_lines(path, [])


def make_text(path: Path) -> None:
    path.write_text("hello")


BAD_FILES = {
    make_nothing: "it does not exist; make one with `asr prepare`",
    make_folder: "it is a folder",
    make_zero_bytes: "no utterances in this manifest",
    make_zero_lines: "no utterances in this manifest",
    make_text: "not a line of a cut manifest",
}


@pytest.mark.parametrize(("make", "message"), BAD_FILES.items(), ids=lambda v: str(v)[:20])
def test_an_invalid_file_is_refused_by_name(tmp_path: Path, make: Any, message: str) -> None:
    path = tmp_path / "cuts.jsonl.gz"
    make(path)

    with pytest.raises(UserError) as raised:
        read_cuts(path)

    assert str(raised.value).startswith(str(path))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("nan", f"{2 * RATE} samples are NaN or infinite"),
        ("cut short", "its audio cannot be read (The number of declared samples"),
        ("text", "its audio cannot be read (Format not recognised)"),
        ("missing", "its audio cannot be read (/"),
    ],
)
def test_an_error_of_loading_audio_names_the_cut(tmp_path: Path, kind: str, message: str) -> None:
    bad = damaged_cut(tmp_path / "bad.wav", kind)

    with pytest.raises(UserError) as raised:
        load_waveform(bad, RATE)

    assert str(raised.value).startswith(f"cut bad: {message}")
    assert "\n" not in str(raised.value)


def test_a_manifest_named_as_a_command_is_read_as_a_file(
    manifest: Path, nothing_outside: None
) -> None:
    content = gzip.decompress(manifest.read_bytes())
    for name in ("pipe:touch run;true .jsonl", "pipe:touch run;true .jsonl.gz", "-", "http:cuts"):
        Path(name).write_bytes(content)

        assert len(read_cuts(name)) == 4


def test_audio_named_as_a_command_or_a_stream_is_read_as_a_file(
    manifest: Path, nothing_outside: None
) -> None:
    whole = next(iter(read_cuts(manifest)))
    expected = load_waveform(whole, RATE)
    content = Path(whole.recording.sources[0].source).read_bytes()
    for name in ("-", "pipe:touch run;cat x.wav", "x.tar/a.sph", "http:/x.m4a"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(content)
        write_lines(Path("c.gz"), [from_source(whole.to_dict(), "file", name)])

        found = load_waveform(next(iter(read_cuts("c.gz"))), RATE)

        np.testing.assert_array_equal(found, expected)


def test_nothing_but_a_file_is_opened_as_audio(manifest: Path, tmp_path: Path) -> None:
    row = next(iter(read_cuts(manifest))).to_dict()
    os.mkfifo(tmp_path / "pipe.wav")  # opening it would wait for ever
    for name in (tmp_path / "pipe.wav", "/dev/zero", tmp_path, "http://x/a.wav", "pipe:touch run"):
        write_lines(tmp_path / "c.gz", [from_source(row, "file", str(name))])

        with pytest.raises(UserError, match="there is no such file"):
            load_waveform(next(iter(read_cuts(tmp_path / "c.gz"))), RATE)


@pytest.mark.parametrize("direction", ["left", "right", "both"])
def test_padding_is_silence(manifest: Path, tmp_path: Path, direction: str) -> None:
    whole = next(iter(read_cuts(manifest)))
    padded = whole.pad(duration=3.0, direction=direction, preserve_id=True)
    CutSet.from_cuts([padded]).to_file(tmp_path / "cuts.jsonl.gz")

    (found,) = read_cuts(tmp_path / "cuts.jsonl.gz")

    waveform, speech = load_waveform(found, RATE), load_waveform(whole, RATE)
    start = {"left": len(waveform) - len(speech), "right": 0}.get(
        direction, round((3 - whole.duration) / 2 * RATE)
    )
    assert (found.id, found.duration, len(waveform)) == (whole.id, 3.0, 3 * RATE)
    np.testing.assert_allclose(waveform[start : start + len(speech)], speech, atol=1e-6)
    assert not np.delete(waveform, np.s_[start : start + len(speech)]).any()


def test_custom_fields_of_a_cut_are_ignored(manifest: Path, tmp_path: Path) -> None:
    whole = next(iter(read_cuts(manifest)))
    row = supervised(
        whole.to_dict(),
        language="English",
        gender="female",
        speaker=17,
        alignment={"word": [["a", 0.0, 0.1]]},
        custom={"source": "radio"},
    )
    row["custom"] = {"recording": "a", "rating": 4.5, "tags": ["x", ["y"]], "by": None}
    write_lines(tmp_path / "cuts.jsonl.gz", [row])

    (found,) = read_cuts(tmp_path / "cuts.jsonl.gz")

    np.testing.assert_array_equal(load_waveform(found, RATE), load_waveform(whole, RATE))
    assert found.custom is None


def test_a_file_of_too_many_samples_is_not_read(
    manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = next(iter(read_cuts(manifest)))
    monkeypatch.setattr(cut_checks, "MOST_SAMPLES", whole.num_samples - 1)

    with pytest.raises(UserError, match=f"found {whole.num_samples} samples in all channels"):
        load_waveform(whole, RATE)


@pytest.mark.parametrize("separator", [b"", b"\n"], ids=["one line", "many lines"])
def test_a_packed_manifest_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manifest: Path, separator: bytes
) -> None:
    monkeypatch.setattr(manifest_lines, "UNPACKED_BYTES", 1 << 20)
    monkeypatch.setattr(manifests, "_parse", lambda *_: SimpleNamespace(id=next(numbers)))
    numbers = itertools.count()
    bomb = tmp_path / "cuts.jsonl.gz"
    with gzip.open(bomb, "wb") as file:
        for _ in range(16):
            file.write((b" " * 1023 + (separator or b" ")) * 1024)

    tracemalloc.start()
    with pytest.raises(UserError, match=r"cuts.jsonl.gz:\d+: (a line of|the file unpacks to) more"):
        read_cuts(bomb)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert most < 6 << 20


def values(row: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """List the paths to every value in a JSON value."""
    yield path
    for key, entry in row.items() if isinstance(row, dict) else enumerate(row):
        if isinstance(entry, dict | list):
            yield from values(entry, (*path, key))
        else:
            yield (*path, key)


ODD_VALUES = [
    None, True, "", "\0", "\ud800", "a" * 3000, "-", "pipe:touch run", "file", "MonoCut",
    "PaddingCut", [], [[]], {}, {"id": "a"}, HIDDEN, REVERBERATION, 0, 1, -1, 2, 10**30, 10**400,
    0.5, -0.0, 1e-300, 1e300, float("inf"), float("nan"), 3600, 1e9, 768_000,
]  # fmt: skip


def mutated(row: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Set, remove, replace or add one value anywhere in a row."""
    row = changed(row)
    *parent, key = rng.choice([path for path in values(row) if path])
    place = reduce(getitem, parent, row)
    action = rng.choice(["set", "remove", "move", "add"])
    if action == "set":
        place[key] = rng.choice(ODD_VALUES)
    elif action == "remove":
        del place[key]
    elif action == "move":
        place[key] = changed({"": reduce(getitem, rng.choice([*values(row)]), row)})[""]
    elif isinstance(place, dict):
        place[rng.choice(["custom", "transforms", "features", "type", "x"])] = place[key]
    else:
        place.append(place[key])
    return row


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.usefixtures("nothing_outside")
def test_no_mutated_manifest_ends_in_a_traceback(manifest: Path, seed: int) -> None:
    rng = random.Random(seed)
    good = next(iter(read_cuts(manifest)))
    padded = good.pad(duration=3.0)
    rows = [one.to_dict() for one in (good, padded, good.mix(padded, snr=10).drop_supervisions())]
    read = 0
    for _ in range(150):
        row = rng.choice(rows)
        for _ in range(rng.choice([1, 1, 2])):
            row = mutated(row, rng)
        write_lines(Path("cuts.jsonl"), [row])
        with suppress(UserError):
            (found,) = read_cuts("cuts.jsonl")
            read_speakers([found])
            read += 1
            load_waveform(found, RATE)
    assert 0 < read < 150


def test_manifests_and_audio_are_read_in_one_place() -> None:
    """lhotse runs a path that begins with "pipe:" as a command, so no path may reach lhotse."""
    package = Path(asr.__file__).parent
    others = [path for path in package.rglob("*.py") if path.name != "manifests.py"]
    opening = re.compile(r"open_best|load_manifest|\.from_(file|jsonl|json|yaml|shar|dir)\(")

    assert [path.name for path in others if opening.search(path.read_text())] == []


@pytest.mark.parametrize(
    ("start", "duration", "expected"),
    [
        (0.2, 0.3, (0.2, 0.3)),
        (0.0, 0.3, (0.0, 0.3)),
        (0.05, 0.5, (0.0, 0.6)),
        (0.4, 0.25, (0.4, 0.2)),
    ],
)
def test_a_cut_is_shortened_to_its_transcript(manifest, tmp_path, start, duration, expected):
    """What is spoken before and behind it has other words, which must not be trained on."""
    cut = next(iter(CutSet.from_file(manifest))).truncate(duration=0.6, preserve_id=True)
    cut.supervisions[0].start, cut.supervisions[0].duration = start, duration
    CutSet.from_cuts([cut]).to_file(tmp_path / "cuts.jsonl.gz")
    (read,) = read_cuts(tmp_path / "cuts.jsonl.gz")
    assert (read.start, read.duration) == pytest.approx(expected)
    whole = load_waveform(cut, RATE)
    first = round(expected[0] * RATE)
    expected_samples = whole[first : first + round(expected[1] * RATE)]
    assert np.array_equal(load_waveform(read, RATE), expected_samples)


def test_a_transcript_of_more_than_its_cut_is_refused(manifest, tmp_path):
    cut = next(iter(CutSet.from_file(manifest)))
    cut.supervisions[0].duration += 0.5
    CutSet.from_cuts([cut]).to_file(tmp_path / "cuts.jsonl.gz")
    with pytest.raises(UserError, match=r"cuts.jsonl.gz:1: .*found its transcript from 0 to"):
        read_cuts(tmp_path / "cuts.jsonl.gz")


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        (
            '{"audio_filepath": "a.wav", "duration": 1, "text": "a"}',
            "this is a line of NeMo's manifests, and no cut; `asr prepare folder` makes",
        ),
        ('{"id": "a", "sources": [], "sampling_rate": 1}', "give the manifest of cuts, not of rec"),
        ('{"id": "a", "recording_id": "a", "start": 0}', "give the manifest of cuts, not of super"),
        ('{"path": "a.mp3", "sentence": "a"}', "`asr prepare folder` makes a manifest"),
        ("path,sentence", "`asr prepare folder` makes a manifest"),
        ("utt1 some words", "`asr prepare folder` makes a manifest"),
        ('{"id": ', "mend the line, or prepare the corpus again"),
        ("", "give one with some"),
    ],
)
def test_other_manifests_are_named_and_told_what_makes_cuts(tmp_path, line, advice):
    (tmp_path / "a.jsonl").write_text(f"{line}\n" if line else "")
    with pytest.raises(UserError, match=re.escape(advice)):
        read_cuts(tmp_path / "a.jsonl")


def test_the_line_of_an_error_that_tells_most_is_shown():
    error = ValueError("Reading audio from 'x' failed. Details:\n\n  no such codec\nmore")
    assert manifests._first_line(error) == "no such codec"
    assert manifests._first_line(ValueError("Details:")) == "ValueError"
