"""The mLSTM: exponential gates on a matrix memory, without recurrent weights.

Shapes: G directions, B batch, T frames, F inputs, H hidden units of one direction, D units of a
head.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asr.encoders.directions import join_directions, project_directions, stack_directions
from asr.encoders.layer import RecurrentLayer
from asr.encoders.variants.cell_layer import split_heads, zero_padding
from asr.encoders.variants.matrix_memory import read_matrix_memory

HEADS = 4
FORGET_BIAS = (3.0, 6.0)  # of the first and last head, for memories of tens to hundreds of frames


class MLSTM(RecurrentLayer):
    """An mLSTM layer with four heads (Beck 2024, equations 19 to 27).

    As in the authors' code, N scales each head's output to zero mean and unit variance before the
    output gate, since the output has no bound where nᵀ q is small.

        q = W_q x + b_q      k = (W_k x + b_k) / √D      v = W_v x + b_v
        i = exp(w_i x + b_i)      f = σ(w_f x + b_f)      o = σ(W_o x + b_o)
        C = f C' + i v kᵀ      n = f n' + i k      h = o ⊙ N(C q / max(|nᵀ q|, 1))

    i and f are scalars of a head.

    Parameters: (4 H + 8) (F + 1) a direction.
    """

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, **options)
        self.width = split_heads(hidden_size, HEADS)
        self.sizes = [hidden_size] * 4 + [HEADS] * 2
        self.weight = nn.Parameter(torch.empty(self.directions * sum(self.sizes), input_size))
        self.bias = nn.Parameter(torch.zeros(len(self.weight)))
        nn.init.xavier_uniform_(self.weight)
        with torch.no_grad():
            self.bias.view(self.directions, -1)[:, -HEADS:] = torch.linspace(*FORGET_BIAS, HEADS)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Run each direction: features (B, T, F), lengths (B,) -> (B, T, G * H)."""
        order = self.backward_order(lengths, features.shape[1])
        stacked = stack_directions(zero_padding(features, lengths), order)
        projected = project_directions(stacked, self.weight, self.bias)
        q, k, v, o, i, f = projected.split(self.sizes, -1)
        outputs = torch.sigmoid(o) * normalize_heads(mlstm(q, k, v, i, f))
        return join_directions(outputs, order)


def mlstm(q: Tensor, k: Tensor, v: Tensor, i: Tensor, f: Tensor) -> Tensor:
    """Run the matrix memory of every head.

    Args:
        q: (..., T, heads * D), queries.
        k: (..., T, heads * D), keys, unscaled.
        v: (..., T, heads * D), values.
        i: (..., T, heads), the input gate before its exp.
        f: (..., T, heads), the forget gate before its σ.

    Returns:
        (..., T, heads * D), in float32 or float64.
    """
    heads = i.shape[-1]
    with torch.autocast(q.device.type, enabled=False):
        single = torch.promote_types(q.dtype, torch.float32)
        q, k, v = (t.to(single).unflatten(-1, (heads, -1)).transpose(-2, -3) for t in (q, k, v))
        i, f = (t.to(single).transpose(-1, -2) for t in (i, f))
        read = read_matrix_memory(q, k * k.shape[-1] ** -0.5, v, i, F.logsigmoid(f))
    return read.transpose(-2, -3).flatten(-2)


def normalize_heads(outputs: Tensor) -> Tensor:
    """Scale each head of (..., E) to zero mean and unit variance in every frame."""
    heads = outputs.unflatten(-1, (HEADS, -1))
    return F.layer_norm(heads, heads.shape[-1:]).flatten(-2)
