"""What every protocol asks for: the segments of a recording, and live streams.

One model serves all clients. A recording is transcribed segment by segment, and each segment takes
its turn among those of other clients, so an hour of audio delays no short request for longer than
one segment takes. Live audio has threads of its own, whose turns the operating system shares with
those of files.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from asr.inference.recognizer import Recognizer
from asr.inference.streaming import Event, Stream, StreamOptions
from asr.server.fair_pool import FairPool, Lane
from asr.server.metrics import Metrics
from asr.server.options import ServerOptions
from asr.server.places import Places
from asr.server.transcription import Source, Transcription
from asr.util.errors import UserError
from asr.util.threads import count_cores

#: Hot words that one client may send.
MOST_HOTWORDS = 1000
#: Sets of hot words that stay ready; each takes some megabytes.
_KEPT = 8


class LiveStream:
    """A live stream whose work takes its turn, one call at a time."""

    def __init__(self, lane: Lane, stream: Stream) -> None:
        self._lane, self._stream = lane, stream

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
        options: limits.
        streaming: how live streams are transcribed.

    Attributes:
        places: of the clients that are served.
        metrics: of the server.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        name: str,
        options: ServerOptions | None = None,
        streaming: StreamOptions | None = None,
    ) -> None:
        self.recognizer, self.name = recognizer, name
        self.options = options or ServerOptions()
        self.places, self.metrics = Places(self.options.max_requests), Metrics()
        self._streaming = streaming or StreamOptions()
        self._files = FairPool("files", count_cores())
        self._live = FairPool("live", count_cores())
        self.metrics.watch(
            lambda: self.places.taken, lambda: self._files.waiting, lambda: self._live.waiting
        )
        self._with_hotwords = lru_cache(_KEPT)(recognizer.with_hotwords)

    def transcribe(self, source: Source, hotwords: Sequence[str] = ()) -> Transcription:
        """Begin to transcribe a recording."""
        return Transcription(
            source, lambda: self._favoring(hotwords), self._files, self.options.max_audio_s
        )

    async def stream(self, sample_rate: int, hotwords: Sequence[str] = ()) -> LiveStream:
        """Open a live stream of samples at a rate.

        Raises:
            UserError: a rate that recorders do not have, or hot words that cannot be used.
        """
        lane = Lane(self._live)
        return LiveStream(lane, await lane.submit(self._open, sample_rate, hotwords))

    def warm_up(self) -> None:
        """Load what the first live client would else wait for."""
        stream = self._open(self.recognizer.sample_rate, ())
        stream.accept(np.zeros(2 * self.recognizer.sample_rate, np.float32))
        stream.finish()

    async def check_hotwords(self, hotwords: Sequence[str]) -> None:
        """Look whether hot words can be used.

        Raises:
            UserError: they cannot.
        """
        if hotwords:  # a request without any waits for no thread here
            await Lane(self._files).submit(self._favoring, hotwords)

    async def usable_hotwords(self, hotwords: Sequence[str]) -> Sequence[str]:
        """Give hot words that nobody chose for this model; none if one cannot be used."""
        try:
            await self.check_hotwords(hotwords)
        except UserError:
            return ()
        return hotwords

    def close(self) -> None:
        """End the threads; what still waits is canceled."""
        self._files.stop()
        self._live.stop()

    def _open(self, sample_rate: int, hotwords: Sequence[str]) -> Stream:
        return self._favoring(hotwords).stream(sample_rate, self._streaming)

    def _favoring(self, hotwords: Sequence[str]) -> Recognizer:
        """Give the recognizer with hot words; it takes a tenth of a second where they are new."""
        if not hotwords:
            return self.recognizer
        if len(hotwords) > MOST_HOTWORDS:
            raise UserError(
                f"hot words: expected {MOST_HOTWORDS:,} at most, found {len(hotwords):,}"
            )
        return self._with_hotwords(tuple(sorted(set(hotwords))))
