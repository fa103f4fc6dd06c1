"""An LSTM with layer normalisation inside its cell.

Shapes: G directions, B sequences, N rows that enter a unit, W = H units, F inputs.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asr.encoders.directions import directed_linear
from asr.encoders.variants.cell_layer import CellLayer
from asr.encoders.variants.recurrence import Cell, Tensors


class LayerNormCell(Cell):
    """The LSTM of Ba 2016, equations 20 to 22, N standing for zero mean and unit variance.

        (z, i, f, o) = N(R h') ⊙ α1 + N(W x) ⊙ α2 + b
        c = σ(f) ⊙ c' + σ(i) ⊙ tanh(z)
        h = σ(o) ⊙ tanh(N(c) ⊙ α3 + β3)

    N runs over all four rows of a direction together; b is the sum of Ba's b, β1 and β2. The
    first four rows are R h', the last four the sum's other part, which no loop is needed for.
    """

    start = (0.0,)
    elementwise = False

    def step(self, rows: Tensor, states: Tensors, vectors: Tensors) -> tuple[Tensors, Tensors]:
        """Go on by one frame; `vectors` are α1, a row each of z, i, f, o, then α3 and β3."""
        *alpha1, alpha3, beta3 = vectors
        recurrent, outside = rows.split(4, -2)
        sums = normalize(recurrent, 2) * torch.stack(alpha1, -2) + outside
        z, i, f, o = sums.unbind(-2)
        c = torch.sigmoid(f) * states[0] + torch.sigmoid(i) * torch.tanh(z)
        h = torch.sigmoid(o) * torch.tanh(normalize(c, 1) * alpha3 + beta3)
        return (h,), (c,)


class LNLSTM(CellLayer):
    """An LSTM layer with layer normalisation in its cell (Ba 2016).

    Parameters: 4 (H (F + H) + H) + 10 H a direction: α1 and α2 are 4 H, α3 and β3 are H.
    """

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, LayerNormCell(), "zifo", **options)
        four = self.directions * 4 * hidden_size
        self.recurrent_gain = nn.Parameter(torch.ones(four))
        self.input_gain = nn.Parameter(torch.ones(four))
        self.cell_gain = nn.Parameter(torch.ones(four // 4))
        self.cell_bias = nn.Parameter(torch.zeros(four // 4))

    def project(self, features: Tensor) -> Tensor:
        """Compute what enters the units: (G, B, T, F) -> (G, B, T, 8, H), the first four rows 0."""
        sums = directed_linear(features, self.weight).unflatten(-1, (4, self.hidden_size))
        shape = (self.directions, 1, 1, 4, self.hidden_size)
        outside = normalize(sums, 2) * self.input_gain.view(shape) + self.bias.view(shape)
        return torch.cat([torch.zeros_like(outside), outside], -2)

    def vectors(self) -> tuple[Tensor, ...]:
        """Give α1 as four vectors, α3 and β3, each (G, 1, H)."""
        shape = (self.directions, -1, 1, self.hidden_size)
        parts = (self.recurrent_gain, self.cell_gain, self.cell_bias)
        return torch.cat([part.view(shape) for part in parts], 1).unbind(1)


def normalize(values: Tensor, axes: int) -> Tensor:
    """Bring the last `axes` axes together to zero mean and unit variance."""
    return F.layer_norm(values, values.shape[-axes:])
