"""Back-propagation through time for cells that are elementwise but for one product a step.

In nearly every cell here a unit meets other units in one place only, the product of the last
outputs with the recurrent matrix; all else happens within the unit. So the derivatives of a step
are single numbers a unit, and are found for many frames at once, by PyTorch, from the equations
as they are written. What is left for the loop backwards is a linear recurrence, a few operations
a frame, and the gradient of the recurrent matrix is one product over all frames. Where a step
normalises across units, it is differentiated frame by frame instead.

Shapes: T frames, G groups of units with a recurrent matrix each (directions, heads), B sequences,
N rows (what enters a unit), W units of a group, K units the recurrent matrix looks at.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

#: Frames whose derivatives are found at once: enough to share the cost of calling an operation,
#: few enough for a core's cache.
BLOCK = 16

Tensors = tuple[Tensor, ...]


class Cell(ABC):
    """One step of a recurrence, as its paper writes it.

    Attributes:
        start: what each of the states that a unit carries by itself is before the first frame.
        outputs: how many values it shows the recurrent matrix, all 0 before the first frame.
        elementwise: whether a step keeps within its unit, as it does but for normalisation.
    """

    start: tuple[float, ...]
    outputs: int = 1
    elementwise: bool = True

    @abstractmethod
    def step(self, rows: Tensor, states: Tensors, vectors: Tensors) -> tuple[Tensors, Tensors]:
        """Go on by one frame; further axes in front are frames that are taken apart.

        Args:
            rows: (..., G, B, N, W), the sums that enter the units.
            states: each (..., G, B, W), those of the last frame.
            vectors: each (G, 1 or B, W), parameters such as peepholes.

        Returns:
            Outputs, each (..., G, B, W), the first being the layer's; and the new states. States
            that get no gradient, such as a stabiliser, are detached and stand last.
        """

    def spread(self, outputs: Tensors) -> Tensor:
        """Lay out outputs, each (G, B, W), for the recurrent matrix: (G, B, K)."""
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1)

    def collect(self, gradient: Tensor) -> Tensors:
        """Bring a gradient of what `spread` made back to each output."""
        return gradient.chunk(self.outputs, -1)


def run(cell: Cell, inputs: Tensor, recurrent: Tensor, vectors: Tensors = ()) -> Tensor:
    """Run a recurrence over all frames, from states and outputs of 0.

    Args:
        cell: what a step does.
        inputs: (T, G, B, N, W), what enters the units from outside.
        recurrent: (G, K, M * W), added to the first M of the rows at every frame.
        vectors: each (G, 1 or B, W).

    Returns:
        (T, G, B, W), the cell's first output, in the precision of `recurrent`.
    """
    with torch.autocast(inputs.device.type, enabled=False):
        keep = torch.is_grad_enabled()  # a recording that is only heard may be long
        return _Recurrence.apply(cell, keep, inputs.to(recurrent.dtype), recurrent, *vectors)


class _Recurrence(torch.autograd.Function):
    """The loop forwards, and its mirror image."""

    @staticmethod
    def forward(
        ctx: Any, cell: Cell, keep: bool, inputs: Tensor, recurrent: Tensor, *vectors: Tensor
    ) -> Tensor:
        rows = inputs.clone(memory_format=torch.contiguous_format)
        zeros = torch.zeros_like(rows[0, :, :, 0])
        outputs, states = (zeros,) * cell.outputs, tuple(zeros + value for value in cell.start)
        entered, said = [], []
        for row, sums in zip(rows, _driven(rows, recurrent), strict=True):
            shown = cell.spread(outputs)
            if keep:
                entered.append((shown, *states))
            sums.baddbmm_(shown, recurrent)
            outputs, states = cell.step(row, states, vectors)
            said.append(outputs[0])
        if keep:
            ctx.cell, ctx.count = cell, len(vectors)
            shown, *kept = map(torch.stack, zip(*entered, strict=True))
            ctx.save_for_backward(recurrent, shown, *vectors, rows, *kept)
        return torch.stack(said)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        recurrent, shown, *rest = ctx.saved_tensors
        vectors, units = rest[: ctx.count], rest[ctx.count :]
        back = _Back(ctx.cell, recurrent, vectors, torch.zeros_like(gradient[0]))
        d_rows = torch.empty_like(units[0])
        size, through = (BLOCK, back.slopes) if ctx.cell.elementwise else (1, back.frame)
        for first in reversed(range(0, len(d_rows), size)):
            frames = slice(first, first + size)
            through([unit[frames] for unit in units], gradient[frames], d_rows[frames])
        d_recurrent = torch.einsum("tgbk,tgbm->gkm", shown, _driven(d_rows, recurrent))
        return None, None, d_rows, d_recurrent, *back.d_vectors


class _Back:
    """The way back through a sequence, a block of frames at a time.

    Attributes:
        pull: gradient of each result of a step, outputs and then states, from what comes after.
        d_vectors: gradients of the vectors, so far.
    """

    def __init__(
        self, cell: Cell, recurrent: Tensor, vectors: Sequence[Tensor], zeros: Tensor
    ) -> None:
        self.cell, self.recurrent, self.vectors = cell, recurrent, vectors
        self.pull: Tensors = (zeros,) * (cell.outputs + len(cell.start))
        self.d_vectors = [torch.zeros_like(vector) for vector in vectors]

    def slopes(self, units: Sequence[Tensor], gradient: Tensor, d_rows: Tensor) -> None:
        """Go back through a block: `units` are the rows and states that entered its steps."""
        entered, vectors, results = self._again(units)
        slopes = [_slopes(result, entered) for result in results]
        pulls = []
        for t in reversed(range(len(d_rows))):
            now = self._pull(gradient[t], len(results))
            to_rows, *to_states = ([slope[i][t] for slope in slopes] for i in range(len(entered)))
            _weigh(to_rows, [pull.unsqueeze(-2) for pull in now], d_rows[t])
            states = (_weigh(to_state, now, torch.empty_like(now[0])) for to_state in to_states)
            self._before(d_rows[t], states)
            pulls.append(now)
        if vectors:
            pushed = [torch.stack(pull[::-1]) for pull in zip(*pulls, strict=True)]
            self._add(torch.autograd.grad(results, vectors, pushed))

    def frame(self, units: Sequence[Tensor], gradient: Tensor, d_rows: Tensor) -> None:
        """Go back through a single frame whose units look at each other."""
        entered, vectors, results = self._again([unit[0] for unit in units])
        now = self._pull(gradient[0], len(results))
        found = torch.autograd.grad(results, (*entered, *vectors), now)
        d_rows[0] = found[0]
        self._before(found[0], found[1 : len(entered)])
        self._add(found[len(entered) :])

    def _again(self, units: Sequence[Tensor]) -> tuple[Tensors, Tensors, list[Tensor]]:
        """Repeat steps to differentiate them: what entered, the vectors, and the results."""
        entered, vectors = _leaves(units), _leaves(self.vectors)
        with torch.enable_grad():
            outputs, states = self.cell.step(entered[0], entered[1:], vectors)
        return entered, vectors, [t for t in (*outputs, *states) if t.requires_grad]

    def _pull(self, gradient: Tensor, results: int) -> Tensors:
        return self.pull[0] + gradient, *self.pull[1:results]

    def _before(self, d_row: Tensor, states: Iterable[Tensor]) -> None:
        """Set the pull on the frame before."""
        d_shown = _driven(d_row, self.recurrent).bmm(self.recurrent.transpose(1, 2))
        self.pull = *self.cell.collect(d_shown), *states

    def _add(self, d_vectors: Iterable[Tensor]) -> None:
        for total, part in zip(self.d_vectors, d_vectors, strict=True):
            total += part


def _driven(rows: Tensor, recurrent: Tensor) -> Tensor:
    """View those of the rows (..., N, W) that the recurrent matrix drives: (..., M * W)."""
    return rows.flatten(-2)[..., : recurrent.shape[2]]


def _leaves(tensors: Sequence[Tensor]) -> Tensors:
    return tuple(tensor.detach().requires_grad_() for tensor in tensors)


def _slopes(result: Tensor, entered: Tensors) -> list[Sequence[Tensor | None]]:
    """Differentiate a result by all that entered, frame by frame; None stands for 0."""
    ones = torch.ones_like(result)
    slopes = torch.autograd.grad(result, entered, ones, retain_graph=True, allow_unused=True)
    return [[None] * len(result) if slope is None else slope.unbind(0) for slope in slopes]


def _weigh(slopes: Sequence[Tensor | None], pulls: Sequence[Tensor], total: Tensor) -> Tensor:
    """Sum slope * pull into `total`."""
    terms = [(s, p) for s, p in zip(slopes, pulls, strict=True) if s is not None]
    if not terms:
        return total.zero_()
    torch.mul(*terms[0], out=total)
    for slope, pull in terms[1:]:
        total.addcmul_(slope, pull)
    return total
