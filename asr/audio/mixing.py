"""Several channels to one, or to another number.

Shapes: N samples, C channels.
"""

import numpy as np
import numpy.typing as npt

#: Channels cancel each other where their mean has less than this times the power, -7 dB, of the
#: mean of channels that have nothing in common. That of C channels has 1/C of their power.
_CANCELLED = 0.2
#: Another channel is taken for the first only where it has more than this times its power.
_LOUDER = 2.0
#: What is told of a recording where that is so.
CANCELLED = "its channels cancel each other{of}; one of them is taken there in place of the mean"
#: The length of the stretches in which channels are compared.
_STRETCH_S = 1.0


def mix(
    samples: npt.NDArray[np.floating], sample_rate: int
) -> tuple[npt.NDArray[np.floating], int]:
    """Mix channels (N, C) to their mean (N,), or to one of them where they cancel each other.

    Channels in antiphase, from a line that is wired the wrong way round, have a mean of silence. In
    each second where that happens, the loudest channel stands in.

    Returns:
        The samples, and in how many of them the channels cancel each other.
    """
    mixed = samples.mean(axis=1)
    if samples.shape[1] == 1:
        return mixed, 0
    cancelled, stretch = 0, round(_STRETCH_S * sample_rate)
    least = _CANCELLED / samples.shape[1]
    for first in range(0, len(samples), stretch):
        part = slice(first, first + stretch)
        power = np.square(samples[part], dtype=np.float64).mean(axis=0)
        mixed_power = np.square(mixed[part], dtype=np.float64).mean()
        if not mixed_power < least * power.mean():  # NaN, which is refused later, stays
            continue
        loudest = int(power.argmax())
        mixed[part] = samples[part, loudest if power[loudest] > _LOUDER * power[0] else 0]
        cancelled += len(mixed[part])
    return mixed, cancelled


def fit_channels(samples: npt.NDArray[np.float32], channels: int) -> npt.NDArray[np.float32]:
    """Give samples (N, C) another number of channels, each of which is the mean of theirs."""
    if samples.shape[1] == channels:
        return samples
    return np.repeat(samples.mean(axis=1, keepdims=True), channels, axis=1)
