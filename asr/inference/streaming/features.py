"""Log-mel features of a stream, normalized by the frames so far.

Shapes: N samples, T frames, F mel bins.
"""

import numpy as np

from asr.audio import Waveform
from asr.inference.streaming.blocks import Blocks
from asr.inference.streaming.normalization import RunningNormalizer, SlidingNormalizer
from asr.model.numpy_features import Features, NumpyLogMel
from asr.model.statistics import FeatureStatistics


class FeatureStream:
    """Normalized features of a stream of samples.

    Args:
        log_mel: of the model.
        block_frames: frames that are computed at a time.
        statistics: of the model's training speech, if it knows them.
    """

    def __init__(
        self, log_mel: NumpyLogMel, block_frames: int, statistics: FeatureStatistics | None = None
    ) -> None:
        settings = log_mel.settings
        self._log_mel = log_mel
        length = (block_frames - 1) * settings.hop_samples + settings.fft_samples
        self._blocks = Blocks(length, block_frames * settings.hop_samples)
        self._normalizer: SlidingNormalizer | RunningNormalizer
        if settings.normalization == "sliding":
            self._normalizer = SlidingNormalizer(settings)
        else:
            self._normalizer = RunningNormalizer(settings, statistics)

    def feed(self, samples: Waveform, *, last: bool = False) -> Features:
        """Take samples (N,); give the features (T, F) that can be computed now."""
        feed = self._normalizer.feed
        found = [feed(self._log_mel.log_mel(block)) for block in self._blocks.feed(samples)]
        if last:
            found.append(feed(self._log_mel.log_mel(self._blocks.rest()), last=True))
        bins = self._log_mel.settings.mel_bins
        return np.concatenate([np.zeros((0, bins), np.float32), *found])
