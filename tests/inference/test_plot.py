"""The picture of a recording, short or long."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import soundfile
from random_models import random_model, random_tokenizer

from asr.audio.recording import Recording
from asr.audio.selection import Selection
from asr.engine.torch_engine import TorchEngine
from asr.inference.plot import draw_log_mel, draw_transcription
from asr.inference.recognizer import Recognizer
from asr.text.tokenizer import BLANK, CharTokenizer
from asr.transcript import Segment, Transcript
from asr.util.errors import UserError

RATE = 16000


@pytest.fixture
def recognizer() -> Recognizer:
    return Recognizer(TorchEngine(random_model()), random_tokenizer())


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


def test_any_name_and_any_token_can_be_drawn(tmp_path: Path) -> None:
    tokenizer = CharTokenizer([BLANK, *" $bc\\efg"], "none")
    path = tmp_path / "a\nb\x1b.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(4 * RATE), RATE)

    text = draw_transcription(
        Recognizer(TorchEngine(random_model()), tokenizer), path, tmp_path / "a.png"
    )

    assert {"$", "\\"} <= set(text)
    assert (tmp_path / "a.png").exists()


def test_digital_silence_leaves_the_colors_to_speech(recognizer: Recognizer) -> None:
    log_mel = recognizer.engine.log_mel
    log_mel.settings = replace(log_mel.settings, amin=1e-30, top_db=30.0)
    speech = 0.1 * np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    figure, axes = plt.subplots()

    draw_log_mel(axes, recognizer, np.concatenate([speech, np.zeros(RATE, np.float32)]))

    (image,) = axes.images
    assert np.ptp(image.get_array()) == pytest.approx(3 * np.log(10))
    plt.close(figure)


def test_a_name_is_no_formula(recognizer: Recognizer, tmp_path: Path) -> None:
    path = tmp_path / "5$ and $x^.wav"
    soundfile.write(path, np.zeros(RATE), RATE)

    draw_transcription(recognizer, path, tmp_path / "a.png")

    assert (tmp_path / "a.png").exists()


@pytest.mark.parametrize("text", ["four score and seven years ago " * 16, "YES NO " * 70])
def test_a_long_text_leaves_room_for_the_plots(
    recognizer: Recognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    transcript = Transcript((Segment(0, 1, text, ()),), 1.0)
    monkeypatch.setattr(recognizer, "transcribe", lambda *_: transcript)
    drawn = []
    close = plt.close
    monkeypatch.setattr(plt, "close", lambda figure: close(drawn.append(figure) or figure))
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE), RATE)

    draw_transcription(recognizer, tmp_path / "a.wav", tmp_path / "a.png")

    (figure,) = drawn
    for axes in figure.axes:
        assert axes.get_position().width > 0.9
        assert axes.get_position().height > 0.25
    assert figure.axes[0].get_title(loc="left").count("\n") == 4


def test_the_channel_that_was_asked_for_is_drawn(recognizer: Recognizer, tmp_path: Path) -> None:
    both = 0.1 * np.random.default_rng(0).standard_normal((RATE, 2))
    soundfile.write(tmp_path / "a.wav", both, RATE)
    texts = {
        channel: draw_transcription(
            recognizer, tmp_path / "a.wav", tmp_path / "a.png", Selection(channel)
        )
        for channel in ("mix", "left", "right", "each")
    }
    files = recognizer.transcribe_files([tmp_path / "a.wav"], Selection("each"))
    ((_, (left, right)),) = files
    assert texts["left"] == texts["each"] == left.text
    assert texts["right"] == right.text
    assert texts["mix"] not in (left.text, right.text)


def test_the_picture_is_written_to_the_very_path(recognizer: Recognizer, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    for name, start in (("nosuffix", b"\x89PNG"), ("new/a.svg", b"<?xml")):
        draw_transcription(recognizer, tmp_path / "a.wav", tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)
    assert not (tmp_path / "nosuffix.png").exists()


def test_a_picture_of_no_known_format_is_refused(recognizer: Recognizer, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    with pytest.raises(UserError, match=r"a\.wave: cannot be drawn .*; end its name in \.png"):
        draw_transcription(recognizer, tmp_path / "a.wav", tmp_path / "a.wave")
    assert not (tmp_path / "a.wave").exists()


def test_a_long_recording_without_speech_cannot_be_drawn(
    recognizer: Recognizer, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(40 * RATE), RATE)

    with pytest.raises(UserError, match=r"a\.wav: no speech was found, so there is nothing"):
        draw_transcription(recognizer, tmp_path / "a.wav", tmp_path / "a.png")
