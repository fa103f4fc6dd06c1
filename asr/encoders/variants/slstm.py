"""The sLSTM: exponential gates on a scalar memory.

Shapes: B batch, T frames, F inputs, H hidden units of one direction.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from asr.encoders.variants.cell_layer import CellLayer
from asr.encoders.variants.recurrence import Cell, Tensors

HEADS = 4


class SLSTMCell(Cell):
    """Beck 2024, equations 8 to 17, with the forget gate's σ rather than exp.

        z = tanh(W_z x + R_z h' + b_z)      o = σ(W_o x + R_o h' + b_o)
        i = exp(ĩ - m)                      ĩ = W_i x + R_i h' + b_i
        f = exp(log σ(f̃) + m' - m)          f̃ = W_f x + R_f h' + b_f
        m = max(log σ(f̃) + m', ĩ)           stabilizer
        c = f ⊙ c' + i ⊙ z                  cell
        n = f ⊙ n' + i                      normalizer
        h = o ⊙ c / n

    c and n are both scaled by exp(-m), so that h does not depend on m. No gradient flows through
    m.
    """

    start = (0.0, 0.0, -torch.inf)

    def step(
        self,
        preactivations: Tensor,
        states: Tensors,
        vectors: Tensors,  # noqa: ARG002
    ) -> tuple[Tensors, Tensors]:
        """Compute one frame; the states are c, n and m."""
        z, i, f, o = preactivations.unbind(-2)
        c_before, n_before, m_before = states
        kept = F.logsigmoid(f) + m_before.detach()
        m = torch.maximum(kept, i).detach()
        i, f = torch.exp(i - m), torch.exp(kept - m)
        c = f * c_before + i * torch.tanh(z)
        n = f * n_before + i
        return (torch.sigmoid(o) * c / n,), (c, n, m)


class SLSTM(CellLayer):
    """An sLSTM layer with four heads, whose units are connected within a head (Beck 2024).

    Parameters: 4 (H (F + H / 4) + H) a direction.
    """

    heads = HEADS

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, SLSTMCell(), "zifo", **options)
