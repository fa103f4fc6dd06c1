"""Normalization of features that go on, by the frames so far.

Shapes: T frames, F mel bins, W frames of the window of statistics.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from asr.model.mel import CMN_WINDOW, EMPTY_STD, MIN_CMN_WINDOW, LogMelSettings
from asr.model.numpy_features import Features
from asr.model.statistics import FeatureStatistics

#: Frames that the statistics of ``utterance`` features are taken over in a stream.
RUNNING_WINDOW = 3000
#: The model's own statistics count as so many frames beside those of the stream. By the CTC loss on
#: every eighth utterance of en-small's dev set, 100 do as well, and none cost 5 %.
PRIOR_FRAMES = 200
#: The first so many frames are normalized by all of them; 100 cost 2 % of that loss, 50 cost 20 %.
FIRST_FRAMES = 200
#: Frames whose loudest bin is so far below the loudest one of the window are no speech ...
SPEECH_DB = 40.0
#: ... and only so many of them count in a row, as long pauses would drown the statistics of speech.
PAUSE_FRAMES = 30


class _FirstFrames:
    """The first frames of a stream, held back until there are enough to normalize them by.

    Args:
        least: how many are enough.
        mel_bins: F.

    Attributes:
        held: whether frames are still held back.
    """

    def __init__(self, least: int, mel_bins: int) -> None:
        self._least, self._waiting = least, [np.zeros((0, mel_bins), np.float32)]
        self.held = True

    def feed(self, values: Features, last: bool) -> Features:
        """Take values (T, F); give none of them, or once they are enough or the last, all."""
        self._waiting.append(values)
        if sum(map(len, self._waiting)) < self._least and not last:
            return values[:0]
        self.held = False
        first, self._waiting = np.concatenate(self._waiting), []
        return first


class RunningNormalizer:
    """Normalization of a stream as ``utterance`` features, by its last frames.

    The statistics are of the last W frames, without the later part of long pauses, and of the
    model's training speech at the loudness of the stream. Where the stream becomes louder, frames
    that came before are limited to the new range in the statistics, as those of a file are. By
    the training speech's statistics, noise without speech does not look like speech, nor does
    digital silence, which counts as what is quietest beside speech.

    Args:
        settings: of the features.
        statistics: of the training speech; None takes the stream's alone.
        window: W.
        least: the first so many frames are normalized by all of them, at most W.
    """

    def __init__(
        self,
        settings: LogMelSettings,
        statistics: FeatureStatistics | None,
        window: int = RUNNING_WINDOW,
        least: int = FIRST_FRAMES,
    ) -> None:
        self._range, self._window = settings.range_nats, window
        self._statistics, self._silence = statistics, float(np.log(np.float32(settings.amin)))
        self._first = _FirstFrames(least, settings.mel_bins)
        self._counted = np.zeros((window, settings.mel_bins), np.float32)  # by the number modulo W
        self._count = 0
        self._sums = np.zeros((2, settings.mel_bins))  # of limited values and squares, float64
        self._peaks = np.full(window, -np.inf, np.float32)
        self._seen = self._pause = 0
        self._loudest = -np.inf

    def feed(self, values: Features, *, last: bool = False) -> Features:
        """Take log-mel values (T, F), T at most W; give the features that can be computed now."""
        return self._normalize(self._first.feed(values, last) if self._first.held else values)

    def _normalize(self, values: Features) -> Features:
        if not len(values):
            return values
        self._look_for_loudest(values)
        self._enter(values[self._are_counted(values)])
        sums, count = self._sums, float(min(self._count, self._window))
        if self._statistics is not None and self._loudest > self._silence:
            prior = self._statistics.moments(self._loudest)
            sums, count = sums + PRIOR_FRAMES * prior, count + PRIOR_FRAMES
        mean, square = sums / count
        std = np.sqrt(np.maximum(square - mean**2, EMPTY_STD**2))
        found: Features = ((self._limit(values) - mean) / std).astype(np.float32)
        return found

    def _look_for_loudest(self, values: Features) -> None:
        """Find the loudest bin of the last W frames, and limit what was counted anew."""
        self._peaks[self._places(self._seen, len(values))] = values.max(1)
        self._seen += len(values)
        loudest = float(self._peaks.max())
        if loudest <= self._silence and self._range < np.inf:  # a muted microphone
            loudest = self._silence + self._range  # silence as it is beside speech
        if loudest != self._loudest:
            self._loudest = loudest
            self._sums = _moments(self._limit(self._counted[: self._count]))

    def _are_counted(self, values: Features) -> NDArray[np.bool_]:
        """Tell which frames count (T,): all but the later part of long pauses."""
        limit = self._loudest - SPEECH_DB * np.log(10) / 10
        counted = np.empty(len(values), np.bool_)
        for place, speech in enumerate(values.max(1) >= limit):
            self._pause = 0 if speech else self._pause + 1
            counted[place] = self._pause <= PAUSE_FRAMES
        return counted

    def _enter(self, values: Features) -> None:
        """Count frames (T, F), in place of the oldest ones where the window is full."""
        places = self._places(self._count, len(values))
        full = self._count + np.arange(len(values)) >= self._window
        leaving = self._limit(self._counted[places[full]])
        self._sums = self._sums + _moments(self._limit(values)) - _moments(leaving)
        self._counted[places] = values
        self._count += len(values)

    def _limit(self, values: Features) -> NDArray[np.float64]:
        return np.maximum(values, self._loudest - self._range, dtype=np.float64)

    def _places(self, first: int, count: int) -> NDArray[np.int64]:
        return (first + np.arange(count)) % self._window


def _moments(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum values (T, F) and their squares over frames: (2, F)."""
    return np.stack([values.sum(0), np.square(values).sum(0)])


class SlidingNormalizer:
    """Normalization of ``sliding`` features, as for a whole file, to rounding.

    Args:
        settings: of the features.
        window: frames that statistics are taken over, W.
        least: the first so many frames are normalized by all of them, at most W.
    """

    def __init__(
        self, settings: LogMelSettings, window: int = CMN_WINDOW, least: int = MIN_CMN_WINDOW
    ) -> None:
        self._range = np.float32(settings.range_nats)
        self._window, self._least = window, least
        self._first = _FirstFrames(least, settings.mel_bins)
        self._recent = np.zeros((window, settings.mel_bins), np.float32)  # by the number modulo W
        self._peaks = np.full(window - 1, -np.inf, np.float32)
        self._seen = 0
        self._sums = np.zeros((2, settings.mel_bins))  # of values and squares, float64

    def feed(self, values: Features, *, last: bool = False) -> Features:
        """Take log-mel values (T, F), T at most W; give the features that can be computed now."""
        if not self._first.held:
            return self._go_on(values)
        first = self._first.feed(values, last)
        start = self._start(first[: self._least])
        return np.concatenate([start, self._go_on(first[self._least :])])

    def _start(self, values: Features) -> Features:
        if not len(values):
            return values
        peaks = values.max(1)
        self._peaks = np.concatenate([self._peaks, peaks])[-(self._window - 1) :]
        values = np.maximum(values, peaks.max() - self._range)
        sums = self._add(values)
        return self._scale(values, sums[-1:], np.array([[self._seen]]))

    def _go_on(self, values: Features) -> Features:
        if not len(values):
            return values
        peaks = np.concatenate([self._peaks, values.max(1)])
        loudest = sliding_window_view(peaks, self._window).max(1)
        self._peaks = peaks[-(self._window - 1) :]
        values = np.maximum(values, (loudest - self._range)[:, None])
        counts = np.minimum(self._seen + 1 + np.arange(len(values)), self._window)
        return self._scale(values, self._add(values), counts[:, None])

    def _add(self, values: Features) -> NDArray[np.float64]:
        """Enter values (T, F) into the window: its sums after each frame, (T, 2, F)."""
        places = (self._seen + np.arange(len(values))) % self._window
        entering, leaving = values.astype(np.float64), self._recent[places].astype(np.float64)
        changes = np.stack([entering - leaving, entering**2 - leaving**2], 1)
        sums = self._sums + changes.cumsum(0)
        self._recent[places], self._sums = values, sums[-1]
        self._seen += len(values)
        return sums

    def _scale(
        self, values: Features, sums: NDArray[np.float64], counts: NDArray[np.int64]
    ) -> Features:
        mean = sums[:, 0] / counts
        std = np.sqrt(np.maximum(sums[:, 1] / counts - mean**2, 0)).astype(np.float32)
        centered: Features = values - mean.astype(np.float32)
        centered /= np.maximum(std, np.float32(EMPTY_STD))
        return centered
