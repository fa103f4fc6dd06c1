"""A stream of samples in chunks of one length, and the level of each frame.

Shapes: N samples, T frames.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from asr.audio import Waveform, level_db

#: Power added to each frame: -100 dB of full scale.
_FLOOR = 1e-10

Float = TypeVar("Float", bound=np.floating)


@dataclass(frozen=True)
class Frames:
    """A chunk of the stream with the decisions of a speech detector.

    Attributes:
        samples: (N,), N being T times the frame's length; the stream's last frame may be shorter.
        level_db: (T,), the level of each frame.
        speech: (T,), whether each frame is speech.
    """

    samples: Waveform
    level_db: NDArray[np.float64]
    speech: NDArray[np.bool_]


def rechunk(blocks: Iterable[Waveform], size: int) -> Iterator[Waveform]:
    """Pass a stream on in chunks of `size` samples; the last chunk may be shorter."""
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


def split_frames(samples: NDArray[Float], frame_samples: int) -> NDArray[Float]:
    """Split samples (N,) into frames (T, frame_samples); the last sample fills the last frame."""
    missing = -len(samples) % frame_samples
    return np.pad(samples, (0, missing), mode="edge").reshape(-1, frame_samples)


def frame_levels_db(samples: Waveform, before: float, frame_samples: int) -> NDArray[np.float64]:
    """Measure the level of each frame: (N,) to (T,), in dB of full scale, at least -100.

    The level is of the first difference, so that neither hum, nor wind, nor an offset counts as
    speech: differencing raises the spectrum by 6 dB an octave, about as much as speech falls.

    Args:
        samples: of whole frames but for the last.
        before: the sample before the first one.
        frame_samples: length of a frame.
    """
    steps = np.diff(samples, prepend=np.float32(before)).astype(np.float64)
    return level_db(split_frames(steps, frame_samples), floor=_FLOOR)
