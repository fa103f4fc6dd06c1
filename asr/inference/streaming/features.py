"""Log-mel features of a stream, normalized by the frames so far.

Shapes: N samples, T frames, F mel bins, W frames of the window of statistics.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from asr.audio import Waveform
from asr.inference.streaming.blocks import Blocks
from asr.model.mel import CMN_WINDOW, EMPTY_STD, MIN_CMN_WINDOW, LogMelSettings
from asr.model.numpy_features import Features, NumpyLogMel

#: Frames that the statistics of ``utterance`` features are taken over in a stream. With 600, as for
#: ``sliding`` features, en-small had 21.5 % of word errors on dev, with 3000 20.8 %.
RUNNING_WINDOW = 3000


class FeatureStream:
    """Normalized features of a stream of samples.

    ``utterance`` features are normalized as ``sliding`` ones are, over a longer window, since the
    end of a stream is not known. Fewer frames at its start cost many words: with 100, 22.9 %.

    Args:
        log_mel: of the model.
        block_frames: frames that are computed at a time.
    """

    def __init__(self, log_mel: NumpyLogMel, block_frames: int) -> None:
        settings = log_mel.settings
        self._log_mel = log_mel
        length = (block_frames - 1) * settings.hop_samples + settings.fft_samples
        self._blocks = Blocks(length, block_frames * settings.hop_samples)
        window = CMN_WINDOW if settings.normalization == "sliding" else RUNNING_WINDOW
        self._normalizer = RunningNormalizer(settings, window, MIN_CMN_WINDOW)

    def feed(self, samples: Waveform, *, last: bool = False) -> Features:
        """Take samples (N,); give the features (T, F) that can be computed now."""
        feed = self._normalizer.feed
        found = [feed(self._log_mel.log_mel(block)) for block in self._blocks.feed(samples)]
        if last:
            found.append(feed(self._log_mel.log_mel(self._blocks.rest()), last=True))
        bins = self._log_mel.settings.mel_bins
        return np.concatenate([np.zeros((0, bins), np.float32), *found])


class RunningNormalizer:
    """Normalization by the last frames up to each frame.

    With the sizes of ``sliding`` features, these are computed as for a whole file, to rounding.

    Args:
        settings: of the features.
        window: frames that statistics are taken over, W.
        least: the first so many frames are normalized by all of them, at most W.
    """

    def __init__(self, settings: LogMelSettings, window: int, least: int) -> None:
        self._range = np.float32(settings.range_nats)
        self._window, self._least = window, least
        self._waiting: list[Features] | None = [np.zeros((0, settings.mel_bins), np.float32)]
        self._recent = np.zeros((window, settings.mel_bins), np.float32)  # by the number modulo W
        self._peaks = np.full(window - 1, -np.inf, np.float32)
        self._seen = 0
        self._sums = np.zeros((2, settings.mel_bins))  # of values and squares, float64

    def feed(self, values: Features, *, last: bool = False) -> Features:
        """Take log-mel values (T, F), T at most W; give the features that can be computed now."""
        if self._waiting is None:
            return self._go_on(values)
        self._waiting.append(values)
        if sum(map(len, self._waiting)) < self._least and not last:
            return values[:0]
        first, self._waiting = np.concatenate(self._waiting), None
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
