"""Features of a stream: those of ``sliding`` equal the whole file's; packets change no bit."""

import numpy as np
import pytest
from random_models import FEATURES, noise

from asr.inference.streaming.blocks import Blocks, Resampler
from asr.inference.streaming.features import FeatureStream, RunningNormalizer
from asr.model.mel import LogMelSettings
from asr.model.numpy_features import NumpyLogMel


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


def test_statistics_are_of_the_window_and_of_the_start() -> None:
    values = noise(50, 16).numpy() + np.arange(50, dtype=np.float32)[:, None]
    normalizer = RunningNormalizer(settings("utterance", None), window=10, least=4)
    found = np.concatenate([normalizer.feed(part) for part in np.split(values, 25)])
    for frame in (0, 3, 7, 20, 49):
        window = values[max(0, frame - 9) : frame + 1] if frame > 3 else values[:4]
        expected = (values[frame] - window.mean(0)) / np.maximum(window.std(0), 0.5)
        np.testing.assert_allclose(found[frame], expected, atol=1e-4)


def test_a_short_stream_is_normalized_by_all_of_it() -> None:
    log_mel = NumpyLogMel(settings("utterance"))
    samples = (0.1 * noise(8000).numpy()).astype(np.float32)
    found = FeatureStream(log_mel, 2).feed(samples, last=True)
    np.testing.assert_allclose(found, log_mel(samples), atol=1e-4)
    assert FeatureStream(log_mel, 2).feed(samples[:100], last=True).shape == (0, 16)


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
