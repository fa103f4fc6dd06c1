"""Features of a stream: those of ``sliding`` equal the whole file's; packets change no bit."""

import numpy as np
import pytest
from random_models import FEATURES, noise

from asr.inference.streaming.blocks import Blocks, Resampler
from asr.inference.streaming.features import FeatureStream
from asr.inference.streaming.normalization import PAUSE_FRAMES, PRIOR_FRAMES, RunningNormalizer
from asr.model.mel import LogMelSettings
from asr.model.numpy_features import NumpyLogMel
from asr.model.statistics import FeatureStatistics


def settings(normalization: str, top_db: float | None = 30.0) -> LogMelSettings:
    return LogMelSettings(**{**FEATURES, "normalization": normalization, "top_db": top_db})


@pytest.mark.parametrize("top_db", [None, 30.0])
@pytest.mark.parametrize("seconds", [0.5, 1.9, 9.3])
def test_sliding_features_equal_those_of_the_whole(seconds: float, top_db: float | None) -> None:
    log_mel = NumpyLogMel(settings("sliding", top_db))
    samples = (0.1 * noise(round(seconds * 16000)).numpy()).astype(np.float32)
    samples[: len(samples) // 3] *= 0.05
    stream = FeatureStream(log_mel, 3)
    cut = len(samples) // 2
    found = [
        stream.feed(samples[:cut]),
        stream.feed(samples[cut:]),
        stream.feed(samples[:0], last=True),
    ]
    np.testing.assert_allclose(np.concatenate(found), log_mel(samples), atol=1e-4)


def run(normalizer: RunningNormalizer, values: np.ndarray, block: int = 2) -> np.ndarray:
    return np.concatenate(
        [normalizer.feed(part) for part in np.split(values, len(values) // block)]
    )


def test_statistics_are_of_the_window_and_of_the_start() -> None:
    values = noise(50, 16).numpy() + np.arange(50, dtype=np.float32)[:, None]
    found = run(RunningNormalizer(settings("utterance", None), None, window=10, least=4), values)
    for end in (4, 6, 8, 22, 50):
        window = values[max(0, end - 10) : end]
        expected = (values[end - 2 : end] - window.mean(0)) / np.maximum(window.std(0), 0.5)
        np.testing.assert_allclose(found[end - 2 : end], expected, atol=1e-4)


def test_where_speech_becomes_louder_what_was_before_is_limited_anew() -> None:
    log_mel = NumpyLogMel(settings("utterance", 30.0))
    values = 2 * noise(60, 16).numpy()
    values[30:] += 4.0
    expected = log_mel.normalize(values)
    found = run(RunningNormalizer(log_mel.settings, None, least=10), values)
    np.testing.assert_allclose(found[-2:], expected[-2:], atol=1e-4)
    assert np.abs(found - expected)[:30].max() > 0.1


def test_long_pauses_count_for_their_first_part() -> None:
    speech = noise(40, 16).numpy()
    pause = np.full((400, 16), -30.0, np.float32)
    counted = np.concatenate([speech[:20], pause[:PAUSE_FRAMES], speech[20:]])
    normalizer = RunningNormalizer(settings("utterance", None), None, least=10)
    found = run(normalizer, np.concatenate([speech[:20], pause, speech[20:]]))
    expected = NumpyLogMel(settings("utterance", None)).normalize(counted)
    np.testing.assert_allclose(found[-2:], expected[-2:], atol=1e-4)


def test_the_statistics_of_training_speech_count_as_frames_of_equal_loudness() -> None:
    values = noise(PRIOR_FRAMES, 16).numpy()
    statistics = FeatureStatistics(np.linspace(-9, -3, 16), np.full(16, 2.0))
    normalizer = RunningNormalizer(settings("utterance", None), statistics, least=PRIOR_FRAMES)
    found = normalizer.feed(values)
    prior = statistics.mean + values.max()
    mean = (values.mean(0) + prior) / 2
    square = ((values**2).mean(0) + 2.0 + prior**2) / 2
    np.testing.assert_allclose(found, (values - mean) / np.sqrt(square - mean**2), atol=1e-4)
    louder = RunningNormalizer(settings("utterance", None), statistics, least=PRIOR_FRAMES)
    np.testing.assert_allclose(louder.feed(values + 5.0), found, atol=1e-4)


def test_a_short_stream_is_normalized_by_all_of_it() -> None:
    log_mel = NumpyLogMel(settings("utterance"))
    samples = (0.1 * noise(8000).numpy()).astype(np.float32)
    found = FeatureStream(log_mel, 2).feed(samples, last=True)
    np.testing.assert_allclose(found, log_mel(samples), atol=1e-4)
    assert FeatureStream(log_mel, 2).feed(samples[:100], last=True).shape == (0, 16)


def test_digital_silence_is_as_quiet_as_silence_beside_speech() -> None:
    """A muted microphone gives it. Normalized alone it would be 0, as average speech is."""
    statistics = FeatureStatistics(np.full(16, -9.0), np.full(16, 4.0))
    stream = FeatureStream(NumpyLogMel(settings("utterance", 60.0)), 2, statistics)
    found = stream.feed(np.zeros(48000, np.float32), last=True)
    assert len(found) > 200 and (found < -1.5).all() and np.ptp(found, axis=0).max() < 0.1


def test_blocks_overlap_and_keep_the_rest() -> None:
    blocks = Blocks(4, 3)
    found = [
        block.tolist()
        for part in ([0, 1, 2], [3], [4, 5, 6, 7])
        for block in blocks.feed(np.array(part, np.float32))
    ]
    assert found == [[0, 1, 2, 3], [3, 4, 5, 6]]
    assert blocks.rest().tolist() == [6, 7]


def test_resampled_streams_have_their_length() -> None:
    samples = noise(11025).numpy()
    resampler = Resampler(11025, 16000)
    found = [resampler.feed(samples[:5000]), resampler.feed(samples[5000:], last=True)]
    assert abs(sum(map(len, found)) - 16000) <= 1
