"""What is noticed about a recording is told to its client alone."""

import json
import warnings
from pathlib import Path

from asr.audio.opening import read_audio
from asr.audio.selection import Selection
from asr.server.notes import collecting, notes_of
from asr.server.openai_answers import respond
from asr.server.openai_form import TranscriptionForm
from asr.transcript import Transcript


def test_notes_about_a_file_are_collected(tones: Path, tmp_path: Path, capsys) -> None:
    cut, other = tmp_path / "cut.wav", tmp_path / "other.wav"
    for path in (cut, other):
        path.write_bytes((tones / "test-00.wav").read_bytes()[:6000])
    with collecting(), notes_of(cut) as notes:
        for path in (cut, other):
            read_audio(path, 8000, Selection())
        warnings.warn("another", stacklevel=1)
    (note,) = notes
    assert note.startswith("ends ")
    assert "cut.wav" not in note
    assert "before its header" not in capsys.readouterr().err


def test_notes_are_in_the_answer() -> None:
    form = TranscriptionForm(None, "json", frozenset(), False, (), None)  # type: ignore[arg-type]
    answers = [respond(Transcript((), 1.0), form, "en", notes).body for notes in ([], ["short"])]
    assert [json.loads(answer).get("notes") for answer in answers] == [None, ["short"]]
