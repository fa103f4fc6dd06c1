"""Waveforms to log-mel features, and the normalization of features.

Shapes: B batch, N samples, T frames, F mel bins.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

from asr.model.mel import CMN_WINDOW, EMPTY_STD, MIN_CMN_WINDOW, LogMelSettings
from asr.util.masks import frame_mask


class LogMel(nn.Module):
    """Natural logarithm of the mel power spectrum, normalized to mean 0 and variance 1.

    Frames start at sample 0 and never reach past the last sample (`center=False`): the usual
    reflection padding would let the padding of a batch leak into an utterance's last frames.
    Before normalization, and where the offset stays, the values equal the logarithm of
    ``librosa.feature.melspectrogram(center=False, norm="slaney")`` to 0.005 on speech, and to
    1e-4 on noise, where no frequency is far louder than its neighbors (Slaney 1998, Auditory
    Toolbox).

    Args:
        sample_rate: Hz.
        mel_bins: F.
        window_ms: length of the Hann window; the FFT takes the next power of two.
        hop_ms: step between frames.
        low_hz: lower edge of the lowest mel bin; the highest bin ends at half the sample rate.
        remove_dc_offset: subtract the mean of each frame before the window is applied. The mean of
            a frame needs no other frame, so that this can be done while a recording still runs.
        amin: least power of a mel bin; less is raised to it, which keeps the logarithm finite. A
            value of 1e-9 hides the rounding noise of 16-bit samples, and also the speech of very
            quiet recordings. With 1e-30, features do not depend on the recording's level, and
            `top_db` limits digital silence.
        top_db: range below the loudest bin of an utterance; lower values are raised to its end, so
            that a codec's spectral holes equal a recorder's silence. None is no limit.
        normalization: ``utterance`` takes mean and variance over each utterance's own frames;
            ``sliding`` over the last `CMN_WINDOW` up to each frame, or over the first
            `MIN_CMN_WINDOW` where those reach further, and takes the loudest bin of
            `top_db` there too, so that after two seconds no frame needs a later one.

    Raises:
        UserError: as `LogMelSettings`.
    """

    window: Tensor
    mel_filters: Tensor

    def __init__(
        self,
        *,
        sample_rate: int,
        mel_bins: int,
        window_ms: float,
        hop_ms: float,
        low_hz: float,
        remove_dc_offset: bool,
        amin: float,
        top_db: float | None,
        normalization: str,
    ) -> None:
        super().__init__()
        settings = LogMelSettings(
            sample_rate, mel_bins, window_ms, hop_ms, low_hz, remove_dc_offset, amin, top_db,
            normalization,
        )  # fmt: skip
        self.sample_rate, self.mel_bins = sample_rate, mel_bins
        self.hop_samples, self.window_samples = settings.hop_samples, settings.window_samples
        self.fft_samples, self.under_window = settings.fft_samples, settings.under_window
        self.remove_dc_offset, self.normalization = remove_dc_offset, normalization
        self.amin, self.range_nats = amin, settings.range_nats
        window = np.zeros(self.fft_samples, np.float32)
        window[self.under_window] = settings.window
        with torch.device("cpu"):  # also where a model is laid out on the meta device
            self.register_buffer("window", torch.from_numpy(window), persistent=False)
            filters = torch.from_numpy(settings.mel_filters)
            self.register_buffer("mel_filters", filters, persistent=False)

    def frames(self, samples: Tensor) -> Tensor:
        """Count the frames, of a whole FFT each, that fit in so many samples (B,); may be 0."""
        return ((samples - self.fft_samples) // self.hop_samples + 1).clamp(min=0)

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Compute normalized features.

        Args:
            waveforms: (B, N) float32 in -1..1, padded past each length with anything finite.
            lengths: (B,) valid samples.

        Returns:
            features (B, T, F), zero past each length, and feature lengths (B,).
        """
        features = self.log_mel(waveforms)
        feature_lengths = self.frames(lengths)
        return self.normalize(features, feature_lengths), feature_lengths

    def log_mel(self, waveforms: Tensor) -> Tensor:
        """Compute unnormalized log-mel values, (B, N) -> (B, T, F)."""
        short = self.fft_samples - waveforms.shape[-1]
        if short > 0:  # one frame of padding keeps the shapes; its length still counts as 0
            waveforms = nn.functional.pad(waveforms, (0, short))
        frames = waveforms.unfold(-1, self.fft_samples, self.hop_samples)
        if self.remove_dc_offset:
            frames = frames - frames[..., self.under_window].mean(-1, keepdim=True)
        spectrum = torch.fft.rfft(frames * self.window)
        power = spectrum.real.square() + spectrum.imag.square()
        return (power @ self.mel_filters).clamp(min=self.amin).log()

    def normalize(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Limit the range of `log_mel` values, and normalize them to mean 0 and variance 1.

        A band without speech, such as the upper half of a telephone recording, becomes nearly 0
        and keeps its small variance. Padding becomes 0.
        """
        valid = frame_mask(lengths, features.shape[1])[:, :, None]
        features = self.limit_range(features, lengths)
        if self.normalization == "utterance":
            count = lengths.clamp(min=1)[:, None, None]
            mean = features.sum(1, keepdim=True) / count
            centered = (features - mean) * valid
            std = (centered.square().sum(1, keepdim=True) / count).sqrt()
        else:
            mean, std = sliding_statistics(features, lengths)
            centered = (features - mean) * valid
        return centered / std.clamp(min=EMPTY_STD)

    def limit_range(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Raise values too far below the loudest bin, and zero the padding."""
        padding = ~frame_mask(lengths, features.shape[1])[:, :, None]
        features = features.masked_fill(padding, math.log(self.amin))  # it may hold infinities
        loudest = features.amax(2)
        if self.normalization == "sliding":
            loudest = sliding_max(loudest, lengths)
        else:
            loudest = loudest.amax(1, keepdim=True)
        return features.maximum((loudest - self.range_nats)[:, :, None]).masked_fill(padding, 0.0)


def sliding_ends(lengths: Tensor, frames: int) -> Tensor:
    """Count the frames before the end of each frame's window: lengths (B,) -> (B, frames)."""
    seen = torch.arange(1, frames + 1, device=lengths.device)
    return seen.maximum(lengths.clamp(max=MIN_CMN_WINDOW)[:, None])


def sliding_max(values: Tensor, lengths: Tensor) -> Tensor:
    """Take the largest value in each frame's window: (B, T) -> (B, T)."""
    past = nn.functional.pad(values, (CMN_WINDOW - 1, 0), value=-math.inf)
    largest = nn.functional.max_pool1d(past[:, None], CMN_WINDOW, stride=1)[:, 0]
    return largest.gather(1, sliding_ends(lengths, values.shape[1]) - 1)


def sliding_statistics(features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Take mean and standard deviation over each frame's window: (B, T, F) -> both (B, T, F)."""
    values = features.double()  # differences of long sums are to keep their digits
    sums = torch.cat([values, values.square()], 2).cumsum(1)
    sums = nn.functional.pad(sums, (0, 0, 1, 0))
    ends = sliding_ends(lengths, features.shape[1])[:, :, None]
    starts = (ends - CMN_WINDOW).clamp(min=0)
    in_window = sums.take_along_dim(ends, 1) - sums.take_along_dim(starts, 1)
    mean, square = (in_window / (ends - starts)).chunk(2, 2)
    return mean.float(), (square - mean.square()).clamp(min=0).sqrt().float()
