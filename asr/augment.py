"""Augmentation: speed, noise and reverberation of waveforms, and SpecAugment of features.

Every draw comes from a generator keyed by (seed, epoch, utterance id), so that an utterance is
treated alike whichever worker, rank or batch it falls in, and a resumed run repeats nothing.

Shapes: B batch, N samples, T frames, F mel bins.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr
import torch
from torch import Tensor

from asr.audio import Waveform


def generator(seed: int, epoch: int, utterance_id: str, stage: str) -> np.random.Generator:
    """Make the random generator of one utterance in one epoch, independent for each stage."""
    key = zlib.crc32(f"{stage}/{utterance_id}".encode())
    return np.random.default_rng([seed, epoch, key])


@dataclass(frozen=True)
class WaveformAugment:
    """Changes made to a waveform before its features.

    Args:
        speeds: factors to choose from (Ko 2015); [1.0] changes nothing.
        noise_probability: share of utterances that get coloured noise.
        noise_snr_db: lowest and highest signal-to-noise ratio.
        reverb_probability: share of utterances heard in a synthetic room.
        reverb_rt60_s: shortest and longest reverberation time of those rooms.
    """

    speeds: tuple[float, ...]
    noise_probability: float
    noise_snr_db: tuple[float, float]
    reverb_probability: float
    reverb_rt60_s: tuple[float, float]

    def __call__(self, waveform: Waveform, sample_rate: int, rng: np.random.Generator) -> Waveform:
        """Change one waveform (N,); its length changes with its speed alone."""
        speed = self.speeds[rng.integers(len(self.speeds))]
        if speed != 1.0:
            waveform = soxr.resample(waveform, sample_rate * speed, sample_rate, quality="MQ")
        if rng.random() < self.reverb_probability:
            waveform = reverberate(waveform, sample_rate, rng.uniform(*self.reverb_rt60_s), rng)
        if rng.random() < self.noise_probability:
            waveform = add_noise(waveform, rng.uniform(*self.noise_snr_db), rng)
        return waveform


def add_noise(waveform: Waveform, snr_db: float, rng: np.random.Generator) -> Waveform:
    """Add noise whose power falls with frequency as 1/f^c, c drawn from 0 (white) to 2 (brown)."""
    spectrum = np.fft.rfft(rng.standard_normal(len(waveform)))
    tilt = rng.uniform(0.0, 2.0)
    spectrum *= np.arange(1, len(spectrum) + 1) ** (-tilt / 2)
    noise = np.fft.irfft(spectrum, len(waveform))
    signal_power = float(np.mean(np.square(waveform)))
    noise_power = float(np.mean(np.square(noise))) or 1.0
    scale = np.sqrt(signal_power / noise_power * 10 ** (-snr_db / 10))
    return (waveform + scale * noise).astype(np.float32)


def reverberate(
    waveform: Waveform, sample_rate: int, rt60_s: float, rng: np.random.Generator
) -> Waveform:
    """Convolve with exponentially decaying noise behind a direct path (Polack's room model)."""
    time_s = np.arange(int(rt60_s * sample_rate)) / sample_rate
    response = rng.standard_normal(len(time_s)) * 10 ** (-3 * time_s / rt60_s)
    response *= rng.uniform(0.2, 0.7) / np.linalg.norm(response)
    response[0] = 1.0
    size = len(waveform) + len(response) - 1
    product = np.fft.rfft(waveform, size) * np.fft.rfft(response, size)
    return np.fft.irfft(product, size)[: len(waveform)].astype(np.float32)


@dataclass(frozen=True)
class SpecAugment:
    """Masks of frequency bands and time spans, set to the mean, which is 0 (Park 2019).

    Args:
        frequency_masks: how many bands.
        frequency_bins: a band's greatest width in mel bins.
        time_masks: how many spans.
        time_frames: a span's greatest width.
        time_share: greatest share of an utterance that all spans together may cover, 0..1.
    """

    frequency_masks: int
    frequency_bins: int
    time_masks: int
    time_frames: int
    time_share: float

    def __call__(
        self, features: Tensor, lengths: Tensor, generators: Sequence[np.random.Generator]
    ) -> Tensor:
        """Mask features (B, T, F) with lengths (B,), one generator an utterance."""
        _, frames, bins = features.shape
        keep_frames = np.ones((len(features), frames), dtype=bool)
        keep_bins = np.ones((len(features), bins), dtype=bool)
        for i, (length, rng) in enumerate(zip(lengths.tolist(), generators, strict=True)):
            for start, end in _spans(rng, self.frequency_masks, self.frequency_bins, bins):
                keep_bins[i, start:end] = False
            widest = int(self.time_share * length / max(self.time_masks, 1))
            for start, end in _spans(rng, self.time_masks, min(self.time_frames, widest), length):
                keep_frames[i, start:end] = False
        device = features.device
        features = features * torch.from_numpy(keep_frames).to(device)[:, :, None]
        return features * torch.from_numpy(keep_bins).to(device)[:, None, :]


def _spans(rng: np.random.Generator, count: int, widest: int, size: int) -> npt.NDArray[np.int64]:
    """Draw `count` spans [start, end) of up to `widest` within `size`."""
    widths = np.minimum(rng.integers(0, widest + 1, count), size)
    starts = rng.integers(0, size - widths + 1)
    return np.stack([starts, starts + widths], axis=1)
