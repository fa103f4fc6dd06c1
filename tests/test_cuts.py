import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from lhotse import CutSet, MonoCut
from tiny import RATE, damaged_cut

from asr.cuts import load_waveform, read_cuts
from asr.errors import UserError


@pytest.fixture
def manifest(tones: Path) -> Path:
    """A sound manifest of four utterances."""
    return tones / "dev.jsonl.gz"


def test_a_manifest_is_read_in_its_order(manifest: Path, tmp_path: Path) -> None:
    backwards = list(CutSet.from_file(manifest))[::-1]
    CutSet.from_cuts(backwards).to_file(tmp_path / "cuts.jsonl.gz")

    assert list(read_cuts(tmp_path / "cuts.jsonl.gz")) == backwards


def write_lines(path: Path, lines: list[Any]) -> Path:
    with gzip.open(path, "wt") as file:
        file.writelines(
            (line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines
        )
    return path


def changed(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return json.loads(json.dumps(row)) | changes


def from_command(recording: dict[str, Any]) -> dict[str, Any]:
    return changed(recording, sources=[{"type": "command", "channels": [0], "source": "touch x"}])


def mixed(row: dict[str, Any]) -> dict[str, Any]:
    one = MonoCut.from_dict(row)
    return one.mix(one.drop_supervisions()).to_dict()


BAD_LINES = {
    "broken json": (lambda _: '{"id": ', "not a line of a cut manifest"),
    "another object": (lambda _: {"a": 1}, "not a line of a cut manifest"),
    "a list": (lambda _: [1], "not a line of a cut manifest"),
    "a recording": (lambda row: row["recording"], "a Recording, expected a cut"),
    "no transcript": (lambda row: changed(row, supervisions=[]), "has 0 transcripts, expected 1"),
    "two transcripts": (
        lambda row: changed(row, supervisions=2 * row["supervisions"]),
        "has 2 transcripts, expected 1",
    ),
    "text that is a number": (
        lambda row: changed(row, supervisions=[row["supervisions"][0] | {"text": 5}]),
        "expected 1 with text",
    ),
    "negative duration": (
        lambda row: changed(row, duration=-0.3),
        "duration is -0.3 s, expected more than 0",
    ),
    "id that is a number": (lambda row: changed(row, id=7), "its id is no string"),
    "command as audio": (
        lambda row: changed(row, recording=from_command(row["recording"])),
        "its audio is a command 'touch x', which is never run",
    ),
    "command in a mix": (
        lambda row: mixed(changed(row, recording=from_command(row["recording"]))),
        "its audio is a command 'touch x', which is never run",
    ),
    "repeated id": (lambda row: changed(row, id="dev-00"), "a second cut with the id dev-00"),
}


@pytest.mark.parametrize(("damage", "message"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_is_refused_by_file_and_line(
    manifest: Path, tmp_path: Path, damage: Any, message: str
) -> None:
    rows = [one.to_dict() for one in CutSet.from_file(manifest)]
    path = write_lines(tmp_path / "cuts.jsonl.gz", [rows[0], damage(rows[1]), rows[2]])

    with pytest.raises(UserError) as raised:
        read_cuts(path)

    assert str(raised.value).startswith(f"{path}:2: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


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
def test_a_bad_manifest_is_refused_by_name(tmp_path: Path, make: Any, message: str) -> None:
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
        ("text", "its audio cannot be read (Reading audio from"),
        ("missing", "its audio cannot be read (Reading audio from"),
    ],
)
def test_audio_that_cannot_be_used_names_its_cut(tmp_path: Path, kind: str, message: str) -> None:
    bad = damaged_cut(tmp_path / "bad.wav", kind)

    with pytest.raises(UserError) as raised:
        load_waveform(bad, RATE)

    assert str(raised.value).startswith(f"cut bad: {message}")
    assert "\n" not in str(raised.value)
