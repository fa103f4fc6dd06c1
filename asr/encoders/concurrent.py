"""Parts of a layer that need nothing of each other, computed at once on a CPU's cores.

A recurrence is a chain of small products. Threads that share each of them wait for each other at
every time step, and where other programs run, two can be slower than one. The two directions of a
layer are two such chains: here each has threads of its own, forwards and backwards.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache
from threading import Barrier
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def run_concurrently(
    function: Callable[..., Tensor], parts: Sequence[Sequence[Tensor]]
) -> list[Tensor]:
    """Call `function` with the tensors of each part; the results, and their gradients.

    On a CPU the calls are made at the same time, where torch has a thread for each. They must not
    draw random numbers, whose order would then be left to chance.

    Args:
        function: of tensors alone, and the same number of them in each part.
        parts: the tensors of each.
    """
    on_cpu = parts[0][0].device.type == "cpu"
    if len(parts) < 2 or not on_cpu or torch.get_num_threads() < len(parts):
        return [function(*part) for part in parts]
    if torch.is_grad_enabled():
        tensors = [tensor for part in parts for tensor in part]
        return list(_Concurrent.apply(function, len(parts), *tensors))
    return _spread(function, parts)


class _Concurrent(torch.autograd.Function):
    """Each part as a graph of its own, which its thread builds and goes back through."""

    @staticmethod
    def forward(
        ctx: Any, function: Callable[..., Tensor], count: int, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        inputs = [tensor.detach().requires_grad_(tensor.requires_grad) for tensor in tensors]
        with torch.enable_grad():
            outputs = _spread(function, _parted(inputs, count))
        ctx.save_for_backward(*inputs, *outputs)  # and so their graphs go when this one does
        return tuple(output.detach() for output in outputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        count = len(gradients)
        inputs, outputs = ctx.saved_tensors[:-count], ctx.saved_tensors[-count:]
        graphs = zip(_parted(inputs, count), outputs, gradients, strict=True)
        found = _spread(_gradients, list(graphs))
        return None, None, *(gradient for part in found for gradient in part)


def _parted(tensors: Sequence[Tensor], count: int) -> list[Sequence[Tensor]]:
    each = len(tensors) // count
    return [tensors[first : first + each] for first in range(0, len(tensors), each)]


def _gradients(inputs: Sequence[Tensor], output: Tensor, gradient: Tensor) -> list[Tensor | None]:
    """Differentiate one part's output by those of its inputs that are asked for."""
    wanted = [tensor for tensor in inputs if tensor.requires_grad]
    found = iter(torch.autograd.grad(output, wanted, gradient, retain_graph=True))
    return [next(found) if tensor.requires_grad else None for tensor in inputs]


def _spread(function: Callable[..., Any], parts: Sequence[Iterable[Any]]) -> list[Any]:
    """Call a function for each part in a thread of its own, in the caller's modes."""
    grad, inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    low, kind = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

    def call(part: Iterable[Any]) -> Any:
        with ExitStack() as modes:  # torch keeps them for each thread
            modes.enter_context(torch.inference_mode(inference))
            modes.enter_context(torch.set_grad_enabled(grad))
            modes.enter_context(torch.autocast("cpu", kind, enabled=low))
            return function(*part)

    return list(_pool(len(parts), torch.get_num_threads()).map(call, parts))


@cache
def _pool(workers: int, threads: int) -> ThreadPoolExecutor:
    """Start workers that share out the threads that torch may use."""
    pool = ThreadPoolExecutor(workers, initializer=_limit, initargs=(threads // workers,))
    started = Barrier(workers + 1)
    for _ in range(workers):
        pool.submit(started.wait)
    started.wait()
    torch.set_num_threads(threads)  # the last that is set is what other new threads begin with
    return pool


def _limit(threads: int) -> None:
    """Say how many threads the operations of this one may use."""
    torch.get_num_threads()  # at the first look a thread takes the number that others have
    torch.set_num_threads(threads)
