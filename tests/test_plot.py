"""A picture of how a recording was heard, however long it is."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from random_models import random_model, random_tokenizer

from asr.errors import UserError
from asr.plot import draw_transcription
from asr.recognizer import Recognizer
from asr.recording import Recording

RATE = 16000


@pytest.fixture
def recognizer() -> Recognizer:
    return Recognizer(random_model(), random_tokenizer())


def test_the_first_speech_of_a_long_recording_is_drawn_and_no_more_is_read(
    recognizer: Recognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(0)
    samples = 1e-3 * generator.standard_normal(300 * RATE)
    speech = slice(5 * RATE, 9 * RATE)
    samples[speech] += 0.1 * generator.standard_normal(4 * RATE)
    soundfile.write(tmp_path / "a.wav", samples, RATE)
    read: list[int] = []
    stream = Recording.waveform

    def counted(self: Recording, *arguments: int) -> Iterator[np.ndarray]:
        for block in stream(self, *arguments):
            read.append(len(block))
            yield block

    monkeypatch.setattr(Recording, "waveform", counted)

    text = draw_transcription(recognizer, tmp_path / "a.wav", tmp_path / "a.png")

    assert sum(read) < 100 * RATE
    first = recognizer.transcribe(tmp_path / "a.wav").segments[0]
    assert first.start_s == pytest.approx(5, abs=0.5)
    assert text == first.text
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_name_is_no_formula(recognizer: Recognizer, tmp_path: Path) -> None:
    path = tmp_path / "5$ and $x^.wav"
    soundfile.write(path, np.zeros(RATE), RATE)

    draw_transcription(recognizer, path, tmp_path / "a.png")

    assert (tmp_path / "a.png").exists()


def test_a_long_recording_without_speech_cannot_be_drawn(
    recognizer: Recognizer, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(40 * RATE), RATE)

    with pytest.raises(UserError, match=r"a\.wav: no speech was found, so there is nothing"):
        draw_transcription(recognizer, tmp_path / "a.wav", tmp_path / "a.png")
