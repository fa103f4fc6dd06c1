"""What the features of a model's training speech are like before they are normalized.

Streams are normalized by these statistics until they have enough speech of their own.

Shapes: N samples, T frames, F mel bins.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.audio import Waveform
from asr.model.numpy_features import NumpyLogMel
from asr.util.errors import UserError

_DIGITS = 3  # after the point, in a file


@dataclass(frozen=True)
class FeatureStatistics:
    """Means over utterances of log-mel values in nats, with the range of `LogMelSettings.top_db`.

    Attributes:
        mean: (F,) of the frames, less the utterance's loudest value; 0 or less.
        variance: (F,) of the frames about the utterance's mean.
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]

    def moments(self, loudest: float) -> NDArray[np.float64]:
        """Give means of values and of squares, (2, F), of speech with this loudest value."""
        mean = self.mean + loudest
        return np.stack([mean, self.variance + mean**2])

    def to_json(self) -> dict[str, list[float]]:
        """Give them as they are written to a model file."""
        return {name: values.round(_DIGITS).tolist() for name, values in vars(self).items()}


def measure_statistics(
    log_mel: NumpyLogMel, waveforms: Iterable[Waveform]
) -> FeatureStatistics | None:
    """Measure utterances (N,); None where none has a frame."""
    means, variances = [], []
    for waveform in waveforms:
        values = log_mel.limit_range(log_mel.log_mel(waveform)).astype(np.float64)
        if len(values):
            means.append(values.mean(0) - values.max())
            variances.append(values.var(0))
    return FeatureStatistics(np.mean(means, 0), np.mean(variances, 0)) if means else None


def read_statistics(values: Any, mel_bins: int) -> FeatureStatistics | None:
    """Read what `FeatureStatistics.to_json` gave; None where a file has none.

    Raises:
        UserError: anything else.
    """
    if values is None:
        return None
    if isinstance(values, dict) and values.keys() == {"mean", "variance"}:
        mean, variance = (_numbers(values[name], mel_bins) for name in ("mean", "variance"))
        if mean is not None and variance is not None and (mean <= 0).all() and variance.min() >= 0:
            return FeatureStatistics(mean, variance)
    raise UserError(
        f"statistics should have {mel_bins} means of at most 0 and {mel_bins} variances of at "
        f"least 0, found {values!r:.50}"
    )


def _numbers(values: object, count: int) -> NDArray[np.float64] | None:
    """Read a list of so many finite numbers that a logarithm of power may be."""
    if not isinstance(values, list) or len(values) != count:
        return None
    if not all(type(value) in (int, float) and abs(value) < 1e6 for value in values):
        return None
    return np.array(values, np.float64)
