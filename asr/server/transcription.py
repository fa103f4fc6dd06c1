"""A recording of a client, transcribed in turns."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from threading import Lock

from asr.audio import Waveform
from asr.audio.opening import open_recording
from asr.audio.selection import Selection
from asr.inference.jobs import Channel, sort_segments
from asr.inference.recognizer import Recognizer
from asr.inference.segmentation.batching import SegmentBatch
from asr.server.errors import RefusedError
from asr.server.fair_pool import FairPool, Lane
from asr.transcript import Segment, Transcript

#: Opens a recording, given the model's sample rate and the most seconds: its mono blocks.
Source = Callable[[int, float], AbstractContextManager[Iterable[Waveform]]]
_Step = Callable[[], list[Segment]]
#: Seconds that are read beyond the longest recording, to see that there is more.
_MORE_S = 1.0


def file_source(path: Path) -> Source:
    """Give the source of an audio file."""

    @contextmanager
    def opened(sample_rate: int, most_s: float) -> Iterator[Iterable[Waveform]]:
        with open_recording(path, Selection(duration_s=most_s + _MORE_S)) as recording:
            if (recording.duration_s or 0.0) > most_s:
                raise too_long(most_s)
            yield recording.waveform(None, sample_rate)

    return opened


def too_long(most_s: float) -> RefusedError:
    """Say that a recording is too long."""
    message = f"the recording is longer than {most_s:g} s; cut it into parts"
    return RefusedError(413, message, param="file", code="audio_too_long")


class Transcription:
    """A recording that is being transcribed: iterate over its segments, in order.

    Args:
        source: the recording.
        choose: gives the recognizer; it is called in a thread.
        pool: whose threads transcribe.
        most_s: seconds of the recording.

    Attributes:
        segments: those so far.
        duration_s: of the recording, as far as it is read.
    """

    def __init__(
        self, source: Source, choose: Callable[[], Recognizer], pool: FairPool, most_s: float
    ) -> None:
        self._source, self._choose, self._most_s = source, choose, most_s
        self._lane, self._ahead, self._reading = Lane(pool), pool.threads, Lock()
        self.segments: list[Segment] = []
        self.duration_s = 0.0

    async def __aiter__(self) -> AsyncGenerator[Segment]:
        """Yield segments as soon as each is done, those without words left out.

        Raises:
            AudioError, UserError: the recording cannot be read or transcribed.
            RefusedError: it is too long.
        """
        steps, running = self._steps(), deque[asyncio.Future[list[Segment]]]()
        try:
            more = True
            while more or running:
                if more and len(running) <= self._ahead:
                    step = await self._lane.submit(self._next, steps)
                    if step is None:
                        more = False
                    else:
                        running.append(self._lane.submit(step))
                    if not (running and running[0].done()):
                        continue
                for segment in await running.popleft():
                    self.segments.append(segment)
                    yield segment
        finally:
            for one in running:
                one.cancel()
            await self._lane.submit(self._close, steps)

    async def finish(self) -> Transcript:
        """Transcribe the rest; give all of it."""
        async for _ in self:
            pass
        return self.transcript()

    def transcript(self) -> Transcript:
        """Give the transcript so far."""
        return Transcript((*self.segments,), self.duration_s)

    def _next(self, steps: Generator[_Step]) -> _Step | None:
        with self._reading:
            return next(steps, None)

    def _close(self, steps: Generator[_Step]) -> None:
        with self._reading:  # a thread may read on when nobody waits for it any more
            steps.close()

    def _steps(self) -> Generator[_Step]:
        """Read the recording; yield calls that transcribe a part of it each."""
        recognizer = self._choose()
        with self._source(recognizer.sample_rate, self._most_s) as blocks:
            channel = Channel(blocks, recognizer.sample_rate, recognizer.vad)
            for group in channel.groups(recognizer.engine.rows):
                self.duration_s = channel.duration_s
                if self.duration_s > self._most_s:
                    raise too_long(self._most_s)
                yield partial(_transcribe, recognizer, group)
            self.duration_s = channel.duration_s
            if self.duration_s > self._most_s:
                raise too_long(self._most_s)


def _transcribe(recognizer: Recognizer, group: list[SegmentBatch]) -> list[Segment]:
    """Transcribe a stretch of time, whose batches are sorted by length: its segments in order."""
    found = (recognizer.transcribe_batch(batch, threads=1) for batch in group)
    return sort_segments(chain.from_iterable(found))
