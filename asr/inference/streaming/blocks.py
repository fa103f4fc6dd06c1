"""Packets of any size to blocks of one size, at the sample rate of a model.

Shapes: N samples.
"""

from collections.abc import Iterator

import numpy as np
import soxr

from asr.audio import Waveform

#: Length of the blocks that are resampled.
BLOCK_S = 0.02


class Blocks:
    """Cuts a stream into blocks of one length, each of which overlaps the next one.

    Args:
        length: samples of a block.
        step: samples from one block to the next; `length` where blocks do not overlap.
    """

    def __init__(self, length: int, step: int) -> None:
        self._length, self._step = length, step
        self._parts = [np.zeros(0, np.float32)]
        self._held = 0

    def feed(self, samples: Waveform) -> Iterator[Waveform]:
        """Take samples (N,), and give the blocks that are complete."""
        self._parts.append(samples)
        self._held += len(samples)
        if self._held < self._length:
            return
        held, first = np.concatenate(self._parts), 0
        while first + self._length <= len(held):
            yield held[first : first + self._length].copy()
            first += self._step
        self._parts, self._held = [held[first:]], len(held) - first

    def rest(self) -> Waveform:
        """Give the samples of the block that is not complete."""
        return np.concatenate(self._parts)


class Resampler:
    """Resamples a stream; nothing is done where the rates are equal.

    Args:
        from_rate: of the samples, Hz.
        to_rate: wanted, Hz.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._same = from_rate == to_rate
        length = max(1, round(BLOCK_S * from_rate))
        self._blocks = Blocks(length, length)
        self._resampler = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32")

    def feed(self, samples: Waveform, *, last: bool = False) -> Waveform:
        """Take samples (N,), and give those that can be computed; all that remain at the end."""
        if self._same:
            return samples
        found = [self._resampler.resample_chunk(block) for block in self._blocks.feed(samples)]
        if last:
            found.append(self._resampler.resample_chunk(self._blocks.rest(), last=True))
        return np.concatenate([np.zeros(0, np.float32), *found])
