"""onnxruntime encoding streams chunk by chunk; see `asr.onnx.chunk_network`.

Shapes: T feature frames, U encoder frames, F mel bins, V tokens.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.model.settings import ModelSettings
from asr.onnx.chunk_network import (
    CHUNK,
    CONTEXT,
    FIRST,
    NEXT_STATE,
    STATE,
    build_chunk_network,
    count_states,
)
from asr.onnx.encoder import Floats, computes_in_8_bits, open_session
from asr.onnx.network import FEATURES, LOG_PROBS
from asr.onnx.weights import Weights

#: Encoder frames around those to compute that the convolutions read, before and behind.
_BEFORE, _BEHIND = 2, 1


class OnnxChunkEncoder:
    """A network ready to encode streams. Threads may share it, each with streams of its own.

    Args:
        settings: of a model for which `asr.onnx.exports` holds.
        stored: weights by the names of a model file.
        chunk_frames: encoder frames that are computed at a time.
        context_frames: later encoder frames that the backward direction reads; more are more
            exact, and later.
        float32: as for `asr.onnx.encoder.OnnxEncoder`.
    """

    def __init__(
        self,
        settings: ModelSettings,
        stored: Mapping[str, npt.NDArray[Any]],
        *,
        chunk_frames: int,
        context_frames: int,
        float32: bool = False,
    ) -> None:
        in_8_bits = not float32 and computes_in_8_bits(settings, stored)
        self._session = open_session(build_chunk_network(settings, stored, in_8_bits=in_8_bits))
        self.settings, self.vocabulary_size = settings, Weights(stored).vocabulary_size
        self.chunk_frames, self.context_frames = chunk_frames, context_frames

    def open_stream(self) -> "Stream":
        """Begin a stream."""
        return Stream(self)

    def run(
        self, features: Floats, first: int, chunk: int, context: int, state: Floats
    ) -> tuple[Floats, Floats]:
        """Encode one chunk.

        Args:
            features: (T, F) of the frames before the chunk, of the chunk and of what follows.
            first: encoder frames before the chunk.
            chunk: encoder frames of the chunk.
            context: encoder frames after it that the backward direction reads.
            state: after the chunk before.

        Returns:
            log_probs (U, V) of the chunk, and the state after it.
        """
        counts = {FIRST: first, CHUNK: chunk, CONTEXT: context}
        given: dict[str, npt.NDArray[Any]] = {FEATURES: features[None], STATE: state}
        given |= {name: np.array([count], np.int64) for name, count in counts.items()}
        log_probs, after = self._session.run((LOG_PROBS, NEXT_STATE), given)
        return log_probs[0], after


class Stream:
    """One stream: features in, as they come, and log-probabilities out."""

    def __init__(self, encoder: OnnxChunkEncoder) -> None:
        self._encoder = encoder
        settings = encoder.settings
        self._factor = settings.subsampling["factor"]
        shape = (count_states(settings), 1, int(settings.encoder["hidden_size"]))
        self._state = np.zeros(shape, np.float32)
        self._features = np.zeros((0, int(settings.features["mel_bins"])), np.float32)
        self._no_frames = np.zeros((0, encoder.vocabulary_size), np.float32)
        self._first = 0  # encoder frames that the features hold before the next chunk

    def feed(self, features: Floats, *, last: bool = False) -> Floats:
        """Take features (T, F); give log_probs (U, V) of all chunks that can be computed now.

        Args:
            features: as many as there are; none to end a stream.
            last: whether the stream ends with them. Nothing may be fed then.
        """
        self._features = np.concatenate([self._features, features])
        chunk, context = self._encoder.chunk_frames, self._encoder.context_frames
        needed = chunk + context + _BEHIND
        found: list[Floats] = []
        while len(self._features) >= (self._first + needed) * self._factor:
            found.append(self._encode(chunk, context, needed))
        if last:
            frames = -(-len(self._features) // self._factor) - self._first
            found += [self._encode(frames, 0, frames)] if frames else []
        return np.concatenate([self._no_frames, *found])

    def _encode(self, chunk: int, context: int, needed: int) -> Floats:
        features = self._features[: (self._first + needed) * self._factor]
        log_probs, self._state = self._encoder.run(
            features, self._first, chunk, context, self._state
        )
        done = self._first + chunk
        self._first = min(done, _BEFORE)
        self._features = self._features[(done - self._first) * self._factor :]
        return log_probs
