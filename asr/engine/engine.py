"""What every engine has: a model's clock, and log-probabilities that are checked.

Shapes: B batch, N samples, U encoder frames, V tokens.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from asr.engine.recomputing import EncoderStream
from asr.model.mel import LogMelSettings
from asr.model.numpy_features import NumpyLogMel
from asr.model.settings import ModelSettings
from asr.model.shapes import frame_s, output_frames
from asr.model.statistics import FeatureStatistics
from asr.util.errors import UserError

Floats = NDArray[np.float32]
Counts = NDArray[np.int64]


class NotANumberError(UserError):
    """The log-probabilities of a model are NaN."""


class Engine(ABC):
    """A model ready to compute.

    Args:
        settings: of the model.
        statistics: of its training speech, if it knows them.

    Attributes:
        log_mel: the features, one waveform at a time.
        sample_rate: of the waveforms, Hz.
        frame_s: seconds from one encoder frame to the next.
        rows: segments that one call should take. Where it is 1, a batch is no faster.
        on_gpu: whether waveforms are copied to a GPU.
    """

    rows = 1
    on_gpu = False

    def __init__(self, settings: ModelSettings, statistics: FeatureStatistics | None) -> None:
        self.settings, self.statistics = settings, statistics
        self.log_mel = NumpyLogMel(LogMelSettings(**settings.features))  # type: ignore[arg-type]
        self.sample_rate = self.log_mel.settings.sample_rate
        self.frame_s = frame_s(settings)

    def log_probs(self, waveforms: Floats, lengths: Counts) -> tuple[Floats, Counts]:
        """Compute natural log-probabilities of tokens.

        Args:
            waveforms: (B, N) in -1..1, padded past each length with anything finite.
            lengths: (B,) samples.

        Returns:
            log_probs (B, U, V) and their lengths (B,).

        Raises:
            NotANumberError: NaN in a valid frame, of which no search can make a text.
        """
        log_probs, frames = self._compute(waveforms, lengths)
        valid = np.arange(log_probs.shape[1]) < frames[:, None]
        require_numbers(log_probs, valid)
        return log_probs, frames

    @abstractmethod
    def _compute(self, waveforms: Floats, lengths: Counts) -> tuple[Floats, Counts]:
        """Compute what `log_probs` checks."""

    @abstractmethod
    def open_stream(self, chunk: int, context: int) -> EncoderStream:
        """Begin to encode a stream of normalized features.

        Args:
            chunk: encoder frames that are computed at a time.
            context: encoder frames behind them that are read too.
        """

    def output_frames(self, samples: int) -> int:
        """Count encoder frames for a waveform's length in samples; may be 0."""
        return output_frames(self.settings, samples)

    @contextmanager
    def one_thread_a_call(self) -> Iterator[None]:
        """Compute each call in one thread, so that several calls share the cores."""
        yield


def require_numbers(log_probs: Floats, valid: NDArray[np.bool_] | None = None) -> Floats:
    """Refuse log-probabilities (..., V) that are NaN in a valid frame (...), and give them back.

    Raises:
        NotANumberError: there are some.
    """
    bad = np.isnan(log_probs).any(-1)
    if (bad if valid is None else bad & valid).any():
        raise NotANumberError(
            "the model's log-probabilities are not a number (NaN), as of weights that are "
            "far too large; take another model, or train it with a lower optimizer.lr"
        )
    return log_probs


def join_rows(rows: Sequence[Floats]) -> tuple[Floats, Counts]:
    """Pad log_probs (U, V) of several utterances with zeros to a batch: (B, U, V), and (B,)."""
    lengths = np.array([len(row) for row in rows], np.int64)
    joined = np.zeros((len(rows), lengths.max(), rows[0].shape[1]), np.float32)
    for place, row in zip(joined, rows, strict=True):
        place[: len(row)] = row
    return joined, lengths
