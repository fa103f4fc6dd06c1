"""Back-propagation through time for cells that are elementwise but for one product a step.

In nearly every cell here a unit meets other units in one place only, the product of the last
outputs with the recurrent matrix; all else happens within the unit. So the derivatives of a step
are single numbers a unit, and are found for many frames at once, by PyTorch, from the equations
as they are written. What is left for the loop backwards is a linear recurrence, a few operations
a frame, and the gradient of the recurrent matrix is one product over all frames. Where a step
normalises across units, it is differentiated frame by frame instead.

With u_t = rows_t + x_t R, where x_t are the outputs of frame t - 1 as the recurrent matrix R takes
them, and with d for the gradient of the loss (Werbos 1990, "Backpropagation through time"):

    d_rows_t   = Σ ∂result / ∂rows_t  ⊙ d_result     over the step's outputs and states
    d_states_t = Σ ∂result / ∂state_t ⊙ d_result
    d_x_t      = d_rows_t Rᵀ
    d_R        = Σ x_tᵀ d_rows_t                      over frames, at the end

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

    def recurrent_input(self, outputs: Tensors) -> Tensor:
        """Lay out outputs, each (G, B, W), for the recurrent matrix: (G, B, K)."""
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1)

    def output_gradients(self, gradient: Tensor) -> Tensors:
        """Bring the gradient of what `recurrent_input` made back to each output."""
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
        entered, hidden = [], []
        for row, sums in zip(rows, _recurrent_rows(rows, recurrent), strict=True):
            recurrent_input = cell.recurrent_input(outputs)
            if keep:
                entered.append((recurrent_input, *states))
            sums.baddbmm_(recurrent_input, recurrent)
            outputs, states = cell.step(row, states, vectors)
            hidden.append(outputs[0])
        if keep:
            ctx.cell, ctx.count = cell, len(vectors)
            recurrent_inputs, *kept = map(torch.stack, zip(*entered, strict=True))
            ctx.save_for_backward(recurrent, recurrent_inputs, *vectors, rows, *kept)
        return torch.stack(hidden)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_hidden: Tensor) -> tuple[Tensor | None, ...]:
        recurrent, recurrent_inputs, *rest = ctx.saved_tensors
        vectors, step_inputs = rest[: ctx.count], rest[ctx.count :]
        back = _BackwardPass(ctx.cell, recurrent, vectors, torch.zeros_like(d_hidden[0]))
        d_rows = torch.empty_like(step_inputs[0])
        size, through = 1, back.through_frame
        if ctx.cell.elementwise:
            size, through = BLOCK, back.through_block
        for first in reversed(range(0, len(d_rows), size)):
            frames = slice(first, first + size)
            through([one[frames] for one in step_inputs], d_hidden[frames], d_rows[frames])
        d_sums = _recurrent_rows(d_rows, recurrent)
        d_recurrent = torch.einsum("tgbk,tgbm->gkm", recurrent_inputs, d_sums)
        return None, None, d_rows, d_recurrent, *back.d_vectors


class _BackwardPass:
    """The way back through a sequence, a block of frames at a time.

    Attributes:
        d_results: gradients of the results of the step before, its outputs and then its states,
            from all later frames.
        d_vectors: gradients of the vectors, so far.
    """

    def __init__(
        self, cell: Cell, recurrent: Tensor, vectors: Sequence[Tensor], zeros: Tensor
    ) -> None:
        self.cell, self.recurrent, self.vectors = cell, recurrent, vectors
        self.d_results: Tensors = (zeros,) * (cell.outputs + len(cell.start))
        self.d_vectors = [torch.zeros_like(vector) for vector in vectors]

    def through_block(
        self, step_inputs: Sequence[Tensor], d_hidden: Tensor, d_rows: Tensor
    ) -> None:
        """Go back through frames whose units keep to themselves within a step.

        Args:
            step_inputs: the rows and states that entered the steps, frames first.
            d_hidden: (T, G, B, W), gradient of the layer's output.
            d_rows: (T, G, B, N, W), which is filled.
        """
        inputs, vectors, results = self._recompute(step_inputs)
        derivatives = [_local_derivatives(result, inputs) for result in results]
        d_results_of_frames = []
        for t in reversed(range(len(d_rows))):
            d_results = self._with_output(d_hidden[t], len(results))
            of_rows, *of_states = ([one[i][t] for one in derivatives] for i in range(len(inputs)))
            _chain_rule(of_rows, [one.unsqueeze(-2) for one in d_results], d_rows[t])
            d_states = (
                _chain_rule(of_state, d_results, torch.empty_like(d_results[0]))
                for of_state in of_states
            )
            self._to_previous_frame(d_rows[t], d_states)
            d_results_of_frames.append(d_results)
        if vectors:
            d_all = [torch.stack(d[::-1]) for d in zip(*d_results_of_frames, strict=True)]
            self._add_to_vectors(torch.autograd.grad(results, vectors, d_all))

    def through_frame(
        self, step_inputs: Sequence[Tensor], d_hidden: Tensor, d_rows: Tensor
    ) -> None:
        """Go back through a single frame whose units look at each other."""
        inputs, vectors, results = self._recompute([one[0] for one in step_inputs])
        d_results = self._with_output(d_hidden[0], len(results))
        found = torch.autograd.grad(results, (*inputs, *vectors), d_results)
        d_rows[0] = found[0]
        self._to_previous_frame(found[0], found[1 : len(inputs)])
        self._add_to_vectors(found[len(inputs) :])

    def _recompute(self, step_inputs: Sequence[Tensor]) -> tuple[Tensors, Tensors, list[Tensor]]:
        """Repeat steps to differentiate them: what entered, the vectors, and the results."""
        inputs, vectors = _leaves(step_inputs), _leaves(self.vectors)
        with torch.enable_grad():
            outputs, states = self.cell.step(inputs[0], inputs[1:], vectors)
        return inputs, vectors, [t for t in (*outputs, *states) if t.requires_grad]

    def _with_output(self, d_hidden: Tensor, results: int) -> Tensors:
        """Add what the layer above asks of this frame to what later frames ask."""
        return self.d_results[0] + d_hidden, *self.d_results[1:results]

    def _to_previous_frame(self, d_row: Tensor, d_states: Iterable[Tensor]) -> None:
        d_input = _recurrent_rows(d_row, self.recurrent).bmm(self.recurrent.transpose(1, 2))
        self.d_results = *self.cell.output_gradients(d_input), *d_states

    def _add_to_vectors(self, d_vectors: Iterable[Tensor]) -> None:
        for total, part in zip(self.d_vectors, d_vectors, strict=True):
            total += part


def _recurrent_rows(rows: Tensor, recurrent: Tensor) -> Tensor:
    """View those of the rows (..., N, W) that the recurrent matrix adds to: (..., M * W)."""
    return rows.flatten(-2)[..., : recurrent.shape[2]]


def _leaves(tensors: Sequence[Tensor]) -> Tensors:
    return tuple(tensor.detach().requires_grad_() for tensor in tensors)


def _local_derivatives(result: Tensor, inputs: Tensors) -> list[Sequence[Tensor | None]]:
    """Differentiate a result by all that entered its step, frame by frame; None stands for 0."""
    ones = torch.ones_like(result)
    found = torch.autograd.grad(result, inputs, ones, retain_graph=True, allow_unused=True)
    return [[None] * len(result) if one is None else one.unbind(0) for one in found]


def _chain_rule(
    derivatives: Sequence[Tensor | None], d_results: Sequence[Tensor], total: Tensor
) -> Tensor:
    """Sum derivative * gradient over the results of a step into `total`."""
    terms = [(f, d) for f, d in zip(derivatives, d_results, strict=True) if f is not None]
    if not terms:
        return total.zero_()
    torch.mul(*terms[0], out=total)
    for derivative, d_result in terms[1:]:
        total.addcmul_(derivative, d_result)
    return total
