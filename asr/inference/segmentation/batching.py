"""Segments of similar length in batches, each transcribed to the bits it has alone.

Shapes: B rows of a batch, N samples.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from asr.audio import Waveform
from asr.inference.segmentation.cutting import AudioSegment

#: Batches whose segments are sorted by length together.
GROUP = 4


@dataclass(frozen=True)
class SegmentBatch:
    """Segments that the model takes in one call, and the shape they are padded to.

    The last bits of a sum of floats depend on the shape of the array. So a segment's batch has a
    shape that follows from its recording and the settings alone, and a transcript is equal to the
    last bit whatever other recordings are transcribed with it, and in whatever order.

    Attributes:
        segments: up to B.
        rows: B; rows without a segment are zeros.
        samples: N.
    """

    segments: Sequence[AudioSegment]
    rows: int
    samples: int

    @property
    def has_room(self) -> bool:
        """Whether segments of other recordings may take rows of this batch."""
        return len(self.segments) < self.rows

    def padded(self) -> tuple[Waveform, NDArray[np.int64]]:
        """Pad the waveforms with zeros to (B, N), and give their lengths (B,)."""
        waveforms = np.zeros((self.rows, self.samples), np.float32)
        lengths = np.zeros(self.rows, np.int64)
        for row, segment in enumerate(self.segments):
            lengths[row] = len(segment.waveform)
            waveforms[row, : lengths[row]] = segment.waveform
        return waveforms, lengths


def groups(found: Iterable[AudioSegment], rows: int) -> Iterator[list[SegmentBatch]]:
    """Batch the segments of one channel of one recording; yield the batches of each `GROUP`.

    A batch of one segment, such as a short recording whole, has room for segments of other
    recordings whose batches have its shape.

    Args:
        found: the segments, in order.
        rows: of a batch, see `asr.engine.engine.Engine`; where it is 1, each segment is a batch of
            its own length.
    """
    if rows == 1:
        for segment in found:
            yield [SegmentBatch([segment], 1, len(segment.waveform))]
        return
    arriving = iter(found)
    while group := sorted(islice(arriving, GROUP * rows), key=lambda one: len(one.waveform)):
        yield [_make_batch(group[at : at + rows], rows) for at in range(0, len(group), rows)]


def _make_batch(segments: list[AudioSegment], rows: int) -> SegmentBatch:
    longest = len(segments[-1].waveform)
    if len(segments) > 1:
        return SegmentBatch(segments, len(segments), longest)
    return SegmentBatch(segments, rows, _round_up(longest))


def _round_up(samples: int) -> int:
    """Round up to one of four lengths an octave (4, 5, 6 or 7 times a power of two)."""
    step = 1 << max(samples.bit_length() - 3, 0)
    return -(-samples // step) * step
