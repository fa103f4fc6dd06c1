"""Streams of encoders that carry no state: each chunk is encoded with what was before it.

Shapes: T feature frames, U encoder frames, F mel bins, V tokens.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
#: Seconds before a chunk that are encoded again with it.
LEFT_S = 5.0
#: Encoder frames behind the last one that the convolutions read.
_BEHIND = 1


class EncoderStream(Protocol):
    """Features in, as they come, and log-probabilities out."""

    def feed(self, features: Floats, *, last: bool = False) -> Floats:
        """Take features (T, F); give log_probs (U, V) of all chunks that can be computed now."""


class RecomputingStream:
    """A stream of an encoder that reads whole utterances.

    Args:
        encode: features (T, F), at least one frame, to log_probs (U, V).
        factor: feature frames of an encoder frame.
        left: encoder frames before a chunk that are encoded again.
        chunk: encoder frames of a chunk.
        context: encoder frames behind it that are encoded with it.
        shape: of no features, (0, F), and of no log-probabilities, (0, V).
    """

    def __init__(
        self,
        encode: Callable[[Floats], Floats],
        factor: int,
        left: int,
        chunk: int,
        context: int,
        shape: tuple[int, int],
    ) -> None:
        self._encode_all, self._factor, self._left = encode, factor, left
        self._chunk, self._needed = chunk, chunk + context + _BEHIND
        self._features, self._none = (np.zeros((0, width), np.float32) for width in shape)
        self._first = 0  # encoder frames that the features hold before the next chunk

    def feed(self, features: Floats, *, last: bool = False) -> Floats:
        """Take features (T, F); give log_probs (U, V) of all chunks that can be computed now."""
        self._features = np.concatenate([self._features, features])
        found = [self._none]
        while len(self._features) >= (self._first + self._needed) * self._factor:
            found.append(self._encode(self._chunk, self._needed))
        if last and (frames := -(-len(self._features) // self._factor) - self._first):
            found.append(self._encode(frames, frames))
        return np.concatenate(found)

    def _encode(self, chunk: int, needed: int) -> Floats:
        log_probs = self._encode_all(self._features[: (self._first + needed) * self._factor])
        done = self._first + chunk
        found = log_probs[self._first : done]
        self._first = min(done, self._left)
        self._features = self._features[(done - self._first) * self._factor :]
        return found
