"""Log-mel features in NumPy beside those in torch."""

from typing import Any

import numpy as np
import pytest
import torch

from asr.model import numpy_features
from asr.model.features import LogMel
from asr.model.mel import NORMALIZATIONS, LogMelSettings
from asr.model.numpy_features import BLOCK, NumpyLogMel

RATE = 16000


def both(**changes: Any) -> tuple[NumpyLogMel, LogMel]:
    settings: dict[str, Any] = {
        "sample_rate": RATE, "mel_bins": 80, "window_ms": 25, "hop_ms": 10, "low_hz": 20,
        "remove_dc_offset": False, "amin": 1e-9, "top_db": None, "normalization": "utterance",
    }  # fmt: skip
    settings |= changes
    return NumpyLogMel(LogMelSettings(**settings)), LogMel(**settings)


def noise(samples: int) -> np.ndarray:
    return 0.1 * np.random.default_rng(samples).standard_normal(samples).astype(np.float32)


def voice(samples: int) -> np.ndarray:
    """Harmonics that rise and fade over a little noise, and digital silence at the end."""
    time_s = np.arange(samples) / RATE
    phase = 2 * np.pi * np.cumsum(120 + 40 * np.sin(6 * time_s)) / RATE
    harmonics = sum(np.sin(k * phase) / k for k in range(1, 12))
    spoken = 0.2 * harmonics * np.exp(-time_s) + 1e-2 * noise(samples)
    spoken[-samples // 10 :] = 0
    return spoken.astype(np.float32)


def in_torch(module: LogMel, waveform: np.ndarray) -> np.ndarray:
    features, lengths = module(torch.from_numpy(waveform)[None], torch.tensor([len(waveform)]))
    return features[0, : int(lengths)].numpy()


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("remove_dc_offset", [True, False])
@pytest.mark.parametrize(
    ("amin", "top_db", "on_voice"), [(1e-9, None, 5e-3), (1e-30, 60.0, 1e-3), (1e-9, 30.0, 1e-3)]
)
def test_features_equal_those_of_torch(
    normalization: str, remove_dc_offset: bool, amin: float, top_db: float | None, on_voice: float
) -> None:
    ours, torchs = both(
        normalization=normalization, remove_dc_offset=remove_dc_offset, amin=amin, top_db=top_db
    )
    samples = 512 + 160 * (3 * BLOCK + 70)  # more frames than a sliding window has
    for waveform, tolerance in ((noise(samples), 3e-5), (voice(samples), on_voice)):
        found = ours(waveform)
        assert found.dtype == np.float32
        assert len(found) == ours.frames(samples)
        np.testing.assert_allclose(found, in_torch(torchs, waveform), rtol=0, atol=tolerance)


@pytest.mark.parametrize("samples", [0, 1, 511, 512, 671, 672, 512 + 160 * BLOCK])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_any_length_has_the_frames_that_fit(samples: int, normalization: str) -> None:
    ours, torchs = both(normalization=normalization, top_db=60.0)
    expected = in_torch(torchs, noise(samples))
    found = ours(noise(samples))
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-5)


@pytest.mark.parametrize("sample_rate", [8000, 44100])
def test_other_rates(sample_rate: int) -> None:
    ours, torchs = both(sample_rate=sample_rate, mel_bins=40)
    waveform = noise(sample_rate // 2)
    np.testing.assert_allclose(ours(waveform), in_torch(torchs, waveform), rtol=0, atol=3e-5)


def test_memory_is_that_of_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, _ = both()
    blocks: list[int] = []
    power = NumpyLogMel._power
    monkeypatch.setattr(
        NumpyLogMel,
        "_power",
        lambda self, frames: blocks.append(len(frames)) or power(self, frames),
    )
    waveform = noise(RATE * 6)
    whole = ours.log_mel(waveform)
    assert max(blocks) == BLOCK
    assert sum(blocks) == len(whole)
    monkeypatch.setattr(numpy_features, "BLOCK", 7)
    np.testing.assert_allclose(ours.log_mel(waveform), whole, rtol=0, atol=1e-5)
