"""Functions of tensors called at the same time, each with threads of torch of its own.

Threads that share a small operation wait for each other at its end, and where other programs run,
two can be slower than one. Calls that do not depend on each other need no such waiting.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import torch

Result = TypeVar("Result")


class _Pools(threading.local):
    """The pools of one thread, by their workers and the threads of each."""

    def __init__(self) -> None:
        self.by_size: dict[tuple[int, int], ThreadPoolExecutor] = {}


_pools = _Pools()


def call_in_threads(
    function: Callable[..., Result], calls: Sequence[Iterable[Any]], workers: int, threads: int
) -> list[Result]:
    """Call `function` with the arguments of each call, several calls at the same time.

    A call runs under the caller's autograd and autocast modes. It must not draw random numbers
    from torch's global generators, whose order would be left to chance; see
    `asr.util.random_masks`.

    Args:
        function: called in this thread if there is one worker.
        calls: the arguments of each call.
        workers: most calls at a time.
        threads: of torch, for the operations of each call.

    Returns:
        The result of each call.
    """
    if workers < 2:
        with limit_threads(threads):
            return [function(*arguments) for arguments in calls]
    grad, inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    autocast, dtype = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

    def call(arguments: Iterable[Any]) -> Result:
        with ExitStack() as modes:  # torch keeps these modes a thread
            modes.enter_context(torch.inference_mode(inference))
            modes.enter_context(torch.set_grad_enabled(grad))
            modes.enter_context(torch.autocast("cpu", dtype, enabled=autocast))
            return function(*arguments)

    size = workers, threads
    if size not in _pools.by_size:
        _pools.by_size[size] = _make_pool(*size)
    return list(_pools.by_size[size].map(call, calls))


@contextmanager
def limit_threads(threads: int) -> Iterator[None]:
    """Let torch use so many threads for an operation of this thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _make_pool(workers: int, threads: int) -> ThreadPoolExecutor:
    """Start workers whose operations use so many threads each."""
    with limit_threads(threads):  # any new thread starts with the number that was set last
        pool = ThreadPoolExecutor(workers, initializer=_keep_threads, initargs=(threads,))
        started = threading.Barrier(workers + 1)
        for _ in range(workers):
            pool.submit(started.wait)
        started.wait()
    return pool


def _keep_threads(threads: int) -> None:
    """Set how many threads an operation called from this thread may use."""
    torch.get_num_threads()  # the first query overwrites this thread's number with the global one
    torch.set_num_threads(threads)
