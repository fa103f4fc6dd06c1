"""A long recording as windows that overlap, for an encoder that hears a whole one at once.

A recurrent network hears what it was trained to hear, utterances of seconds, and its memory grows
with the length. So each stretch of frames is heard within some seconds more on either side, which
are heard again with the neighbours.

U encoder frames.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

#: Seconds on either side of a stretch that are heard with it.
CONTEXT_S = 3.0


class Window(NamedTuple):
    """A stretch of frames, start..end, and the frames first..last that it is heard with."""

    first: int
    start: int
    end: int
    last: int


def windows(frames: int, frame_s: float, longest_s: float) -> Iterator[Window]:
    """Part U frames into stretches of one length, each a window of at most about `longest_s`.

    What is no longer is one window. `longest_s` must be longer than two `CONTEXT_S`.
    """
    if frames * frame_s <= longest_s:
        yield Window(0, 0, frames, frames)
        return
    context = round(CONTEXT_S / frame_s)
    count = -(-frames // (round(longest_s / frame_s) - 2 * context))
    edges = [frames * number // count for number in range(count + 1)]
    for start, end in pairwise(edges):
        yield Window(max(start - context, 0), start, end, min(end + context, frames))
