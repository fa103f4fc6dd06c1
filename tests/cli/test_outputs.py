"""Where transcripts go, as the verbs that write them use it."""

from pathlib import Path

import pytest

from asr.cli.made_from import make_source
from asr.cli.outputs import Outputs
from asr.formats import FORMATS, About
from asr.transcript import Transcript
from asr.util.errors import UserError

ABOUT = About("a.wav", "m", {})
SOURCE = make_source("a.wav")


def test_done_is_what_has_all_its_files(tmp_path: Path) -> None:
    both = Outputs(("txt", "srt"), tmp_path, overwrite=False)
    Outputs(("txt",), tmp_path, overwrite=False).put("a", [Transcript((), 1.0)], ABOUT, SOURCE)
    assert both.missing("a", SOURCE)
    both.put("a", [Transcript((), 1.0)], ABOUT, SOURCE)
    assert both.missing("a", SOURCE) == ()
    assert Outputs(("txt", "srt"), tmp_path, overwrite=True).missing("a", SOURCE)


def test_a_folder_is_no_finished_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    assert Outputs(("txt",), tmp_path, overwrite=False).missing("a", SOURCE) == ("txt",)


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_a_file_of_its_own_is_printed_of_one_recording(name: str, tmp_path: Path) -> None:
    outputs = Outputs((name,), None, overwrite=False)
    outputs.check(1)
    Outputs((name,), tmp_path / "new", overwrite=False).check(2)
    if name in ("txt", "ctm", "stm", "jsonl"):
        outputs.check(2)
    else:
        with pytest.raises(UserError, match=rf"^--format {name}: .* found 2; add --output-dir$"):
            outputs.check(2)


def test_a_folder_that_cannot_be_made_or_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "out", tmp_path / ("x" * 300)):
        with pytest.raises(UserError, match=r"^--output-dir .*: cannot be made or written: "):
            Outputs(("txt",), folder, overwrite=False).check(1)


def test_a_name_too_long_for_a_file_is_one_sentence(tmp_path: Path) -> None:
    outputs = Outputs(("txt",), tmp_path, overwrite=False)
    assert outputs.missing("a" * 300, SOURCE) == ("txt",)
    with pytest.raises(UserError, match="cannot be written: File name too long"):
        outputs.put("a" * 300, [Transcript((), 1.0)], ABOUT, SOURCE)
