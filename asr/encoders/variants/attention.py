"""Self-attention: every frame reads every other frame of its utterance, whatever the distance.

Shapes: B batch, T frames, F inputs, W outputs, D units of a head.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asr.encoders.layer import RecurrentLayer
from asr.encoders.variants.cell_layer import zero_padding
from asr.util.errors import UserError
from asr.util.masks import frame_mask

HEADS = 4
BASE = 10000.0


class SelfAttention(RecurrentLayer):
    """Multi-head self-attention (Vaswani 2017, 3.2) with rotary positions (Su 2021, 3.2.2).

    In each of four heads, of D = W / 4 units:

        q_t = R_t (W_q x_t + b_q)      k_t = R_t (W_k x_t + b_k)      v_t = W_v x_t + b_v
        a_ts = exp(q_tᵀ k_s / √D) / Σ_r exp(q_tᵀ k_r / √D)
        y_t = W_o [Σ_s a_ts v_s of each head] + b_o

    R_t turns the units 2 i and 2 i + 1 by the angle t 10000^(-2 i / D), so that qᵀ k depends on the
    distance of both frames only. s runs over the frames of the utterance, without padding; in one
    direction, over those up to t. The layer has no half for each direction: W is 2 H in both
    directions and H in one.

    Parameters: 3 W (F + 1) + W (W + 1).

    Raises:
        UserError: W is not a multiple of 8.
    """

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, **options)
        width = self.output_size
        if width % (2 * HEADS):
            expected = 2 * HEADS // self.directions
            raise UserError(
                f"encoder.hidden_size: expected a multiple of {expected}, since {HEADS} heads "
                f"take pairs of units, found {hidden_size}"
            )
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(3 * width, input_size)))
        self.bias = nn.Parameter(torch.zeros(3 * width))
        self.output = nn.Linear(width, width)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Attend: features (B, T, F), lengths (B,) -> (B, T, W)."""
        projected = F.linear(zero_padding(features, lengths), self.weight, self.bias)
        q, k, v = projected.unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        visible = visible_frames(lengths, features.shape[1], causal=self.directions == 1)
        read = F.scaled_dot_product_attention(rotate(q), rotate(k), v, visible[:, None])
        return self.output(read.transpose(1, 2).flatten(2))


def visible_frames(lengths: Tensor, frames: int, *, causal: bool) -> Tensor:
    """Mark the frames that each frame reads: lengths (B,) -> bool (B, T, T).

    A frame of the padding reads itself as well, since a softmax over nothing is not a number.
    """
    itself = torch.eye(frames, dtype=torch.bool, device=lengths.device)
    visible = frame_mask(lengths, frames)[:, None] | itself
    return visible.tril() if causal else visible


def rotate(vectors: Tensor) -> Tensor:
    """Turn pairs of units of (..., T, D) by angles that grow with the frame."""
    frames, size = vectors.shape[-2:]
    pair = torch.arange(0, size, 2, device=vectors.device)
    time = torch.arange(frames, device=vectors.device, dtype=torch.float64)
    angles = time[:, None] * BASE ** (-pair.double() / size)
    cos, sin = angles.cos().to(vectors.dtype), angles.sin().to(vectors.dtype)
    even, odd = vectors[..., 0::2], vectors[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)
