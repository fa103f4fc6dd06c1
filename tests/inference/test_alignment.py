"""Forced alignment: the path, the times of words and characters, and what cannot be aligned."""

import numpy as np
import pytest
from random_models import noise, random_model, random_tokenizer

from asr.engine.torch_engine import TorchEngine
from asr.inference.alignment import align_text
from asr.inference.recognizer import Recognizer
from asr.transcript import AlignedTranscript
from asr.util.errors import UserError

RATE = 16000


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer(TorchEngine(random_model()), random_tokenizer())


def waveform(samples: int = 2 * RATE, seed: int = 0) -> np.ndarray:
    return 0.1 * noise(samples, seed=seed).numpy()


def test_a_transcript_aligned_with_its_audio_keeps_its_times(recognizer: Recognizer) -> None:
    transcript = recognizer.transcribe(waveform(), RATE)
    assert len(transcript.text) > 10
    aligned = align_text(recognizer, waveform(), transcript.text, "a.wav")
    assert (aligned.text, aligned.duration_s) == (transcript.text, 2.0)
    for word, expected in zip(aligned.words, transcript.words, strict=True):
        assert (word.text, word.start_s, word.end_s) == (
            expected.text,
            expected.start_s,
            expected.end_s,
        )
        assert word.confidence == pytest.approx(expected.confidence, rel=1e-3)


def test_characters_lie_in_order_within_their_words(recognizer: Recognizer) -> None:
    aligned = align_text(recognizer, waveform(), "Abba, ca\n\n  fed! ", "a.wav")
    assert isinstance(aligned, AlignedTranscript)
    assert [segment.text for segment in aligned.segments] == ["abba ca", "fed"]
    assert "".join(one.text for one in aligned.tokens) == "abbacafed"
    characters = list(aligned.tokens)
    for word in aligned.words:
        own = [characters.pop(0) for _ in word.text]
        assert word.start_s <= own[0].start_s < own[-1].end_s <= word.end_s
        assert word.confidence == pytest.approx(np.prod([one.confidence for one in own]), rel=1e-4)
    ends = [0.0] + [one.end_s for one in aligned.tokens]
    assert all(end <= one.start_s for end, one in zip(ends, aligned.tokens, strict=False))
    for segment in aligned.segments:
        assert segment.start_s == segment.words[0].start_s
        assert segment.end_s == segment.words[-1].end_s <= aligned.duration_s


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "its text has no words"),
        (" \n,?\n", "its text has no words"),
        ("abba xylo", r"no token \(l o x y\)"),
        ("abcd " * 60, r"needs 299 frames of 20 ms, but its 2.00 s of sound have \d+"),
        ("a" * 60, r"needs 119 frames"),  # a blank must part equal neighbors
    ],
)
def test_text_that_cannot_be_aligned_is_refused(
    recognizer: Recognizer, text: str, reason: str
) -> None:
    with pytest.raises(UserError, match=f"^talk.wav: .*{reason}"):
        align_text(recognizer, waveform(), text, "talk.wav")


def test_a_recording_too_short_for_a_frame_is_refused(recognizer: Recognizer) -> None:
    with pytest.raises(UserError, match="have 0; check"):
        align_text(recognizer, waveform(50), "a", "click.wav")


def test_as_many_frames_as_needed_are_enough(recognizer: Recognizer) -> None:
    frames = len(recognizer.log_probs(waveform()))
    text = ("ab" * frames)[:frames]
    aligned = align_text(recognizer, waveform(), text, "a.wav")
    assert len(aligned.tokens) == frames
    with pytest.raises(UserError, match=f"needs {frames + 1} frames"):
        align_text(recognizer, waveform(), text + "ab"[frames % 2], "a.wav")
