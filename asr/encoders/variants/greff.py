"""The LSTM variants of Greff 2017 and the first LSTM: one cell, another switch each.

Shapes: G directions, B batch, T frames, F inputs, H hidden units of one direction, N rows: the
block input and the gates that have weights.
"""

from dataclasses import replace
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asr.encoders.variants.cell_layer import CellLayer
from asr.encoders.variants.lstm_cell import LSTMCell


class Peephole(CellLayer):
    """Greff's vanilla LSTM: three gates, which see the cell through peepholes (Gers 2000).

    Parameters: N (H (F + H) + H) + (N - 1) H a direction, N = 4.
    """

    options = frozenset({"weight_drop", "zoneout"})
    design: ClassVar[LSTMCell] = LSTMCell()

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        zoneout = options.get("zoneout", 0.0) > 0
        cell, gates = replace(self.design, zoneout=zoneout), self.design.gates
        super().__init__(input_size, hidden_size, cell, ("z", *gates), **options)
        if self.design.peepholes:
            self.peepholes = nn.Parameter(torch.zeros(self.directions * len(gates) * hidden_size))

    def vectors(self) -> tuple[Tensor, ...]:
        """Give the peepholes, each (G, 1, H)."""
        if not self.design.peepholes:
            return ()
        return self.peepholes.view(self.directions, -1, 1, self.hidden_size).unbind(1)

    def project(self, features: Tensor) -> Tensor:
        """Compute what enters the units; zoneout adds a row for c and one for h, 1 where kept."""
        inputs = super().project(features)
        if not self.zoneout:
            return inputs
        kept = torch.full_like(inputs[..., :2, :], self.zoneout)
        return torch.cat([inputs, kept.bernoulli() if self.training else kept], -2)


class NIG(Peephole):
    """No input gate. Parameters: as `Peephole`, N = 3."""

    design = LSTMCell(input_gate=False)


class NFG(Peephole):
    """No forget gate. Parameters: as `Peephole`, N = 3."""

    design = LSTMCell(forget_gate=False)


class NOG(Peephole):
    """No output gate. Parameters: as `Peephole`, N = 3."""

    design = LSTMCell(output_gate=False)


class NIAF(Peephole):
    """No function on the block input. Parameters: as `Peephole`, N = 4."""

    design = LSTMCell(block_input=lambda sums: sums)


class NOAF(Peephole):
    """No function on the cell on its way out. Parameters: as `Peephole`, N = 4.

    Its recurrent matrices start at a quarter of orthogonal ones. What it feeds back has no bound,
    and from whole ones `asr train encoder_comparison encoder=noaf` stops at gradients that are not finite.
    """

    design = LSTMCell(block_output=lambda cell: cell)

    @torch.no_grad()
    def _initialize(self) -> None:
        super()._initialize()
        self.recurrent.mul_(0.25)


class CIFG(Peephole):
    """Input and forget gate coupled, f = 1 - i. Parameters: as `Peephole`, N = 3.

    Its input gate starts with a bias of -1, which is 1 for the forgetting.
    """

    design = LSTMCell(coupled=True)

    @torch.no_grad()
    def _initialize(self) -> None:
        super()._initialize()
        self.bias.view(self.directions, len(self.rows), -1)[:, self.rows.index("i")] = -1.0


class FGR(Peephole):
    """Full gate recurrence: every gate sees all three gates of the frame before.

    Parameters: as `Peephole`, N = 4, and 9 H H a direction.
    """

    design = LSTMCell(gate_recurrence=True)

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, **options)
        size = self.directions * 3 * hidden_size
        self.gate_recurrent = nn.Parameter(torch.empty(size, 3 * hidden_size))
        nn.init.xavier_uniform_(self.gate_recurrent)

    def recurrent_matrix(self) -> Tensor:
        """Put what sees the gates below what sees h: (G, 4H, 4H); the block input sees h alone."""
        size = 3 * self.hidden_size
        gates = self.drop(self.gate_recurrent).view(self.directions, size, size).transpose(1, 2)
        return torch.cat([super().recurrent_matrix(), F.pad(gates, (self.hidden_size, 0))], 1)


class LSTM1997(Peephole):
    """The first LSTM: a carousel of constant error between an input and an output gate.

    No forget gate and no peepholes; g(s) = 4 σ(s) - 2 and h(c) = 2 σ(c) - 1 (Hochreiter &
    Schmidhuber 1997, appendix A.1). There, gradients that leave the cell by the gates are cut off,
    gates hear gates too, and many start with negative biases; here gradients are whole, gates hear
    the cells' outputs alone, and biases start at 0.

    Parameters: N (H (F + H) + H) a direction, N = 3.
    """

    design = LSTMCell(
        forget_gate=False,
        peepholes=False,
        block_input=lambda sums: 4 * torch.sigmoid(sums) - 2,
        block_output=lambda cell: 2 * torch.sigmoid(cell) - 1,
    )
