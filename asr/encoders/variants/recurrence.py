"""Back-propagation through time for cells that are elementwise but for one product a step.

In nearly every cell here a unit depends on other units only through the product of the last
outputs with the recurrent matrix. The Jacobian of the rest of a step is therefore diagonal, and
PyTorch's autograd computes it for many frames at once from the step's equations. The loop backwards
is then a linear recurrence of a few operations a frame, and the recurrent matrix's gradient is one
product over all frames. A step that normalizes across units is differentiated frame by frame.

With pre-activations a_t = inputs_t + x_t R, where x_t are the outputs of frame t - 1 as the
recurrent matrix R reads them, and d the gradient of the loss (Werbos 1990, "Backpropagation
through time: what it does and how to do it"):

    d_a_t      = Σ ∂result / ∂a_t     ⊙ d_result     over the step's outputs and states
    d_states_t = Σ ∂result / ∂state_t ⊙ d_result
    d_x_t      = d_a_t Rᵀ
    d_R        = Σ x_tᵀ d_a_t                         over frames, at the end

Shapes: T frames, G groups of units with a recurrent matrix each (directions, heads), B sequences,
W units of a group, N gate pre-activations of a unit, the first M of which have recurrent weights,
K outputs that the recurrent matrix reads.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

#: Frames whose derivatives are computed at once: enough to spread the cost of a call, few enough
#: for a core's cache.
BLOCK = 16

Tensors = tuple[Tensor, ...]


class Cell(ABC):
    """One step of a recurrence, as its paper writes it.

    Attributes:
        start: value of each state of a unit before the first frame.
        outputs: how many outputs the recurrent matrix reads, all 0 before the first frame.
        elementwise: whether a unit's step reads that unit alone, as it does without normalization.
    """

    start: tuple[float, ...]
    outputs: int = 1
    elementwise: bool = True

    @abstractmethod
    def step(
        self, preactivations: Tensor, states: Tensors, vectors: Tensors
    ) -> tuple[Tensors, Tensors]:
        """Compute one frame; a leading axis holds frames that are computed independently.

        Args:
            preactivations: (..., G, B, N, W).
            states: each (..., G, B, W), of the frame before.
            vectors: each (G, 1 or B, W), parameters such as peepholes.

        Returns:
            Outputs, each (..., G, B, W), the layer's output first; and the new states. States
            without a gradient, such as a stabilizer, are detached and come last.
        """

    def recurrent_input(self, outputs: Tensors) -> Tensor:
        """Arrange outputs, each (G, B, W), as the recurrent matrix reads them: (G, B, K)."""
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1)

    def output_gradients(self, gradient: Tensor) -> Tensors:
        """Turn the gradient of `recurrent_input` into the gradient of each output."""
        return gradient.chunk(self.outputs, -1)


def run_cell(cell: Cell, inputs: Tensor, recurrent: Tensor, vectors: Tensors = ()) -> Tensor:
    """Run a cell over all frames, from `cell.start` and outputs of 0.

    Args:
        cell: computes a step.
        inputs: (T, G, B, N, W), the pre-activations without their recurrent part.
        recurrent: (G, K, M * W), whose product is added to the first M pre-activations.
        vectors: each (G, 1 or B, W), the cell's own parameters.

    Returns:
        (T, G, B, W), the cell's first output, in the precision of `recurrent`.
    """
    with torch.autocast(inputs.device.type, enabled=False):
        keep = torch.is_grad_enabled()  # transcribing a long recording must not keep all states
        return _Recurrence.apply(cell, keep, inputs.to(recurrent.dtype), recurrent, *vectors)


class _Recurrence(torch.autograd.Function):
    """The loop forwards, and its mirror image."""

    @staticmethod
    def forward(
        ctx: Any, cell: Cell, keep: bool, inputs: Tensor, recurrent: Tensor, *vectors: Tensor
    ) -> Tensor:
        preactivations = inputs.clone(memory_format=torch.contiguous_format)
        zeros = torch.zeros_like(preactivations[0, :, :, 0])
        outputs, states = (zeros,) * cell.outputs, tuple(zeros + value for value in cell.start)
        kept, hidden = [], []
        recurrent_parts = _recurrent_part(preactivations, recurrent)
        for frame, recurrent_part in zip(preactivations, recurrent_parts, strict=True):
            recurrent_input = cell.recurrent_input(outputs)
            if keep:
                kept.append((recurrent_input, *states))
            recurrent_part.baddbmm_(recurrent_input, recurrent)  # a view of `frame`
            outputs, states = cell.step(frame, states, vectors)
            hidden.append(outputs[0])
        if keep:
            ctx.cell, ctx.count = cell, len(vectors)
            recurrent_inputs, *all_states = map(torch.stack, zip(*kept, strict=True))
            ctx.save_for_backward(
                recurrent, recurrent_inputs, *vectors, preactivations, *all_states
            )
        return torch.stack(hidden)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_hidden: Tensor) -> tuple[Tensor | None, ...]:
        recurrent, recurrent_inputs, *rest = ctx.saved_tensors
        vectors, step_inputs = rest[: ctx.count], rest[ctx.count :]
        back = _BackwardPass(ctx.cell, recurrent, vectors, torch.zeros_like(d_hidden[0]))
        d_preactivations = torch.empty_like(step_inputs[0])
        size, through = 1, back.through_frame
        if ctx.cell.elementwise:
            size, through = BLOCK, back.through_block
        for first in reversed(range(0, len(d_preactivations), size)):
            frames = slice(first, first + size)
            through(
                [step_input[frames] for step_input in step_inputs],
                d_hidden[frames],
                d_preactivations[frames],
            )
        d_recurrent_parts = _recurrent_part(d_preactivations, recurrent)
        d_recurrent = torch.einsum("tgbk,tgbm->gkm", recurrent_inputs, d_recurrent_parts)
        return None, None, d_preactivations, d_recurrent, *back.d_vectors


class _BackwardPass:
    """Back-propagation through a sequence, a block of frames at a time.

    Attributes:
        d_results: gradients, from all later frames, of the next step to differentiate: of its
            outputs, then of its states.
        d_vectors: gradients of the vectors, summed over the frames done so far.
    """

    def __init__(
        self, cell: Cell, recurrent: Tensor, vectors: Sequence[Tensor], zeros: Tensor
    ) -> None:
        self.cell, self.recurrent, self.vectors = cell, recurrent, vectors
        self.d_results: Tensors = (zeros,) * (cell.outputs + len(cell.start))
        self.d_vectors = [torch.zeros_like(vector) for vector in vectors]

    def through_block(
        self, step_inputs: Sequence[Tensor], d_hidden: Tensor, d_preactivations: Tensor
    ) -> None:
        """Differentiate a block of frames of an elementwise cell.

        Args:
            step_inputs: pre-activations (T, G, B, N, W), and each state (T, G, B, W).
            d_hidden: (T, G, B, W), gradient of the layer's output.
            d_preactivations: (T, G, B, N, W), filled in place.
        """
        inputs, vectors, results = self._recompute(step_inputs)
        derivatives = [_local_derivatives(result, inputs) for result in results]
        d_results_of_frames = []
        for t in reversed(range(len(d_preactivations))):
            d_results = self._add_output_gradient(d_hidden[t], len(results))
            by_preactivations, *by_states = (
                [of_result[i][t] for of_result in derivatives] for i in range(len(inputs))
            )
            d_results_of_gates = [d_result.unsqueeze(-2) for d_result in d_results]
            _apply_chain_rule(by_preactivations, d_results_of_gates, d_preactivations[t])
            d_states = (
                _apply_chain_rule(by_state, d_results, torch.empty_like(d_results[0]))
                for by_state in by_states
            )
            self._move_to_previous_frame(d_preactivations[t], d_states)
            d_results_of_frames.append(d_results)
        if vectors:
            d_all = [torch.stack(d[::-1]) for d in zip(*d_results_of_frames, strict=True)]
            self._add_to_vectors(torch.autograd.grad(results, vectors, d_all))

    def through_frame(
        self, step_inputs: Sequence[Tensor], d_hidden: Tensor, d_preactivations: Tensor
    ) -> None:
        """Differentiate one frame of any cell; arguments as for `through_block`."""
        inputs, vectors, results = self._recompute([step_input[0] for step_input in step_inputs])
        d_results = self._add_output_gradient(d_hidden[0], len(results))
        found = torch.autograd.grad(results, (*inputs, *vectors), d_results)
        d_preactivations[0] = found[0]
        self._move_to_previous_frame(found[0], found[1 : len(inputs)])
        self._add_to_vectors(found[len(inputs) :])

    def _recompute(self, step_inputs: Sequence[Tensor]) -> tuple[Tensors, Tensors, list[Tensor]]:
        """Repeat steps with autograd on; returns their inputs, the vectors and the results."""
        inputs, vectors = _leaves(step_inputs), _leaves(self.vectors)
        with torch.enable_grad():
            outputs, states = self.cell.step(inputs[0], inputs[1:], vectors)
        return inputs, vectors, [t for t in (*outputs, *states) if t.requires_grad]

    def _add_output_gradient(self, d_hidden: Tensor, results: int) -> Tensors:
        """Add the gradient of the layer's output to the gradients from later frames."""
        return self.d_results[0] + d_hidden, *self.d_results[1:results]

    def _move_to_previous_frame(self, d_frame: Tensor, d_states: Iterable[Tensor]) -> None:
        d_input = _recurrent_part(d_frame, self.recurrent).bmm(self.recurrent.transpose(1, 2))
        self.d_results = *self.cell.output_gradients(d_input), *d_states

    def _add_to_vectors(self, d_vectors: Iterable[Tensor]) -> None:
        for total, part in zip(self.d_vectors, d_vectors, strict=True):
            total += part


def _recurrent_part(preactivations: Tensor, recurrent: Tensor) -> Tensor:
    """View the pre-activations that have recurrent weights: (..., N, W) -> (..., M * W)."""
    return preactivations.flatten(-2)[..., : recurrent.shape[2]]


def _leaves(tensors: Sequence[Tensor]) -> Tensors:
    return tuple(tensor.detach().requires_grad_() for tensor in tensors)


def _local_derivatives(result: Tensor, inputs: Tensors) -> list[Sequence[Tensor | None]]:
    """Differentiate a result by each input of its step, frame by frame; None stands for 0."""
    ones = torch.ones_like(result)
    found = torch.autograd.grad(result, inputs, ones, retain_graph=True, allow_unused=True)
    return [[None] * len(result) if d is None else d.unbind(0) for d in found]


def _apply_chain_rule(
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
