"""Pieces of like length put together, so that each is heard as it would be alone.

Shapes: B rows of a batch, N samples.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from asr.audio import Waveform
from asr.inference.segmentation.cutting import AudioSegment

#: Of so many consecutive pieces ...
GROUP = 16
#: ... so many of like length make a batch, which on one core is twice as fast as one by one.
BATCH = 4


@dataclass(frozen=True)
class SegmentBatch:
    """Pieces that are heard at once, and the shape they are padded to.

    Sums of floats depend on the shape of what is summed, in their last bits. So every piece is
    heard in a shape that is a function of its recording and the settings alone, and a transcript
    is the same to the last bit whatever is transcribed beside it and in which order.

    Attributes:
        segments: up to B.
        rows: B; rows without a piece are silent.
        samples: N.
    """

    segments: Sequence[AudioSegment]
    rows: int
    samples: int

    @property
    def has_room(self) -> bool:
        """Whether pieces of other recordings may be heard in it too."""
        return len(self.segments) < self.rows

    def padded(self) -> tuple[Waveform, NDArray[np.int64]]:
        """Give the waveforms (B, N) behind zeros, and their lengths (B,)."""
        waveforms = np.zeros((self.rows, self.samples), np.float32)
        lengths = np.zeros(self.rows, np.int64)
        for row, segment in enumerate(self.segments):
            lengths[row] = len(segment.waveform)
            waveforms[row, : lengths[row]] = segment.waveform
        return waveforms, lengths


def groups(found: Iterable[AudioSegment]) -> Iterator[list[SegmentBatch]]:
    """Batch the pieces of one channel of one recording; yield the batches of each group.

    A batch of one piece, such as all of a short recording, has room for those of others: `shared`.
    """
    arriving = iter(found)
    while group := sorted(islice(arriving, GROUP), key=lambda segment: len(segment.waveform)):
        yield [_own(group[first : first + BATCH]) for first in range(0, len(group), BATCH)]


def shared(alone: Sequence[SegmentBatch]) -> list[list[int]]:
    """Group batches of one piece that have the same padded length, long ones first.

    Returns:
        For each group, the indices into `alone` of its batches; a joined batch has their shape.
    """
    by_shape: dict[int, list[int]] = defaultdict(list)
    for place, batch in enumerate(alone):
        by_shape[batch.samples].append(place)
    return [
        by_shape[samples][first : first + BATCH]
        for samples in sorted(by_shape, reverse=True)
        for first in range(0, len(by_shape[samples]), BATCH)
    ]


def _own(segments: list[AudioSegment]) -> SegmentBatch:
    longest = len(segments[-1].waveform)
    if len(segments) > 1:
        return SegmentBatch(segments, len(segments), longest)
    return SegmentBatch(segments, BATCH, _rounded_up(longest))


def _rounded_up(samples: int) -> int:
    """Round up to one of four lengths an octave (4, 5, 6 or 7 times a power of two)."""
    step = 1 << max(samples.bit_length() - 3, 0)
    return -(-samples // step) * step
