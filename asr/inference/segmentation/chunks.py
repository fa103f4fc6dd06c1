"""A stream of samples on a fixed grid, and what is known of each frame in it.

Shapes: N samples, T frames.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from asr.audio import Waveform

Float = TypeVar("Float", bound=np.floating)


@dataclass(frozen=True)
class Frames:
    """A stretch of the stream, as a detector of speech sees it.

    Attributes:
        samples: (N,) where N is T times the frame's length, less in the stream's last frame.
        level_db: (T,) of each frame.
        speech: (T,) whether each frame is speech.
    """

    samples: Waveform
    level_db: NDArray[np.float64]
    speech: NDArray[np.bool_]


def rechunk(blocks: Iterable[Waveform], size: int) -> Iterator[Waveform]:
    """Pass a stream on in chunks of `size` samples, the last as long as what is left."""
    ready: list[Waveform] = []
    held = 0
    for block in blocks:
        while len(block):
            taken = block[: size - held]
            ready.append(taken)
            held += len(taken)
            block = block[len(taken) :]
            if held == size:
                yield np.concatenate(ready)
                ready, held = [], 0
    if held:
        yield np.concatenate(ready)


def framed(samples: NDArray[Float], frame_samples: int) -> NDArray[Float]:
    """Lay samples (N,) out as frames (T, frame_samples), the last repeating its last sample."""
    missing = -len(samples) % frame_samples
    return np.pad(samples, (0, missing), mode="edge").reshape(-1, frame_samples)


def level_db(samples: Waveform, before: float, frame_samples: int) -> NDArray[np.float64]:
    """Measure the level of each frame: (N,) to (T,), in dB of full scale, at least -100.

    What is measured is the first difference, so that neither hum, nor wind, nor an offset counts
    as speech; it tilts the spectrum up by 6 dB an octave, as speech falls.

    Args:
        samples: of whole frames but for the last.
        before: the sample before the first one.
        frame_samples: length of a frame.
    """
    steps = np.diff(samples, prepend=np.float32(before)).astype(np.float64)
    power = np.square(framed(steps, frame_samples)).mean(axis=1)
    return 10 * np.log10(power + 1e-10)
