"""Waveforms to log-mel features in NumPy: what `asr.model.features` computes in torch.

Features equal those of torch to 3e-5 on noise. On speech, the rounding of a loud frequency may be
all that a quiet neighbor holds: there they are equal to 1e-3 where `top_db` is 60 or less, and to
0.03 without a limit.

Shapes: N samples, T frames, F mel bins.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from asr.audio import Waveform
from asr.model.mel import CMN_WINDOW, EMPTY_STD, MIN_CMN_WINDOW, LogMelSettings

#: Frames whose spectra are in memory at a time.
BLOCK = 256
#: Multiplications of one product. OpenBLAS shares larger ones among threads, which then wait busily
#: for the next, and take a core from other recordings.
PRODUCT = 1 << 19

Features = NDArray[np.float32]


class NumpyLogMel:
    """Log-mel features of one waveform; see `asr.model.features.LogMel` for their meaning."""

    def __init__(self, settings: LogMelSettings) -> None:
        self.settings = settings

    def __call__(self, waveform: Waveform) -> Features:
        """Compute normalized features: (N,) to (T, F)."""
        return self.normalize(self.log_mel(waveform))

    def frames(self, samples: int) -> int:
        """Count the frames, of a whole FFT each, that fit in so many samples; may be 0."""
        settings = self.settings
        return max((samples - settings.fft_samples) // settings.hop_samples + 1, 0)

    def log_mel(self, waveform: Waveform) -> Features:
        """Compute unnormalized log-mel values: (N,) to (T, F).

        The window lies at the start of the FFT's frame, since a shift changes no power.
        """
        settings = self.settings
        values = np.empty((self.frames(len(waveform)), settings.mel_bins), np.float32)
        under = waveform[settings.under_window.start :]
        for first in range(0, len(values), BLOCK):
            block = values[first : first + BLOCK]
            start = first * settings.hop_samples
            end = start + (len(block) - 1) * settings.hop_samples + settings.window_samples
            frames = sliding_window_view(under[start:end], settings.window_samples)
            self._to_mel(self._power(frames[:: settings.hop_samples]), block)
        np.maximum(values, np.float32(settings.amin), out=values)
        return np.log(values, out=values)

    def _power(self, frames: Features) -> Features:
        """Compute power spectra of frames under the window."""
        settings = self.settings
        if settings.remove_dc_offset:
            frames = frames - frames.mean(-1, keepdims=True)
        spectra = np.fft.rfft(frames * settings.window, settings.fft_samples)
        power: Features = np.square(spectra.real)
        power += np.square(spectra.imag)
        return power

    def _to_mel(self, power: Features, out: Features) -> None:
        """Compute the energies of mel bins from power spectra."""
        filters = self.settings.mel_filters
        rows = max(PRODUCT // filters.size, 1)
        for first in range(0, len(power), rows):
            np.matmul(power[first : first + rows], filters, out=out[first : first + rows])

    def limit_range(self, features: Features) -> Features:
        """Raise `log_mel` values (T, F) that lie too far below the loudest bin."""
        if np.isinf(self.settings.range_nats) or not len(features):
            return features
        loudest = features.max(1)
        if self.settings.normalization == "sliding":
            loudest = sliding_max(loudest)
        else:
            loudest = np.full_like(loudest, loudest.max())
        limits = loudest - np.float32(self.settings.range_nats)
        return np.maximum(features, limits[:, None])

    def normalize(self, features: Features) -> Features:
        """Limit the range of `log_mel` values (T, F), and normalize them to mean 0, variance 1."""
        features = self.limit_range(features)
        if self.settings.normalization == "sliding":
            mean, std = sliding_statistics(features)
            centered = features - mean
        else:
            count = np.float32(max(len(features), 1))
            centered = features - features.sum(0) / count
            std = np.sqrt(np.square(centered).sum(0) / count)
        centered /= np.maximum(std, np.float32(EMPTY_STD))
        return centered


def sliding_ends(frames: int) -> NDArray[np.int64]:
    """Count the frames before the end of each frame's window: (T,)."""
    return np.maximum(np.arange(1, frames + 1), min(frames, MIN_CMN_WINDOW))


def sliding_max(values: Features) -> Features:
    """Take the largest value in each frame's window: (T,) to (T,)."""
    past = np.pad(values, (CMN_WINDOW - 1, 0), constant_values=-np.inf)
    largest: Features = sliding_window_view(past, CMN_WINDOW).max(1)
    return largest[sliding_ends(len(values)) - 1]


def sliding_statistics(features: Features) -> tuple[Features, Features]:
    """Take mean and standard deviation over each frame's window: (T, F) to both (T, F)."""
    ends = sliding_ends(len(features))
    starts = np.maximum(ends - CMN_WINDOW, 0)
    count = (ends - starts)[:, None]

    def mean_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = np.pad(values.cumsum(0), ((1, 0), (0, 0)))
        return (sums[ends] - sums[starts]) / count

    values = features.astype(np.float64)  # differences of long sums are to keep their digits
    mean = mean_of(values)
    square = mean_of(np.square(values, out=values))
    std = np.sqrt(np.maximum(square - np.square(mean), 0))
    return mean.astype(np.float32), std.astype(np.float32)
