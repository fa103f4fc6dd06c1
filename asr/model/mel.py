"""Log-mel's constants, sizes, window and filters, for features in torch and in NumPy alike.

Shapes: F mel bins.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from asr.util.errors import UserError

NORMALIZATIONS = ("utterance", "sliding")
#: Frames that sliding statistics are taken over, and fewest at the start of an utterance; the names
#: and the first are Kaldi's, whose 100 at the start cost more words (recipes/an4/experiments.md).
CMN_WINDOW, MIN_CMN_WINDOW = 600, 200
#: Standard deviation, in nats, below which a mel bin holds only the noise of an empty band.
EMPTY_STD = 0.5
#: Slaney's scale is linear up to this frequency, by so many Hz a mel, and then logarithmic.
_LINEAR_HZ, _HZ_A_MEL = 1000.0, 200.0 / 3
_LOG_STEP = math.log(6.4) / 27


@dataclass(frozen=True)
class LogMelSettings:
    """The settings of log-mel features, see `asr.model.features.LogMel`.

    Attributes:
        hop_samples, window_samples, fft_samples: lengths in samples.
        under_window: the samples of an FFT's frame that the window covers.
        range_nats: `top_db` in nats; infinite for no limit.
        window: (window_samples,) the periodic Hann window.
        mel_filters: (fft_samples // 2 + 1, F).

    Raises:
        UserError: an unknown normalization, or numbers that leave no bin, window or hop, no
            frequency between `low_hz` and half the sample rate, or no finite logarithm of `amin`.
    """

    sample_rate: int
    mel_bins: int
    window_ms: float
    hop_ms: float
    low_hz: float
    remove_dc_offset: bool
    amin: float
    top_db: float | None
    normalization: str

    def __post_init__(self) -> None:
        if self.normalization not in NORMALIZATIONS:
            raise UserError(
                f"features.normalization: unknown kind {self.normalization!r}; "
                f"choose one of {', '.join(NORMALIZATIONS)}"
            )
        if min(self.hop_samples, self.window_samples, self.mel_bins) < 1:
            raise UserError(
                f"features: expected at least one mel bin, and a window and hop of at least one "
                f"sample, found {self.mel_bins}, {self.window_ms} ms and {self.hop_ms} ms at "
                f"{self.sample_rate} Hz"
            )
        if not 0 <= self.low_hz < self.sample_rate / 2:
            raise UserError(
                f"features.low_hz: expected 0 or more, and less than half the sample rate, "
                f"{self.sample_rate / 2:g} Hz, found {self.low_hz:g}"
            )
        if not np.finfo(np.float32).tiny <= self.amin < math.inf:
            raise UserError(
                f"features.amin: expected 1.2e-38 or more, and finite, found {self.amin:g}"
            )
        if self.top_db is not None and not self.top_db > 0:
            raise UserError(f"features.top_db: expected more than 0, found {self.top_db:g}")

    @property
    def hop_samples(self) -> int:
        """The step between frames."""
        return round(self.sample_rate * self.hop_ms / 1000)

    @property
    def window_samples(self) -> int:
        """The length of the window."""
        return round(self.sample_rate * self.window_ms / 1000)

    @property
    def fft_samples(self) -> int:
        """The next power of two."""
        return 1 << (self.window_samples - 1).bit_length()

    @property
    def under_window(self) -> slice:
        """The window lies in the middle of an FFT's frame."""
        first = (self.fft_samples - self.window_samples) // 2
        return slice(first, first + self.window_samples)

    @property
    def range_nats(self) -> float:
        """The range below the loudest bin."""
        return math.inf if self.top_db is None else self.top_db * math.log(10) / 10

    @cached_property
    def window(self) -> NDArray[np.float32]:
        """The Hann window whose next sample would be its first again."""
        phase = 2 * np.pi * np.arange(self.window_samples) / self.window_samples
        return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)

    @cached_property
    def mel_filters(self) -> NDArray[np.float32]:
        """Triangles of equal area whose corners lie evenly on Slaney's scale (1998)."""
        high = self.sample_rate / 2
        mels = np.linspace(_to_mel(self.low_hz), _to_mel(high), self.mel_bins + 2)
        corners = _to_hz(mels)
        bins = np.linspace(0, high, self.fft_samples // 2 + 1)[:, None]
        low, middle, top = corners[:-2], corners[1:-1], corners[2:]
        left, right = (bins - low) / (middle - low), (top - bins) / (top - middle)
        triangles = np.maximum(0, np.minimum(left, right))
        return (triangles * 2 / (top - low)).astype(np.float32)


def _to_mel(hz: float) -> float:
    if hz < _LINEAR_HZ:
        return hz / _HZ_A_MEL
    return _LINEAR_HZ / _HZ_A_MEL + math.log(hz / _LINEAR_HZ) / _LOG_STEP


def _to_hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    above = np.maximum(mels - _LINEAR_HZ / _HZ_A_MEL, 0)
    return np.where(above > 0, _LINEAR_HZ * np.exp(_LOG_STEP * above), _HZ_A_MEL * mels)
