"""Convolutions that shorten the frame sequence before the recurrent encoder.

Shapes: B batch, T feature frames, U encoder frames, F mel bins, H output width.
"""

from torch import Tensor, nn

from asr.model.shapes import STRIDES
from asr.util.errors import UserError
from asr.util.masks import frame_mask


class ConvSubsampling(nn.Module):
    """Two 3x3 convolutions with ReLU, strided in time and halved twice in frequency.

    Padding is zeroed before each convolution, so that no output depends on the rest of a batch. U
    is T divided by the factor, rounded up at each stride.

    Args:
        mel_bins: F.
        factor: 2, 3, 4 or 6 feature frames for one encoder frame.
        channels: of both convolutions.
        output_size: H.
        keep_bins: frequency bins of an encoder whose features are maps. One matrix then projects
            each bin's channels, and an output frame holds the lowest bin first. None projects
            all bins together.

    Raises:
        UserError: an unknown factor, or `keep_bins` unlike the number of bins that are left.
    """

    def __init__(
        self,
        *,
        mel_bins: int,
        factor: int,
        channels: int,
        output_size: int,
        keep_bins: int | None = None,
    ) -> None:
        super().__init__()
        if factor not in STRIDES:
            raise UserError(
                f"subsampling.factor: unknown factor {factor}; "
                f"choose one of {', '.join(map(str, STRIDES))}"
            )
        self.strides = STRIDES[factor]
        inputs = (1, channels)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(i, channels, kernel_size=3, stride=(stride, 2), padding=1)
            for i, stride in zip(inputs, self.strides, strict=True)
        )
        remaining_bins = -(-mel_bins // 4)
        if keep_bins not in (None, remaining_bins):
            raise UserError(
                f"encoder.hidden_size: this encoder would have maps of {keep_bins} bins, and "
                f"subsampling makes {remaining_bins} of features.mel_bins={mel_bins}; "
                f"multiply it by {remaining_bins}/{keep_bins}"
            )
        self.keep_bins = keep_bins
        groups = keep_bins or 1
        self.projection = nn.Linear(channels * remaining_bins // groups, output_size // groups)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Count encoder frames for feature frames, both (B,) or of any shape."""
        for stride in self.strides:
            lengths = (lengths + stride - 1) // stride
        return lengths

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Shorten: features (B, T, F) and lengths (B,) -> (B, U, H) and lengths (B,)."""
        maps = features[:, None]
        for convolution, stride in zip(self.convolutions, self.strides, strict=True):
            maps = maps * frame_mask(lengths, maps.shape[2])[:, None, :, None]
            maps = convolution(maps).relu()
            lengths = (lengths + stride - 1) // stride
        if self.keep_bins:
            return self.projection(maps.permute(0, 2, 3, 1)).flatten(2), lengths
        return self.projection(maps.transpose(1, 2).flatten(2)), lengths
