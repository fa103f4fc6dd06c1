"""A Tree-LSTM that shortens the frame sequence: neighboring frames are joined two by two.

Shapes: B batch, T feature frames, U encoder frames, F mel bins, C units of a node, H output width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asr.encoders.start import orthogonal_
from asr.model.shapes import TREE_STRIDES
from asr.util.errors import UserError
from asr.util.masks import frame_mask


class TreeSubsampling(nn.Module):
    """The N-ary Tree-LSTM with two children (Tai, Socher & Manning 2015, eq. 9 to 14).

    A frame x is a leaf, which has no children:

        c = σ(W_i x + b_i) ⊙ tanh(W_u x + b_u)
        h = σ(W_o x + b_o) ⊙ tanh(c)

    A node has a left and a right child, and no x:

        i = σ(U_i1 h_1 + U_i2 h_2 + b_i)      and so on, o and u = tanh(...)
        f_k = σ(U_fk1 h_1 + U_fk2 h_2 + b_f)     of child k
        c = i ⊙ u + f_1 ⊙ c_1 + f_2 ⊙ c_2
        h = o ⊙ tanh(c)

    All nodes share their weights, as in the paper. A tree is as high as the factor asks, and an
    encoder frame is the projected h of its root. A node whose right child would lie past the end of
    its utterance has one child, so that no output depends on the rest of a batch.

    Parameters: 3 C F + 10 C C + 4 C of the cell, H C + H of the projection.

    Args:
        mel_bins: F.
        factor: 2, 4 or 8 feature frames for one encoder frame, by one, two or three levels.
        channels: C.
        output_size: H.
        keep_bins: None, as a node's memory has no frequency bins.

    Raises:
        UserError: an unknown factor, or an encoder whose features are maps of bins.
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
        if factor not in TREE_STRIDES:
            raise UserError(
                f"subsampling.factor: unknown factor {factor} of tree_lstm; "
                f"choose one of {', '.join(map(str, TREE_STRIDES))}"
            )
        if keep_bins is not None:
            raise UserError(
                "subsampling.name: tree_lstm keeps no frequency bins, which this encoder reads; "
                "set it to conv or choose another encoder"
            )
        self.strides = TREE_STRIDES[factor]
        self.weight = nn.Parameter(torch.empty(3 * channels, mel_bins))  # i, o, u
        self.child_weight = nn.Parameter(torch.empty(5 * channels, 2 * channels))  # i, o, u, f1, f2
        self.bias = nn.Parameter(torch.zeros(4 * channels))  # i, o, u, f
        self.projection = nn.Linear(channels, output_size)
        nn.init.xavier_uniform_(self.weight)
        with torch.no_grad():
            for matrix in self.child_weight.split(channels):
                orthogonal_(matrix)
            self.bias[3 * channels :] = 1.0

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Count encoder frames for feature frames, both (B,) or of any shape."""
        for stride in self.strides:
            lengths = (lengths + stride - 1) // stride
        return lengths

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Shorten: features (B, T, F) and lengths (B,) -> (B, U, H) and lengths (B,)."""
        channels = self.child_weight.shape[1] // 2
        i, o, u = F.linear(features, self.weight, self.bias[: 3 * channels]).chunk(3, -1)
        c = i.sigmoid() * u.tanh()
        h = o.sigmoid() * c.tanh()
        for stride in self.strides:
            h, c = (_pair_children(nodes, lengths) for nodes in (h, c))
            h, c = self._join(h, c)
            lengths = (lengths + stride - 1) // stride
        return self.projection(h), lengths

    def _join(self, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Compute h and c (B, T / 2, C) of parents from those of both children (B, T / 2, 2 C)."""
        channels = self.child_weight.shape[1] // 2
        bias = torch.cat([self.bias, self.bias[3 * channels :]])
        i, o, u, *forget = F.linear(h, self.child_weight, bias).chunk(5, -1)
        parts = zip(forget, c.chunk(2, -1), strict=True)
        joined = sum((f.sigmoid() * child for f, child in parts), i.sigmoid() * u.tanh())
        return o.sigmoid() * joined.tanh(), joined


def _pair_children(nodes: Tensor, lengths: Tensor) -> Tensor:
    """Set two neighbors side by side, zeros for absent ones: (B, T, C) -> (B, T / 2, 2 C)."""
    present = nodes.masked_fill(~frame_mask(lengths, nodes.shape[1])[:, :, None], 0.0)
    return F.pad(present, (0, 0, 0, nodes.shape[1] % 2)).unflatten(1, (-1, 2)).flatten(2)
