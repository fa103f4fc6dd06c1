"""The reference LSTM cell: Greff 2017's equations, each part of which can be switched off.

Shapes: G directions, B sequences, W units, N gate pre-activations of a unit.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from asr.encoders.variants.recurrence import Cell, Tensors


@dataclass(frozen=True)
class LSTMCell(Cell):
    """The LSTM of Greff 2017, section II; by default with all its gates and peepholes.

        z = g(W_z x + R_z h' + b_z)                     block input
        i = σ(W_i x + R_i h' + p_i ⊙ c' + b_i)          input gate
        f = σ(W_f x + R_f h' + p_f ⊙ c' + b_f)          forget gate
        c = z ⊙ i + c' ⊙ f                              cell
        o = σ(W_o x + R_o h' + p_o ⊙ c + b_o)           output gate
        h = h(c) ⊙ o                                    block output

    x is the frame, a prime marks the frame before, g and h are tanh. The pre-activations of z, i,
    f and o are the sums of W x, R h' and b.

    Attributes:
        input_gate: without it i = 1 (NIG).
        forget_gate: without it f = 1 (NFG).
        output_gate: without it o = 1 (NOG).
        coupled: f = 1 - i, so that f has no weights (CIFG).
        peepholes: without them p = 0 (NP).
        gate_recurrence: i, f and o also depend on i', f' and o' through matrices (FGR); the
            cell's outputs, which the recurrent matrix reads, are then h, i, f and o.
        block_input, block_output: the functions g (identity: NIAF) and h (identity: NOAF).
        zoneout: c and h keep parts of c' and h' (Krueger 2017), given by two masks that follow
            the pre-activations.
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
        """Name the pre-activations: z, and the gates that have weights."""
        has_f = self.forget_gate and not self.coupled
        has = {"z": True, "i": self.input_gate, "f": has_f, "o": self.output_gate}
        return tuple(name for name, present in has.items() if present)

    @property
    def start(self) -> tuple[float, ...]:  # type: ignore[override]
        """Start c, and with zoneout h, at 0."""
        return (0.0, 0.0) if self.zoneout else (0.0,)

    @property
    def outputs(self) -> int:  # type: ignore[override]
        """Count h, and with gate recurrence i, f and o."""
        return 1 + 3 * self.gate_recurrence

    def step(
        self, preactivations: Tensor, states: Tensors, vectors: Tensors
    ) -> tuple[Tensors, Tensors]:
        """Compute one frame; `vectors` are the peepholes in the gates' order."""
        names = (*self.gates, "keep_c", "keep_h")
        inputs = dict(zip(names, preactivations.unbind(-2), strict=False))
        peepholes = dict(zip(self.gates[1:], vectors, strict=False))
        c_before = states[0]

        def gate(name: str, cell: Tensor) -> Tensor:
            from_cell = peepholes[name] * cell if self.peepholes else 0.0
            return torch.sigmoid(inputs[name] + from_cell)

        z = self.block_input(inputs["z"])
        i = gate("i", c_before) if self.input_gate else torch.ones_like(z)
        f = gate("f", c_before) if "f" in self.gates else (1 - i if self.coupled else 1.0)
        c = z * i + c_before * f
        o = gate("o", c) if self.output_gate else 1.0
        h = self.block_output(c) * o
        gates = (i, f, o) if self.gate_recurrence else ()
        if not self.zoneout:
            return (h, *gates), (c,)
        h_before, keep_c, keep_h = states[1], inputs["keep_c"], inputs["keep_h"]
        h = keep_h * h_before + (1 - keep_h) * h
        return (h, *gates), (keep_c * c_before + (1 - keep_c) * c, h)
