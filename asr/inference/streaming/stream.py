"""One stream: packets of samples in, partial and final text out.

Shapes: N samples, U encoder frames, V tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from asr.audio.samples import check_samples
from asr.decoding.stream_decoder import PartialWords, StreamDecoder
from asr.decoding.words import AFTER_S
from asr.engine.engine import Engine, Floats, require_numbers
from asr.inference.streaming.blocks import Resampler
from asr.inference.streaming.endpoints import EndpointRules
from asr.inference.streaming.features import FeatureStream
from asr.model.settings import ModelSettings
from asr.model.shapes import CHUNK_MS, count_frames
from asr.transcript import Segment
from asr.util.errors import UserError

#: Right context of a bidirectional model that was trained on whole utterances.
RIGHT_CONTEXT_MS = 500.0
#: Seconds of a chunk that are decoded before endpoints are looked for.
STEP_S = 0.2


@dataclass(frozen=True)
class Partial:
    """Text that is not final.

    Attributes:
        committed: the first words since the last segment, which will not change.
        tentative: the likely words after these, the last of which may be unfinished.
        text: all of them.
        end_s: up to where in the stream they were decoded.
    """

    committed: tuple[str, ...]
    tentative: tuple[str, ...]
    text: str
    end_s: float


#: A `Segment` is final: a later one begins after it.
Event = Partial | Segment


@dataclass(frozen=True)
class StreamOptions:
    """How a stream is transcribed.

    Attributes:
        chunk_ms: audio that is encoded at a time; text comes as often.
        right_context_ms: audio behind a chunk that a bidirectional encoder reads before it writes
            the chunk's text; more is more exact, and later. None takes what the model was trained
            for, or `RIGHT_CONTEXT_MS`. Other encoders read what they were trained with.
        endpoints: when an utterance is over.

    Raises:
        UserError: a chunk of no time, or less context than none.
    """

    chunk_ms: float = CHUNK_MS
    right_context_ms: float | None = None
    endpoints: EndpointRules = field(default_factory=EndpointRules)

    def __post_init__(self) -> None:
        if not 0 < self.chunk_ms <= 10_000:
            raise UserError(f"chunk_ms: expected above 0, and to 10000, found {self.chunk_ms:g}")
        context = self.right_context_ms
        if context is not None and not 0 <= context <= 10_000:
            raise UserError(f"right_context_ms: expected 0 to 10000, found {context:g}")

    def context_ms(self, settings: ModelSettings) -> float:
        """Tell the right context, in ms, of a stream of a model with these settings."""
        trained = settings.encoder["right_context_ms"]
        if not settings.encoder["bidirectional"]:
            return float(trained or 0)
        if self.right_context_ms is not None:
            return self.right_context_ms
        return RIGHT_CONTEXT_MS if trained is None else float(trained)


class Stream:
    """A stream of speech under way; see `asr.inference.recognizer.Recognizer.stream`.

    Args:
        engine: the acoustic model.
        open_decoder: begins the decoding of an utterance.
        join: writes words as text.
        sample_rate: of the samples, Hz.
        options: chunks, context and endpoints.
    """

    def __init__(
        self,
        engine: Engine,
        open_decoder: Callable[[], StreamDecoder],
        join: Callable[[tuple[str, ...]], str],
        sample_rate: int,
        options: StreamOptions,
    ) -> None:
        self._frame_s, self._rate = engine.frame_s, sample_rate
        self._resampler = Resampler(sample_rate, engine.sample_rate)
        settings = engine.settings
        factor = settings.subsampling["factor"]
        self._features = FeatureStream(engine.log_mel, factor, engine.statistics)
        chunk = max(1, count_frames(settings, options.chunk_ms))
        context = count_frames(settings, options.context_ms(settings))
        self._encoder = engine.open_stream(chunk, context)
        self._open_decoder, self._join, self._endpoints = open_decoder, join, options.endpoints
        self._decoder = open_decoder()
        self._samples = self._first = 0  # taken so far; frame where the utterance begins
        self._shown = PartialWords((), ())
        self._ended = False

    def accept(self, samples: npt.NDArray[np.floating]) -> list[Event]:
        """Take the next samples (N,), mono floats in -1..1, of any number.

        Returns:
            What is new: the segments that ended, and the partial text after them where it changed.

        Raises:
            AudioError: samples that are not finite.
            UserError: samples that are no array of mono floats, or come after the end.
        """
        if samples.ndim != 1 or not np.issubdtype(samples.dtype, np.floating):
            raise UserError(
                "stream: expected mono float samples of shape (N,), "
                f"found {samples.dtype} of shape {samples.shape}"
            )
        return self._take(check_samples(samples, "stream"), last=False)

    def finish(self) -> list[Event]:
        """End the stream, and give its last segment."""
        events = self._take(np.zeros(0, np.float32), last=True)
        self._ended = True
        return events

    def _take(self, samples: Floats, *, last: bool) -> list[Event]:
        if self._ended:
            raise UserError("stream: it has ended; open another one")
        self._samples += len(samples)
        features = self._features.feed(self._resampler.feed(samples, last=last), last=last)
        log_probs = require_numbers(self._encoder.feed(features, last=last))
        step = max(1, round(STEP_S / self._frame_s))
        events: list[Event] = []
        for first in range(0, len(log_probs), step):
            self._decoder.feed(log_probs[first : first + step])
            if self._is_end():
                events += self._end()
        if last:
            events += self._end()
        elif len(log_probs):
            events += self._show(self._decoder.partial())
        return events

    def _is_end(self) -> bool:
        decoder = self._decoder
        speech = decoder.last_token_frame > 0
        silence_s = (decoder.frames - decoder.last_token_frame) * self._frame_s
        return self._endpoints.is_end(
            decoder.frames * self._frame_s,
            max(0.0, silence_s - AFTER_S) if speech else silence_s,
            speech,
            decoder.relative_cost,
        )

    def _show(self, words: PartialWords) -> list[Event]:
        """Tell the words so far where they changed."""
        if words == self._shown:
            return []
        self._shown = words
        text = self._join(words.committed + words.tentative)
        end_s = self._time_s(self._first + self._decoder.frames)
        return [Partial(words.committed, words.tentative, text, end_s)]

    def _end(self) -> list[Event]:
        """End the utterance under way, and begin another one."""
        decoder, start = self._decoder, self._first
        end = start + decoder.frames
        events: list[Event] = []
        found = decoder.finish().words if decoder.last_token_frame else ()
        if found:
            start_s, end_s = start * self._frame_s, self._time_s(end)
            words = tuple(
                replace(
                    word, start_s=start_s + word.start_s, end_s=min(start_s + word.end_s, end_s)
                )
                for word in found
            )
            text = self._join(tuple(word.text for word in words))
            events, self._shown = [Segment(start_s, end_s, text, words)], PartialWords((), ())
        else:
            events = self._show(PartialWords((), ()))
        self._decoder, self._first = self._open_decoder(), end
        return events

    def _time_s(self, frame: int) -> float:
        return min(frame * self._frame_s, self._samples / self._rate)
