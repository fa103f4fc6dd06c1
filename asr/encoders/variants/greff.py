"""The LSTM variants of Greff 2017 and the first LSTM: one cell, with one part switched in each.

Shapes: G directions, B batch, T frames, F inputs, H hidden units of one direction, N gate
pre-activations: the block input and the gates that have weights.
"""

from dataclasses import replace
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asr.encoders.variants.cell_layer import CellLayer
from asr.encoders.variants.lstm_cell import LSTMCell
from asr.util.random_masks import draw_mask


class Peephole(CellLayer):
    """Greff's vanilla LSTM: three gates, which read the cell through peepholes (Gers 2000).

    Parameters: N (H (F + H) + H) + (N - 1) H a direction, N = 4.
    """

    options = frozenset({"weight_drop", "zoneout"})
    design: ClassVar[LSTMCell] = LSTMCell()

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        zoneout = options.get("zoneout", 0.0) > 0
        cell = replace(self.design, zoneout=zoneout)
        super().__init__(input_size, hidden_size, cell, cell.gates, **options)
        if cell.peepholes:
            size = self.directions * (len(cell.gates) - 1) * hidden_size
            self.peepholes = nn.Parameter(torch.zeros(size))

    def vectors(self) -> tuple[Tensor, ...]:
        """Give each gate's peepholes, (G, 1, H)."""
        if not self.design.peepholes:
            return ()
        return self.peepholes.view(self.directions, -1, 1, self.hidden_size).unbind(1)

    def project(self, features: Tensor) -> Tensor:
        """Project the input; zoneout appends the masks of c and h, 1 where the last is kept."""
        inputs = super().project(features)
        if not self.zoneout:
            return inputs
        masks = inputs[..., :2, :]
        if self.training:
            kept = draw_mask(masks, self.zoneout)
        else:
            kept = torch.full_like(masks, self.zoneout)
        return torch.cat([inputs, kept], -2)


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
    """No function on the cell before the output gate. Parameters: as `Peephole`, N = 4.

    Its recurrent matrices start orthogonal and scaled by 0.25. Its outputs have no bound; unscaled,
    `asr train encoder_comparison encoder=noaf` stops at gradients that are not finite.
    """

    design = LSTMCell(block_output=lambda cell: cell)

    @torch.no_grad()
    def _initialize(self) -> None:
        super()._initialize()
        self.recurrent.mul_(0.25)


class CIFG(Peephole):
    """Input and forget gate coupled, f = 1 - i. Parameters: as `Peephole`, N = 3.

    Its input gate starts with a bias of -1, so that f starts as a forget gate with a bias of 1.
    """

    design = LSTMCell(coupled=True)

    @torch.no_grad()
    def _initialize(self) -> None:
        super()._initialize()
        self.bias.view(self.directions, len(self.gates), -1)[:, self.gates.index("i")] = -1.0


class FGR(Peephole):
    """Full gate recurrence: every gate reads all three gates of the frame before.

    Parameters: as `Peephole`, N = 4, and 9 H H a direction.
    """

    design = LSTMCell(gate_recurrence=True)

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, **options)
        size = self.directions * 3 * hidden_size
        self.gate_recurrent = nn.Parameter(torch.empty(size, 3 * hidden_size))
        nn.init.xavier_uniform_(self.gate_recurrent)

    def recurrent_matrix(self) -> Tensor:
        """Stack the weights of h and of i, f and o: (G, 4H, 4H), with 0 from gates to z."""
        weights = self.drop_weights(self.gate_recurrent)
        gates = weights.view(self.directions, -1, weights.shape[1]).transpose(1, 2)
        return torch.cat([super().recurrent_matrix(), F.pad(gates, (self.hidden_size, 0))], 1)


class LSTM1997(Peephole):
    """The first LSTM: a carousel of constant error between an input and an output gate.

    No forget gate and no peepholes; g(s) = 4 σ(s) - 2 and h(c) = 2 σ(c) - 1 (Hochreiter &
    Schmidhuber 1997, appendix A.1). The paper truncates gradients that leave a cell through its
    gates, connects gates to gates, and starts many gates with negative biases. Here gradients are
    not truncated, gates read the cells' outputs only, and biases start at 0.

    Parameters: N (H (F + H) + H) a direction, N = 3.
    """

    design = LSTMCell(
        forget_gate=False,
        peepholes=False,
        block_input=lambda sums: 4 * torch.sigmoid(sums) - 2,
        block_output=lambda cell: 2 * torch.sigmoid(cell) - 1,
    )
