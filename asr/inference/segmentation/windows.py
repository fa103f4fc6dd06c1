"""A long recording in overlapping windows, for an encoder that needs a whole utterance at once.

A recurrent network is trained on utterances of seconds, and the memory it needs grows with the
length. So each stretch of frames is encoded with some seconds of context on either side, and the
outputs for the context are thrown away.

U encoder frames.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

#: Seconds of context on either side of a stretch.
CONTEXT_S = 3.0


class Window(NamedTuple):
    """A stretch of frames, start..end, and with its context, first..last."""

    first: int
    start: int
    end: int
    last: int


def windows(frames: int, frame_s: float, longest_s: float) -> Iterator[Window]:
    """Split U frames into stretches of one length, each in a window of about `longest_s` at most.

    U frames that are no longer than that are one window. `longest_s` must exceed two `CONTEXT_S`.
    """
    if frames * frame_s <= longest_s:
        yield Window(0, 0, frames, frames)
        return
    context = round(CONTEXT_S / frame_s)
    count = -(-frames // (round(longest_s / frame_s) - 2 * context))
    edges = [frames * number // count for number in range(count + 1)]
    for start, end in pairwise(edges):
        yield Window(max(start - context, 0), start, end, min(end + context, frames))
