import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from random_models import noise, random_model, random_tokenizer

import asr
from asr.audio import AudioError
from asr.audio.selection import Selection
from asr.decoding.words import Decoded
from asr.engine.choice import open_engine
from asr.engine.onnx_engine import OnnxEngine
from asr.engine.torch_engine import TorchEngine
from asr.formats import FORMATS, About
from asr.inference.recognizer import Recognizer
from asr.inference.segmentation import LONGEST_S, segments
from asr.inference.segmentation.batching import GROUP, SegmentBatch
from asr.model.device import find_device
from asr.model.model_file import read_model, save_model
from asr.transcript import Transcript
from asr.util.errors import FileError, UserError
from asr.util.paths import MODEL_NAME

RATE = 16000


def recognizer() -> Recognizer:
    return Recognizer(TorchEngine(random_model()), random_tokenizer())


def talk(seconds: float, seed: int = 0) -> np.ndarray:
    """Bursts of loud noise, half a second to five, as speech rises and falls, and pauses."""
    generator = np.random.default_rng(seed)
    samples = 1e-3 * generator.standard_normal(round(seconds * RATE))
    now = 0.5
    while (end := now + generator.uniform(0.5, 5.0)) < seconds:
        first, last = round(now * RATE), round(end * RATE)
        syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * np.arange(last - first) / RATE)
        samples[first:last] += 0.1 * syllables * generator.standard_normal(last - first)
        now = end + generator.uniform(0.8, 1.5)
    return (np.round(samples * 2**15) / 2**15).astype(np.float32)


def as_json(transcripts: list[Transcript]) -> str:
    return FORMATS["json"](transcripts, About("a.wav", "m", {}))


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


def test_a_long_recording_has_the_log_probs_of_the_whole() -> None:
    """Small random layers forget within the windows' overlap; features do not depend on them."""
    model = random_model()
    mean, std = torch.empty(16).normal_(-9.0), torch.empty(16).uniform_(1.0, 3.0)
    model.log_mel.normalize = lambda features, _: (features - mean) / std
    found, samples = Recognizer(TorchEngine(model), random_tokenizer()), voice(70 * RATE + 77)
    with torch.inference_mode():
        whole, _ = model.log_probs(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))

    np.testing.assert_allclose(found.log_probs(samples), whole[0], atol=1e-5)


def test_dropout_is_off_even_for_a_model_in_training() -> None:
    model = random_model().train()

    texts = {
        Recognizer(TorchEngine(model), random_tokenizer()).transcribe(voice(), RATE)
        for _ in range(3)
    }

    assert len(texts) == 1


def test_a_loaded_model_transcribes_as_the_saved_one(model_file: Path) -> None:
    expected = Recognizer(open_engine(read_model(model_file)), random_tokenizer())

    for path in (model_file, str(model_file.parent)):
        found = asr.load(path).transcribe(voice(), RATE)
        assert found == expected.transcribe(voice(), RATE)
        assert found.text == recognizer().transcribe(voice(), RATE).text


def test_a_model_is_loaded_to_its_device(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asr.model.device.choose_device", torch.device)
    assert isinstance(asr.load(model_file).engine, OnnxEngine)
    engine = asr.load(model_file, device="meta").engine
    assert isinstance(engine, TorchEngine)
    assert find_device(engine.model).type == "meta"


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (voice(), None, "without sample_rate; give it in Hz"),
        (voice(), 0, "sample_rate is 0, expected whole Hz from 1000 to 768000"),
        (voice(), 44.1, "sample_rate is 44.1, expected whole Hz"),
        (voice(), "16000", "sample_rate is '16000', expected whole Hz"),
        (torch.zeros(100), RATE, "expected a path or a numpy array, found a Tensor"),
        ([0.0] * 100, RATE, "expected a path or a numpy array, found a list"),
        (b"RIFF", None, "expected a path or a numpy array, found a bytes"),
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


def test_samples_may_lie_in_any_order() -> None:
    backwards = recognizer().waveform(voice()[::-1], RATE)

    np.testing.assert_array_equal(
        recognizer().log_probs(backwards), recognizer().log_probs(voice()[::-1].copy())
    )


def test_an_unknown_channel_is_refused_at_once() -> None:
    with pytest.raises(UserError, match="channel: unknown 'middle'; choose one of mix, left"):
        next(recognizer().transcribe_files(["a.wav"], Selection("middle")))


def test_an_unknown_detector_is_refused_at_once() -> None:
    with pytest.raises(UserError, match="vad: unknown 'magic'; choose one of energy, silero"):
        Recognizer(TorchEngine(random_model()), random_tokenizer(), vad="magic")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="there is no such file"):
        recognizer().transcribe(tmp_path / "a.wav")


def test_transcribing_imports_neither_lhotse_nor_numba(model_file: Path) -> None:
    soundfile.write(model_file.parent / "a.wav", voice(), RATE)
    script = f"""
import sys, asr
assert not {{"torch", "numpy"}} & set(sys.modules), "asr itself imports nothing heavy"
text = asr.load({str(model_file)!r}).transcribe({str(model_file.parent / "a.wav")!r}).text
heavy = ["torch", "lhotse", "numba", "librosa", "jiwer", "matplotlib", "hydra"]
print(text, [name for name in heavy if name in sys.modules], sep="|")
"""

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    expected = recognizer().transcribe(voice(), RATE).text
    assert ended.stderr == ""
    assert ended.stdout == f"{expected}|[]\n"


def test_a_long_recording_is_its_segments_on_its_own_clock(tmp_path: Path) -> None:
    samples = talk(150)
    found = recognizer()
    soundfile.write(tmp_path / "a.wav", samples, RATE)

    transcript = found.transcribe(tmp_path / "a.wav")

    assert transcript == found.transcribe(samples, RATE)
    assert transcript.duration_s == 150
    assert len(transcript.segments) > GROUP * found.engine.rows, "more than one group"
    starts = {segment.start / RATE: segment for segment in segments([samples], RATE)}
    for segment in transcript.segments:
        alone = found.transcribe(starts[segment.start_s].waveform, RATE)
        assert segment.text == alone.text
        for word, expected in zip(segment.words, alone.words, strict=True):
            assert word.start_s == pytest.approx(segment.start_s + expected.start_s)
            assert word.end_s == pytest.approx(segment.start_s + expected.end_s)
            assert word.confidence == pytest.approx(expected.confidence, rel=1e-3)
            assert segment.start_s <= word.start_s < word.end_s <= segment.end_s


def test_words_end_with_the_audio() -> None:
    for samples in range(RATE, RATE + 1000, 77):
        transcript = recognizer().transcribe(voice(samples), RATE)
        assert transcript.words[-1].end_s <= transcript.duration_s


def test_a_recording_of_the_longest_length_is_one_segment() -> None:
    samples = talk(LONGEST_S)
    found = recognizer()
    log_probs = found.log_probs(samples)[None]
    (whole,) = found.decoder.decode(log_probs, np.array([log_probs.shape[1]]), found.engine.frame_s)

    transcript = found.transcribe(samples, RATE)

    assert transcript.text == whole.text
    assert [(s.start_s, s.end_s) for s in transcript.segments] == [(0, LONGEST_S)]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("recordings")
    for number, seconds in enumerate([0.7, 70, 3, 45, 0.01, 9, 0.75, 2.9, 0.8, 0.72, 0.74]):
        samples = talk(seconds, number) if seconds > 9 else voice(round(seconds * RATE))
        both = np.stack([samples, 0.5 * np.tanh(20 * samples)], axis=1)
        soundfile.write(folder / f"{number:02}.wav", both if number % 2 else samples, RATE)
    return sorted(folder.iterdir())


@pytest.mark.parametrize("channel", ["mix", "each"])
def test_neighbors_order_and_workers_change_no_byte(recordings: list[Path], channel: str) -> None:
    found = recognizer()

    def transcribe(paths: list[Path], workers: int = 1) -> dict[Path, str]:
        results = found.transcribe_files(paths, Selection(channel), workers=workers)
        return {Path(path): as_json(result) for path, result in results}

    alone = {path: text for one in recordings for path, text in transcribe([one]).items()}

    assert len(set(alone.values())) >= len(recordings) - 1
    assert transcribe(recordings) == alone
    for seed in range(3):
        shuffled = [recordings[i] for i in np.random.default_rng(seed).permutation(len(recordings))]
        assert list(transcribe(shuffled, workers=3).items()) == [(p, alone[p]) for p in shuffled]


@pytest.mark.parametrize(("workers", "expected"), [(1, None), (3, 1)])
def test_workers_decode_in_one_thread_each(
    recordings: list[Path], monkeypatch: pytest.MonkeyPatch, workers: int, expected: int | None
) -> None:
    found, seen = recognizer(), set()
    decode = found.decoder.decode

    def spy(*arguments: object) -> list[Decoded]:
        seen.add(arguments[3])
        return decode(*arguments)

    monkeypatch.setattr(found.decoder, "decode", spy)
    assert len(list(found.transcribe_files(recordings, workers=workers))) == len(recordings)
    assert seen == {expected}


def test_the_shape_of_a_segments_batch_does_not_depend_on_other_recordings(
    recordings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What makes the test above hold: sums depend on the shape of what is summed."""
    found = recognizer()
    batches: list[SegmentBatch] = []
    transcribe = found.transcribe_batch
    monkeypatch.setattr(
        found, "transcribe_batch", lambda batch, _: batches.append(batch) or transcribe(batch)
    )

    def shapes(paths: list[Path]) -> dict[bytes, tuple[int, int]]:
        batches.clear()
        list(found.transcribe_files(paths))
        return {
            segment.waveform.tobytes(): (batch.rows, batch.samples)
            for batch in batches
            for segment in batch.segments
        }

    together, count = shapes(recordings[::-1]), len(batches)
    alone, count_alone = {}, 0
    for path in recordings:
        alone |= shapes([path])
        count_alone += len(batches)

    assert together == alone
    assert count < count_alone


def test_a_bad_file_is_a_result_and_the_others_go_on(
    tmp_path: Path, recordings: list[Path]
) -> None:
    bad = tmp_path / "bad.wav"
    soundfile.write(bad, np.append(talk(100), np.nan), RATE, subtype="FLOAT")
    paths = [recordings[0], bad, tmp_path / "none.wav", recordings[1]]

    (_, one), (_, damaged), (_, missing), (_, other) = recognizer().transcribe_files(paths)

    assert "NaN" in str(damaged) and "no such file" in str(missing)
    assert one == [recognizer().transcribe(recordings[0])]
    assert other == [recognizer().transcribe(recordings[1])]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_nobody_foresaw_is_that_of_one_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, workers: int
) -> None:
    """The recordings share a batch, and the decoder fails where the bad one is in it."""
    good, bad = [voice(RATE + samples) for samples in range(3)], voice(RATE - 1)
    paths = [tmp_path / f"{number}.wav" for number in range(4)]
    for path, samples in zip(paths, [*good[:2], bad, good[2]], strict=True):
        soundfile.write(path, samples, RATE)
    expected = [recognizer().transcribe(path) for path in (*paths[:2], paths[3])]
    padded = SegmentBatch.padded

    def failing(batch: SegmentBatch) -> object:
        if any(len(segment.waveform) == len(bad) for segment in batch.segments):
            raise ZeroDivisionError("of a bug")
        return padded(batch)

    monkeypatch.setattr(SegmentBatch, "padded", failing)
    results = dict(recognizer().transcribe_files(paths, workers=workers))

    assert [results[path] for path in (*paths[:2], paths[3])] == [[one] for one in expected]
    assert str(results[paths[2]]).startswith(f"{paths[2]}: ZeroDivisionError (of a bug) in ")
    with pytest.raises(FileError, match="please report"):
        recognizer().transcribe(paths[2])


def test_channels_are_transcribed_apart(recordings: list[Path]) -> None:
    ((_, transcripts),) = recognizer().transcribe_files([recordings[3]], Selection("each"))
    samples, _ = soundfile.read(recordings[3], dtype="float32")

    assert [transcript.channel for transcript in transcripts] == ["left", "right"]
    for transcript, one in zip(transcripts, samples.T, strict=True):
        assert transcript.segments == recognizer().transcribe(one.copy(), RATE).segments


def test_a_transcript_is_written_as_subtitles() -> None:
    transcript = recognizer().transcribe(voice(), RATE)
    assert FORMATS["srt"]([transcript], About("a.wav", "m", {})).startswith("1\n00:00:0")
