"""What every protocol asks for: the segments of a recording, and live streams.

One model serves all clients. A recording is transcribed segment by segment, and each segment takes
its turn among those of other clients, so an hour of audio delays no short request for longer than
one segment takes. Live audio has threads of its own, whose turns the operating system shares with
those of files.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from asr.audio.recording import open_recording
from asr.inference.jobs import Channel
from asr.inference.recognizer import Recognizer
from asr.inference.streaming import Event, StreamOptions
from asr.server.fair_pool import FairPool, Lane
from asr.transcript import Segment, Transcript
from asr.util.threads import count_cores

_Step = Callable[[], list[Segment]]


class Transcription:
    """A recording that is being transcribed: iterate over its segments, in order.

    Attributes:
        segments: those so far.
        duration_s: of the recording, as far as it is read.
    """

    def __init__(self, recognizer: Recognizer, path: Path, pool: FairPool) -> None:
        self._recognizer, self._path, self._lane = recognizer, path, Lane(pool)
        self._ahead, self._reading = pool.threads, Lock()
        self.segments: list[Segment] = []
        self.duration_s = 0.0

    async def __aiter__(self) -> AsyncGenerator[Segment]:
        """Yield segments as soon as each is done, those without words left out.

        Raises:
            AudioError, UserError: the recording cannot be read or transcribed.
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
                    if segment.words:
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
        with self._reading:  # who stops to listen may do so while another thread reads
            steps.close()

    def _steps(self) -> Generator[_Step]:
        """Read the recording; yield calls that transcribe a part of it each."""
        recognizer = self._recognizer
        with open_recording(self._path) as recording:
            blocks = recording.waveform(None, recognizer.sample_rate)
            channel = Channel(blocks, recognizer.sample_rate, recognizer.vad)
            for batch in chain.from_iterable(channel.groups(recognizer.engine.rows)):
                self.duration_s = channel.duration_s
                yield partial(recognizer.transcribe_batch, batch, 1)
            self.duration_s = channel.duration_s


class LiveStream:
    """A live stream whose work takes its turn; one call at a time."""

    def __init__(
        self, recognizer: Recognizer, sample_rate: int, options: StreamOptions, pool: FairPool
    ) -> None:
        self._lane = Lane(pool)
        self._stream = recognizer.stream(sample_rate, options)

    async def accept(self, samples: NDArray[np.float32]) -> Sequence[Event]:
        """As `asr.inference.streaming.Stream.accept`."""
        return await self._lane.submit(self._stream.accept, samples)

    async def finish(self) -> Sequence[Event]:
        """As `asr.inference.streaming.Stream.finish`."""
        return await self._lane.submit(self._stream.finish)


class Service:
    """A model, and the threads in which it works for all clients.

    Args:
        recognizer: the model and its decoder.
        name: of the model, as clients are told.
        streaming: how live streams are transcribed.
    """

    def __init__(
        self, recognizer: Recognizer, name: str, streaming: StreamOptions | None = None
    ) -> None:
        self.recognizer, self.name = recognizer, name
        self._streaming = streaming or StreamOptions()
        self._files = FairPool("files", count_cores())
        self._live = FairPool("live", count_cores())

    def transcribe(self, path: Path) -> Transcription:
        """Begin to transcribe an audio file."""
        return Transcription(self.recognizer, path, self._files)

    def stream(self, sample_rate: int) -> LiveStream:
        """Open a live stream of samples at a rate.

        Raises:
            UserError: a rate that recorders do not have.
        """
        return LiveStream(self.recognizer, sample_rate, self._streaming, self._live)
