"""Frames of speech to segments: cut at long pauses, or where a long segment is quietest.

Shapes: N samples, T frames.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.audio import Waveform
from asr.inference.segmentation.chunks import Frames

#: The shortest pause that ends a segment.
PAUSE_S = 0.7
#: Kept before the first and after the last frame of speech, since words begin and end softly.
EDGE_S = 0.25
#: A segment with less speech than this is a click, and is dropped.
SHORTEST_S = 0.06
#: A segment that is too long is cut in the quietest stretch of this length in its second half.
_QUIET_S = 0.1


@dataclass(frozen=True)
class AudioSegment:
    """A part of a recording.

    Attributes:
        start: index of the first sample in the recording.
        waveform: (N,).
    """

    start: int
    waveform: Waveform


def cut(stream: Iterable[Frames], sample_rate: int, longest_s: float) -> Iterator[AudioSegment]:
    """Cut a stream at its pauses.

    Args:
        stream: frames of one length.
        sample_rate: Hz.
        longest_s: the longest segment, its edges included.
    """
    cutter: _Cutter | None = None
    for frames in stream:
        if cutter is None:
            frame_samples = -(-len(frames.samples) // len(frames.speech))
            cutter = _Cutter(frame_samples, sample_rate / frame_samples, longest_s)
        yield from cutter.take(frames)
    if cutter is not None:
        yield from cutter.end()


@dataclass
class _Cutter:
    """The part of the stream that is not yet cut, and the segment that is growing in it.

    Frames are numbered from the start of the stream. `samples`, `level_db` and `speech` begin with
    frame `dropped`. The growing segment has speech from frame `start` to frame `last`; the segment
    before it ended at frame `done`.
    """

    frame_samples: int
    rate: float
    longest_s: float
    dropped: int = 0
    samples: Waveform = field(default_factory=lambda: np.zeros(0, np.float32))
    level_db: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    speech: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    start: int | None = None
    last: int = 0
    done: int = 0

    def take(self, frames: Frames) -> Iterator[AudioSegment]:
        """Go through the frames that arrived, and give the segments that are complete."""
        first = self.dropped + len(self.speech)
        self.samples = np.concatenate([self.samples, frames.samples])
        self.level_db = np.concatenate([self.level_db, frames.level_db])
        self.speech = np.concatenate([self.speech, frames.speech])
        pause = round(PAUSE_S * self.rate)
        longest = int((self.longest_s - 2 * EDGE_S) * self.rate)
        for now, speech in enumerate(frames.speech.tolist(), first):
            if speech:
                self.start = now if self.start is None else self.start
                self.last = now
            if self.start is None:
                continue
            if now - self.last >= pause:
                yield from self._finish()
            elif now - self.start + 1 >= longest:
                yield from self._cut_within(now)
        self._drop_passed()

    def end(self) -> Iterator[AudioSegment]:
        """Give the last segment, if speech goes on to the end."""
        if self.start is not None:
            yield from self._finish()

    def _finish(self) -> Iterator[AudioSegment]:
        """End a segment at a pause."""
        assert self.start is not None
        edge = round(EDGE_S * self.rate)
        available = self.dropped + len(self.speech)
        yield from self._emit(self.start, min(self.last + 1 + edge, available))
        self.start = None

    def _cut_within(self, now: int) -> Iterator[AudioSegment]:
        """Cut a segment that is too long where it is quietest."""
        assert self.start is not None
        low = self.start + (now - self.start) // 2 - self.dropped
        power = 10 ** (self.level_db[low : now + 1 - self.dropped] / 10)
        width = max(1, round(_QUIET_S * self.rate))
        quietest = np.convolve(power, np.ones(width), "valid").argmin()
        middle = self.dropped + low + int(quietest) + width // 2
        yield from self._emit(self.start, middle)
        self.start = middle if self.last >= middle else None

    def _emit(self, first: int, end: int) -> Iterator[AudioSegment]:
        """Give frames `first` to `end` with an edge before, unless they hold too little speech."""
        spoken = int(self.speech[first - self.dropped : end - self.dropped].sum())
        begin = max(self.done, first - round(EDGE_S * self.rate))
        self.done = max(self.done, end)
        if spoken >= SHORTEST_S * self.rate:
            low, high = ((frame - self.dropped) * self.frame_samples for frame in (begin, end))
            yield AudioSegment(begin * self.frame_samples, self.samples[low:high].copy())

    def _drop_passed(self) -> None:
        """Drop the frames that no later segment can hold."""
        here = self.dropped + len(self.speech) if self.start is None else self.start
        keep = max(self.done, here - round(EDGE_S * self.rate), self.dropped)
        gone = keep - self.dropped
        self.samples = self.samples[gone * self.frame_samples :]
        self.level_db, self.speech = self.level_db[gone:], self.speech[gone:]
        self.dropped = keep
