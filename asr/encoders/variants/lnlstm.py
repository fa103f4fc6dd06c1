"""An LSTM with layer normalization inside its cell.

Shapes: G directions, B sequences, T frames, F inputs, H hidden units of one direction.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asr.encoders.directions import project_directions
from asr.encoders.variants.cell_layer import CellLayer
from asr.encoders.variants.recurrence import Cell, Tensors


class LayerNormCell(Cell):
    """The LSTM of Ba 2016, equations 20 to 22; N scales to zero mean and unit variance.

        (z, i, f, o) = N(R h') ⊙ α1 + N(W x) ⊙ α2 + b
        c = σ(f) ⊙ c' + σ(i) ⊙ tanh(z)
        h = σ(o) ⊙ tanh(N(c) ⊙ α3 + β3)

    N normalizes z, i, f and o of a direction together; b is the sum of Ba's b, β1 and β2. A unit
    takes eight pre-activations: four of R h' and, from before the loop, four of N(W x) ⊙ α2 + b.
    """

    start = (0.0,)
    elementwise = False

    def step(
        self, preactivations: Tensor, states: Tensors, vectors: Tensors
    ) -> tuple[Tensors, Tensors]:
        """Compute one frame; `vectors` are α1 for z, i, f and o, then α3 and β3."""
        *alpha1, alpha3, beta3 = vectors
        recurrent, external = preactivations.split(4, -2)
        sums = normalize(recurrent, 2) * torch.stack(alpha1, -2) + external
        z, i, f, o = sums.unbind(-2)
        c = torch.sigmoid(f) * states[0] + torch.sigmoid(i) * torch.tanh(z)
        h = torch.sigmoid(o) * torch.tanh(normalize(c, 1) * alpha3 + beta3)
        return (h,), (c,)


class LNLSTM(CellLayer):
    """An LSTM layer with layer normalization in its cell (Ba 2016).

    Parameters: 4 (H (F + H) + H) + 10 H a direction; α1 and α2 have 4 H, α3 and β3 have H.
    """

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, LayerNormCell(), "zifo", **options)
        four = self.directions * 4 * hidden_size
        self.recurrent_gain = nn.Parameter(torch.ones(four))
        self.input_gain = nn.Parameter(torch.ones(four))
        self.cell_gain = nn.Parameter(torch.ones(four // 4))
        self.cell_bias = nn.Parameter(torch.zeros(four // 4))

    def project(self, features: Tensor) -> Tensor:
        """Compute N(W x) ⊙ α2 + b behind four zeros: (G, B, T, F) -> (G, B, T, 8, H)."""
        sums = project_directions(features, self.weight).unflatten(-1, (4, self.hidden_size))
        shape = (self.directions, 1, 1, 4, self.hidden_size)
        external = normalize(sums, 2) * self.input_gain.view(shape) + self.bias.view(shape)
        return torch.cat([torch.zeros_like(external), external], -2)

    def vectors(self) -> tuple[Tensor, ...]:
        """Give α1 as four vectors, α3 and β3, each (G, 1, H)."""
        shape = (self.directions, -1, 1, self.hidden_size)
        parts = (self.recurrent_gain, self.cell_gain, self.cell_bias)
        return torch.cat([part.view(shape) for part in parts], 1).unbind(1)


def normalize(values: Tensor, axes: int) -> Tensor:
    """Scale the last `axes` axes, taken together, to zero mean and unit variance."""
    return F.layer_norm(values, values.shape[-axes:])
