"""Augmentation: speed, noise and reverberation of waveforms, and SpecAugment of features.

Every draw comes from a generator keyed by (seed, epoch, utterance id): the augmentation of an
utterance depends on no worker, rank or batch, and a resumed run repeats nothing.

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
from asr.data import acoustics

DIRECT_TO_REVERBERANT_DB = (3.0, 15.0)
NOISE_SLOPE = (0.0, 2.0)  # from white to brown


def generator(seed: int, epoch: int, utterance_id: str, stage: str) -> np.random.Generator:
    """Make the random generator of one utterance in one epoch, independent for each stage."""
    key = zlib.crc32(f"{stage}/{utterance_id}".encode())
    return np.random.default_rng([seed, epoch, key])


@dataclass(frozen=True)
class WaveformAugment:
    """Changes made to a waveform before its features.

    Args:
        speeds: factors to choose from (Ko 2015); [1.0] changes nothing.
        noise_probability: fraction of utterances that get colored noise.
        noise_snr_db: lowest and highest signal-to-noise ratio.
        reverb_probability: fraction of utterances that get the reverberation of a room.
        reverb_rt60_s: shortest and longest reverberation time of the rooms.
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
            waveform = acoustics.reverberate(
                waveform, sample_rate, decay_s=rng.uniform(*self.reverb_rt60_s),
                direct_to_reverberant_db=rng.uniform(*DIRECT_TO_REVERBERANT_DB), generator=rng,
            )  # fmt: skip
        if rng.random() < self.noise_probability:
            waveform = acoustics.add_noise(
                waveform, snr_db=rng.uniform(*self.noise_snr_db),
                slope=rng.uniform(*NOISE_SLOPE), generator=rng,
            )  # fmt: skip
        return waveform.astype(np.float32, copy=False)


@dataclass(frozen=True)
class SpecAugment:
    """Vocal tract length perturbation, then SpecAugment's masks in frequency and time.

    The perturbation (VTLP, Jaitly and Hinton 2013) stretches the axis of mel bins. A mask (Park
    2019) sets features to 0, their mean.

    Args:
        vtlp: greatest relative stretch; at 0.1, the content of bin 50 comes from bins 45 to 55.
        frequency_masks: how many.
        frequency_bins: a frequency mask's greatest width in mel bins.
        time_masks: how many.
        time_frames: a time mask's greatest width.
        time_fraction: greatest fraction of an utterance, 0..1, that all time masks may cover.
    """

    vtlp: float
    frequency_masks: int
    frequency_bins: int
    time_masks: int
    time_frames: int
    time_fraction: float

    def __call__(
        self, features: Tensor, lengths: Tensor, generators: Sequence[np.random.Generator]
    ) -> Tensor:
        """Warp and mask features (B, T, F) of lengths (B,), one generator an utterance."""
        _, frames, bins = features.shape
        if self.vtlp > 0:
            features = warp_mel(features, [self._stretch(rng) for rng in generators])
        keep_frames = np.ones((len(features), frames), dtype=bool)
        keep_bins = np.ones((len(features), bins), dtype=bool)
        for i, (length, rng) in enumerate(zip(lengths.tolist(), generators, strict=True)):
            for start, end in _draw_masks(rng, self.frequency_masks, self.frequency_bins, bins):
                keep_bins[i, start:end] = False
            widest = int(self.time_fraction * length / max(self.time_masks, 1))
            time_frames = min(self.time_frames, widest)
            for start, end in _draw_masks(rng, self.time_masks, time_frames, length):
                keep_frames[i, start:end] = False
        device = features.device
        features = features * torch.from_numpy(keep_frames).to(device)[:, :, None]
        return features * torch.from_numpy(keep_bins).to(device)[:, None, :]

    def _stretch(self, rng: np.random.Generator) -> float:
        return 1 + rng.uniform(-self.vtlp, self.vtlp)


def warp_mel(features: Tensor, stretches: Sequence[float]) -> Tensor:
    """Put the content of bin s * f at bin f of features (B, T, F), with linear interpolation.

    Args:
        features: (B, T, F); places above the highest bin have the highest bin's content.
        stretches: s, one an utterance.
    """
    bins = torch.arange(features.shape[2], device=features.device, dtype=features.dtype)
    source = (bins * torch.tensor(stretches, device=bins.device)[:, None]).clamp(max=len(bins) - 1)
    weights = (1 - (bins[:, None] - source[:, None, :]).abs()).clamp(min=0)  # (B, F, F)
    return features @ weights.to(features.dtype)


def _draw_masks(
    rng: np.random.Generator, count: int, widest: int, size: int
) -> npt.NDArray[np.int64]:
    """Draw `count` masks [start, end) of up to `widest` within `size`."""
    widths = np.minimum(rng.integers(0, widest + 1, count), size)
    starts = rng.integers(0, size - widths + 1)
    return np.stack([starts, starts + widths], axis=1)
