"""The reference LSTM cell: Greff 2017's equations, every part of which is a switch.

Shapes: B sequences, G directions, N rows that enter a unit, W units.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from asr.encoders.variants.recurrence import Cell, Tensors


@dataclass(frozen=True)
class LSTMCell(Cell):
    """The LSTM of Greff 2017, section II, with all its gates and peepholes where nothing is said.

        z = g(W_z x + R_z h' + b_z)                     block input
        i = σ(W_i x + R_i h' + p_i ⊙ c' + b_i)          input gate
        f = σ(W_f x + R_f h' + p_f ⊙ c' + b_f)          forget gate
        c = z ⊙ i + c' ⊙ f                              cell
        o = σ(W_o x + R_o h' + p_o ⊙ c + b_o)           output gate
        h = h(c) ⊙ o                                    block output

    x is the frame, a prime marks the frame before, g and h are tanh. What W, R and b give arrives
    summed, a row each of z, i, f, o.

    Attributes:
        input_gate: without it i = 1 (NIG).
        forget_gate: without it f = 1 (NFG).
        output_gate: without it o = 1 (NOG).
        coupled: f = 1 - i, which has no weights of its own (CIFG).
        peepholes: without them p = 0 (NP).
        gate_recurrence: the gates also see the gates of the frame before, i', f' and o', by
            matrices (FGR): they become outputs that the recurrent matrix is shown.
        block_input, block_output: the functions g (identity: NIAF) and h (identity: NOAF).
        zoneout: c and h keep parts of c' and h' (Krueger 2017); two rows more say which.
    """

    input_gate: bool = True
    forget_gate: bool = True
    output_gate: bool = True
    coupled: bool = False
    peepholes: bool = True
    gate_recurrence: bool = False
    block_input: Callable[[Tensor], Tensor] = torch.tanh
    block_output: Callable[[Tensor], Tensor] = torch.tanh
    zoneout: bool = False

    @property
    def gates(self) -> tuple[str, ...]:
        """Name the gates that have weights."""
        has = {"i": self.input_gate, "f": self.forget_gate and not self.coupled}
        return tuple(name for name, there in (has | {"o": self.output_gate}).items() if there)

    @property
    def start(self) -> tuple[float, ...]:  # type: ignore[override]
        """Carry c, and under zoneout h."""
        return (0.0, 0.0) if self.zoneout else (0.0,)

    @property
    def outputs(self) -> int:  # type: ignore[override]
        """Count h, and with gate recurrence the gates."""
        return 1 + len(self.gates) * self.gate_recurrence

    def step(self, rows: Tensor, states: Tensors, vectors: Tensors) -> tuple[Tensors, Tensors]:
        """Go on by one frame; `vectors` are the peepholes in the gates' order."""
        enters = dict(zip(("z", *self.gates, "keep_c", "keep_h"), rows.unbind(-2), strict=False))
        peephole = dict(zip(self.gates, vectors, strict=False))
        c_before = states[0]

        def gate(name: str, cell: Tensor) -> Tensor:
            seen = peephole[name] * cell if self.peepholes else 0.0
            return torch.sigmoid(enters[name] + seen)

        z = self.block_input(enters["z"])
        i = gate("i", c_before) if self.input_gate else torch.ones_like(z)
        f = gate("f", c_before) if "f" in self.gates else (1 - i if self.coupled else 1.0)
        c = z * i + c_before * f
        o = gate("o", c) if self.output_gate else 1.0
        h = self.block_output(c) * o
        fed = (i, f, o) if self.gate_recurrence else ()
        if not self.zoneout:
            return (h, *fed), (c,)
        h_before, keep_c, keep_h = states[1], enters["keep_c"], enters["keep_h"]
        h = keep_h * h_before + (1 - keep_h) * h
        return (h, *fed), (keep_c * c_before + (1 - keep_c) * c, h)
