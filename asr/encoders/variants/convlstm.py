"""The convolutional LSTM: its cell is a map over frequency.

Shapes: G directions, B batch, T frames, M bins, F inputs = C_in channels of each bin, H hidden
units of one direction = C channels of each bin, K bins that a filter spans.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asr.encoders.directions import join_directions, stack_directions
from asr.encoders.layer import RecurrentLayer
from asr.encoders.start import orthogonal_
from asr.encoders.variants.cell_layer import zero_padding
from asr.encoders.variants.lstm_cell import LSTMCell
from asr.encoders.variants.recurrence import Tensors, run_cell
from asr.util.errors import UserError

CHANNELS = 32
KERNEL = 5


@dataclass(frozen=True)
class ConvCell(LSTMCell):
    """The peephole LSTM at every bin, whose recurrent product also reads the bins around it.

    Attributes:
        bins: M. The recurrence's batch axis holds each bin of each sequence, B M in all.
    """

    bins: int = 1

    def recurrent_input(self, outputs: Tensors) -> Tensor:
        """Concatenate the K bins around each bin: (G, B M, C) -> (G, B M, C K)."""
        maps = outputs[0].unflatten(1, (-1, self.bins))
        around = F.pad(maps, (0, 0, KERNEL // 2, KERNEL // 2)).unfold(2, KERNEL, 1)
        return around.flatten(3).flatten(1, 2)

    def output_gradients(self, gradient: Tensor) -> Tensors:
        """Sum each bin's gradients from the bins around it: (G, B M, C K) -> (G, B M, C)."""
        around = gradient.unflatten(-1, (-1, KERNEL)).unflatten(1, (-1, self.bins))
        maps = around.new_zeros(*around.shape[:2], self.bins + KERNEL - 1, around.shape[3])
        for k in range(KERNEL):
            maps[:, :, k : k + self.bins] += around[..., k]
        return (maps[:, :, KERNEL // 2 :][:, :, : self.bins].flatten(1, 2),)


class ConvLSTM(RecurrentLayer):
    """An LSTM layer whose products are convolutions across bins (Shi 2015, eq. 3).

        i = σ(W_i * X + R_i * H' + p_i ⊙ C' + b_i)      and so on, as in `LSTMCell`

    All bins share their filters; the peepholes p are maps, with values for each bin. Features hold
    one bin's channels after another's, the lowest bin first. Outputs do too, a bin's channels of
    both directions side by side, so that neighboring bins stay neighbors in the next layer.

    Parameters: 4 C (K (C_in + C) + 1) + 3 H a direction, C = 32, K = 5.

    Raises:
        UserError: a hidden size that is no multiple of C, or whose bins do not divide F.
    """

    options = frozenset({"weight_drop"})
    bins: int

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, **options)
        self.bins = hidden_size // CHANNELS
        if hidden_size % CHANNELS or input_size % self.bins:
            raise UserError(
                f"encoder.hidden_size: expected a multiple of {CHANNELS}, the channels of each bin "
                f"in convlstm, found {hidden_size}"
            )
        size = self.directions * 4 * CHANNELS
        self.weight = nn.Parameter(torch.empty(size, input_size // self.bins * KERNEL))
        self.recurrent = nn.Parameter(torch.empty(size, CHANNELS * KERNEL))
        self.bias = nn.Parameter(torch.zeros(size))
        self.peepholes = nn.Parameter(torch.zeros(self.directions * 3 * hidden_size))
        nn.init.xavier_uniform_(self.weight)
        with torch.no_grad():
            for filters in self.recurrent.split(CHANNELS):
                orthogonal_(filters)
            self.bias.view(self.directions, 4, CHANNELS)[:, 2] = 1.0  # gates: z, i, f, o

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Run each direction: features (B, T, F), lengths (B,) -> (B, T, M * G * C)."""
        order = self.backward_order(lengths, features.shape[1])
        inputs = self._project(stack_directions(zero_padding(features, lengths), order))
        recurrent = self.drop_weights(self.recurrent).view(self.directions, 4 * CHANNELS, -1)
        shape = (self.directions, 3, 1, self.bins, CHANNELS)
        peepholes = self.peepholes.view(shape).expand(-1, -1, len(features), -1, -1).flatten(2, 3)
        cell = ConvCell(bins=self.bins)
        outputs = run_cell(cell, inputs, recurrent.transpose(1, 2), peepholes.unbind(1))
        maps = outputs.unflatten(2, (-1, self.bins)).flatten(3)
        both = join_directions(maps.permute(1, 2, 0, 3), order)
        return both.unflatten(-1, (self.directions, self.bins, CHANNELS)).transpose(2, 3).flatten(2)

    def _project(self, features: Tensor) -> Tensor:
        """Convolve the input of all frames: (G, B, T, F) -> (T, G, B M, 4, C)."""
        directions, batch, frames, _ = features.shape
        maps = features.unflatten(-1, (self.bins, -1)).permute(2, 1, 0, 4, 3)
        sums = F.conv1d(
            maps.flatten(2, 3).flatten(0, 1), self.weight.unflatten(1, (-1, KERNEL)), self.bias,
            padding=KERNEL // 2, groups=directions,
        )  # fmt: skip
        sums = sums.view(frames, batch, directions, 4, CHANNELS, self.bins)
        return sums.permute(0, 2, 1, 5, 3, 4).flatten(2, 3)
