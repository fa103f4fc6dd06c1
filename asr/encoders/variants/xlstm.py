"""The two blocks of an xLSTM.

Shapes: G directions, B batch, T frames, F inputs, H hidden units of one direction, E inner units
of one direction, P units of the gated layer.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asr.encoders.directions import join_directions, project_directions, stack_directions
from asr.encoders.layer import RecurrentLayer
from asr.encoders.variants.cell_layer import split_heads, zero_padding
from asr.encoders.variants.mlstm import FORGET_BIAS, HEADS, mlstm, normalize_heads
from asr.encoders.variants.slstm import SLSTM

TAPS = 4  # frames that the causal convolution spans
BLOCK_SIZE = 4  # inner units of a block, which map to as many of query and key


class MLSTMBlock(RecurrentLayer):
    """An mLSTM between two projections, with an external output gate (Beck 2024, fig. 11).

        (a, s) = W_up x                   E = 2 H units each
        u = swish(conv(a))                each unit over the last 4 frames
        q, k = blocks of 4 units of u     v = a
        (i, f) = W_g (q, k, v) + b_g      four heads
        y = W_down (swish(s) ⊙ (γ ⊙ N(mLSTM(q, k, v, i, f)) + λ ⊙ u))

    N normalizes each head; λ is a learned skip connection. No parameter is shared by directions.

    Parameters: 2 E F + H E + 39 E + 8 a direction.
    """

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, **options)
        inner = self.directions * 2 * split_heads(hidden_size, HEADS) * HEADS
        self.up = _matrix(2 * inner, input_size)
        self.taps = _matrix(inner, TAPS)
        self.tap_bias = nn.Parameter(torch.zeros(inner))
        self.query = _matrix(inner, BLOCK_SIZE)
        self.key = _matrix(inner, BLOCK_SIZE)
        self.gates = _matrix(self.directions * 2 * HEADS, 3 * inner // self.directions)
        self.gate_bias = nn.Parameter(torch.zeros(self.directions * 2 * HEADS))
        self.gain = nn.Parameter(torch.ones(inner))
        self.skip = nn.Parameter(torch.ones(inner))
        self.down = _matrix(self.directions * hidden_size, inner // self.directions)
        with torch.no_grad():
            forget = self.gate_bias.view(self.directions, 2, HEADS)[:, 1]
            forget.copy_(torch.linspace(*FORGET_BIAS, HEADS))

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Run each direction: features (B, T, F), lengths (B,) -> (B, T, G * H)."""
        order = self.backward_order(lengths, features.shape[1])
        stacked = stack_directions(zero_padding(features, lengths), order)
        a, s = project_directions(stacked, self.up).chunk(2, -1)
        u = F.silu(causal_convolution(a, self.taps, self.tap_bias))
        blocks = a.shape[-1] // BLOCK_SIZE
        q, k = (project_directions(u, weight, blocks=blocks) for weight in (self.query, self.key))
        i, f = project_directions(torch.cat([q, k, a], -1), self.gates, self.gate_bias).chunk(2, -1)
        mixed = scale(normalize_heads(mlstm(q, k, a, i, f)), self.gain) + scale(u, self.skip)
        return join_directions(project_directions(F.silu(s) * mixed, self.down), order)


class SLSTMBlock(SLSTM):
    """A convolution, an sLSTM and a gated feed-forward layer (Beck 2024, fig. 10).

        u = swish(conv(x))                      each input over the last 4 frames
        z, o from x and i, f from u             by block-diagonal matrices, one block a head
        (a, s) = W_up (γ ⊙ N(sLSTM(z, i, f, o)))      P = 4 H / 3 units each
        y = W_down (gelu(a) ⊙ s)

    Parameters: H F + 5 F + H H + 5 H + 3 P H a direction.
    """

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, **options)
        both = self.directions * hidden_size
        gated = round(4 * hidden_size / 3)
        self.weight = _matrix(4 * both, split_heads(input_size, HEADS))
        self.taps = _matrix(self.directions * input_size, TAPS)
        self.tap_bias = nn.Parameter(torch.zeros(self.directions * input_size))
        self.gain = nn.Parameter(torch.ones(both))
        self.up = _matrix(self.directions * 2 * gated, hidden_size)
        self.down = _matrix(both, gated)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Run each direction: features (B, T, F), lengths (B,) -> (B, T, G * H)."""
        order = self.backward_order(lengths, features.shape[1])
        hidden = self.recur(self.project(stack_directions(zero_padding(features, lengths), order)))
        a, s = project_directions(scale(normalize_heads(hidden), self.gain), self.up).chunk(2, -1)
        return join_directions(project_directions(F.gelu(a) * s, self.down), order)

    def project(self, features: Tensor) -> Tensor:
        """Compute the input part of z, i, f and o: (G, B, T, F) -> (G, B, T, 4, H)."""
        u = F.silu(causal_convolution(features, self.taps, self.tap_bias))
        weights = self.weight.view(self.directions, 4, self.hidden_size, -1).unbind(1)
        gates = [
            project_directions(inputs, weight.flatten(0, 1), blocks=HEADS)
            for inputs, weight in zip((features, u, u, features), weights, strict=True)
        ]
        return torch.stack(gates, -2) + self.bias.view(self.directions, 1, 1, 4, -1)


def causal_convolution(features: Tensor, taps: Tensor, bias: Tensor) -> Tensor:
    """Filter every unit over the last 4 frames: (G, B, T, E), taps (G E, 4), bias (G E,)."""
    padded, frames = F.pad(features, (0, 0, TAPS - 1, 0)), features.shape[2]
    terms = (scale(padded[:, :, k : k + frames], tap) for k, tap in enumerate(taps.unbind(1)))
    return sum(terms, bias.view(len(features), 1, 1, -1))


def scale(outputs: Tensor, factor: Tensor) -> Tensor:
    """Multiply outputs (G, B, T, E) by factors (G E,), one a direction and unit."""
    return outputs * factor.view(len(outputs), 1, 1, -1)


def _matrix(rows: int, columns: int) -> nn.Parameter:
    """Draw a matrix by its whole shape, stacked blocks included, as in all other layers.

    The blocks of four so start a tenth as large as in the authors' code, whose scale gave higher
    error rates in recipes/encoder_comparison.
    """
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(rows, columns)))
