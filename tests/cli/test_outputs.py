"""Where transcripts go, as the verbs that write them use it."""

from pathlib import Path

import pytest

from asr.cli.outputs import Outputs
from asr.errors import UserError
from asr.formats import About
from asr.transcript import Transcript

ABOUT = About("a.wav", "m", {})


def test_done_is_what_has_all_its_files(tmp_path: Path) -> None:
    both = Outputs(("txt", "srt"), tmp_path, overwrite=False)
    Outputs(("txt",), tmp_path, overwrite=False).put("a", [Transcript((), 1.0)], ABOUT)
    assert not both.is_done("a")
    both.put("a", [Transcript((), 1.0)], ABOUT)
    assert both.is_done("a")
    assert not Outputs(("txt", "srt"), tmp_path, overwrite=True).is_done("a")


def test_a_name_too_long_for_a_file_is_one_sentence(tmp_path: Path) -> None:
    outputs = Outputs(("txt",), tmp_path, overwrite=False)
    assert not outputs.is_done("a" * 300)
    with pytest.raises(UserError, match="cannot be written: File name too long"):
        outputs.put("a" * 300, [Transcript((), 1.0)], ABOUT)
