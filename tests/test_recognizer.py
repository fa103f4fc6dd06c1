import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from random_models import noise, random_model, random_tokenizer

import asr
from asr.audio import AudioError
from asr.errors import UserError
from asr.model_file import MODEL_NAME, save_model
from asr.recognizer import Recognizer

RATE = 16000


def recognizer() -> Recognizer:
    return Recognizer(random_model(), random_tokenizer())


def voice(samples: int = RATE) -> np.ndarray:
    """Noise that a sixteen-bit file holds exactly."""
    return (np.round(0.1 * noise(samples).numpy() * 2**15) / 2**15).astype(np.float32)


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    model = random_model()
    save_model(tmp_path / MODEL_NAME, model.state_dict(), model.settings, random_tokenizer(), {})
    return tmp_path / MODEL_NAME


def test_a_path_and_an_array_give_the_same_transcript(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, voice(), RATE)

    from_path, from_text = recognizer().transcribe(path), recognizer().transcribe(str(path))
    from_array = recognizer().transcribe(voice(), RATE)

    assert from_path == from_text == from_array
    assert from_array.text
    assert from_array.duration_s == 1.0


def test_a_transcript_is_in_the_models_alphabet_and_differs_with_the_audio() -> None:
    texts = {recognizer().transcribe(voice(n), RATE).text for n in (3000, 9000, 16000)}

    assert len(texts) == 3
    assert not random_tokenizer().unknown("".join(texts))


@pytest.mark.parametrize("rate", [8000, 44100])
def test_another_rate_is_resampled(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, voice(rate), rate)

    from_path, from_array = (
        recognizer().transcribe(path),
        recognizer().transcribe(voice(rate), rate),
    )

    assert from_path == from_array
    assert from_path.duration_s == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("samples", [0, 1, 255])
def test_audio_shorter_than_a_frame_gives_an_empty_transcript(samples: int) -> None:
    transcript = recognizer().transcribe(voice(samples), RATE)

    assert transcript.text == ""
    assert transcript.duration_s == samples / RATE


def test_log_probs_have_the_frames_the_model_counts() -> None:
    found = recognizer()

    assert found.log_probs(voice(4000)).shape == (12, 9)
    assert found.log_probs(voice(0)).shape == (0, 9)


def test_dropout_is_off_even_for_a_model_in_training() -> None:
    model = random_model().train()

    texts = {Recognizer(model, random_tokenizer()).transcribe(voice(), RATE) for _ in range(3)}

    assert len(texts) == 1


def test_a_loaded_model_transcribes_as_the_saved_one(model_file: Path) -> None:
    expected = recognizer().transcribe(voice(), RATE)

    assert asr.load(model_file).transcribe(voice(), RATE) == expected
    assert asr.load(str(model_file.parent)).transcribe(voice(), RATE) == expected


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (voice(), None, "without sample_rate; give it in Hz"),
        (np.zeros(100, np.int16), RATE, r"found int16 of shape \(100,\)"),
        (np.zeros((2, 100)), RATE, r"found float64 of shape \(2, 100\)"),
        (np.full(100, np.nan), RATE, "100 samples are NaN or infinite"),
    ],
)
def test_samples_that_are_not_mono_finite_floats_are_refused(
    samples: np.ndarray, rate: int | None, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        recognizer().transcribe(samples, rate)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="there is no such file"):
        recognizer().transcribe(tmp_path / "a.wav")


def test_transcribing_imports_neither_lhotse_nor_numba(model_file: Path) -> None:
    soundfile.write(model_file.parent / "a.wav", voice(), RATE)
    script = f"""
import sys, asr
assert not {{"torch", "numpy"}} & set(sys.modules), "asr itself imports nothing heavy"
text = asr.load({str(model_file)!r}).transcribe({str(model_file.parent / "a.wav")!r}).text
heavy = ["lhotse", "numba", "librosa", "jiwer", "matplotlib", "hydra"]
print(text, [name for name in heavy if name in sys.modules], sep="|")
"""

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    expected = recognizer().transcribe(voice(), RATE).text
    assert ended.stderr == ""
    assert ended.stdout == f"{expected}|[]\n"
