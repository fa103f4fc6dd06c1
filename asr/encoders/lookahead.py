"""A convolution over the right context, for encoders without a backward direction.

Shapes: B batch, T frames, H width, K taps: a frame and its right context.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asr.util.masks import frame_mask


class Lookahead(nn.Module):
    """Row convolution: each unit reads its own next frames, y_t = sum_j w_j x_{t+j}, 0 <= j < K.

    Source: Wang 2016, "Lookahead convolution layer for unidirectional recurrent neural networks",
    and Amodei 2016, "Deep Speech 2". It starts as the identity. What lies past an utterance's
    length counts as 0.

    Args:
        width: H.
        context: frames of right context, K - 1.
    """

    def __init__(self, width: int, context: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width, 1, 1 + context))
        with torch.no_grad():
            self.weight[:, :, 0] = 1.0

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Convolve: features (B, T, H), lengths (B,) -> (B, T, H)."""
        width, _, taps = self.weight.shape
        valid = features * frame_mask(lengths, features.shape[1])[:, :, None]
        padded = F.pad(valid.transpose(1, 2), (0, taps - 1))
        return F.conv1d(padded, self.weight, groups=width).transpose(1, 2)
