"""A function of tensors called for several arguments at the same time, differentiably.

A recurrence is a chain of small products, and threads that share each of them wait for each other
at every time step. The two directions of a layer are two independent chains: here each has its own
threads, forward and backward pass alike.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from asr.util.torch_threads import call_in_threads

Result = TypeVar("Result")


def run_concurrently(
    function: Callable[..., Tensor], calls: Sequence[Sequence[Tensor]]
) -> list[Tensor]:
    """Call `function` with the arguments of each call, differentiably.

    On a CPU the calls run at the same time, if torch has a thread for each. They must not draw
    random numbers, since the order of the draws would be left to chance.

    Args:
        function: takes tensors, as many in every call, and returns one.
        calls: the arguments of each call.

    Returns:
        The result of each call.
    """
    on_cpu = calls[0][0].device.type == "cpu"
    if len(calls) < 2 or not on_cpu or torch.get_num_threads() < len(calls):
        return [function(*arguments) for arguments in calls]
    if torch.is_grad_enabled():
        tensors = [tensor for arguments in calls for tensor in arguments]
        return list(_Concurrent.apply(function, len(calls), *tensors))
    return _call_at_once(function, calls)


class _Concurrent(torch.autograd.Function):
    """Each call has its own graph, which one thread builds and another differentiates."""

    @staticmethod
    def forward(
        ctx: Any, function: Callable[..., Tensor], count: int, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        inputs = [tensor.detach().requires_grad_(tensor.requires_grad) for tensor in tensors]
        with torch.enable_grad():
            outputs = _call_at_once(function, _split_evenly(inputs, count))
        ctx.save_for_backward(*inputs, *outputs)  # frees their graphs together with this one
        return tuple(output.detach() for output in outputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        count = len(gradients)
        inputs, outputs = ctx.saved_tensors[:-count], ctx.saved_tensors[-count:]
        graphs = zip(_split_evenly(inputs, count), outputs, gradients, strict=True)
        found = _call_at_once(_differentiate, list(graphs))
        return None, None, *(gradient for of_call in found for gradient in of_call)


def _call_at_once(function: Callable[..., Result], calls: Sequence[Iterable[Any]]) -> list[Result]:
    """Divide torch's threads among the calls."""
    return call_in_threads(function, calls, len(calls), torch.get_num_threads() // len(calls))


def _split_evenly(tensors: Sequence[Tensor], count: int) -> list[Sequence[Tensor]]:
    size = len(tensors) // count
    return [tensors[first : first + size] for first in range(0, len(tensors), size)]


def _differentiate(
    inputs: Sequence[Tensor], output: Tensor, gradient: Tensor
) -> list[Tensor | None]:
    """Give one call's gradients by its inputs, None for an input that requires none."""
    wanted = [tensor for tensor in inputs if tensor.requires_grad]
    found = iter(torch.autograd.grad(output, wanted, gradient, retain_graph=True))
    return [next(found) if tensor.requires_grad else None for tensor in inputs]
