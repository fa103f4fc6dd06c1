"""`asr cache` lists what the toolkit keeps, and removes nothing else."""

import os
from pathlib import Path

import pytest

from asr.cli import main

DIGEST = "0123456789abcdef" * 2
KEPT = {
    f"{DIGEST}.lm": 2_000_000,
    f"{DIGEST}.lexicon": 1_500_000,
    f"{DIGEST}.decoder": 500_000,
    f".{DIGEST}.lexicon.partial0123456789abcdef": 100_000,
    "numba/asr_0/beam.py310.nbi": 10_000,
    "numba/asr_0/beam.py310.1.nbc": 990_000,
}
OTHERS = ("notes.lm", "numba/readme.nbi", "numba/asr_0/beam.py", "model.safetensors")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that also holds files of the user."""
    folder = tmp_path / "cache"
    for name, size in {**KEPT, **dict.fromkeys(OTHERS, 7)}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(bytes(size))
    monkeypatch.setenv("ASR_CACHE", str(folder))
    return folder


def test_the_files_are_listed_by_kind(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == str(folder)
    assert [" ".join(line.split()) for line in lines] == [
        "language models 1 file 2.0 MB",
        "lexicons 1 file 1.5 MB",
        "decoders 1 file 0.5 MB",
        "machine code 0 files 0.0 MB",
        "compiled code 2 files 1.0 MB",
        "unfinished files 1 file 0.1 MB",
    ]
    assert all((folder / name).is_file() for name in KEPT)


def test_clearing_removes_these_files_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cache", "--clear"]) == 0
    assert "2.0 MB removed" in capsys.readouterr().out
    assert {str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file()} == {*OTHERS}


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of POSIX systems")
def test_a_folder_that_others_can_write_to_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.chmod(0o777)
    assert main(["cache", "--clear"]) == 1
    assert "every user can write to this folder; set ASR_CACHE" in capsys.readouterr().err
    assert all((folder / name).is_file() for name in KEPT)
