"""What training asks of its process: to stop between two steps, and to keep freed memory."""

import ctypes
import faulthandler
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

import torch

from asr.util.errors import UserError

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # malloc.h
_NEVER = 2**31 - 1
_GROWTH_BYTES = 64 * 2**20


class StopRequested:
    """A context in which Ctrl-C and SIGTERM set a flag, so that a step is not cut short.

    A second Ctrl-C acts as usual. A second SIGTERM does not: `timeout` sends two within a moment,
    and so does torchrun where a cluster's manager signals every process.

    Attributes:
        requested: whether a signal has arrived.
    """

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> "StopRequested":
        _make_signal_stack()
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        signal.signal(signal.SIGINT, self._before[signal.SIGINT])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _make_signal_stack() -> None:
    """Give this thread's signal handlers a stack of their own.

    While torch trains an LSTM on a CPU, a signal handled on the ordinary stack damages the heap
    (oneDNN's kernel seems to use the stack register for itself), and the process aborts with
    "corrupted size vs. prev_size" instead of saving. Python's handlers run on the alternative
    stack where there is one, and enabling faulthandler is Python's way to get one.
    """
    stream = sys.__stderr__ or sys.stderr  # the first is None where standard error is closed
    if not faulthandler.is_enabled() and stream is not None:
        faulthandler.enable(stream)


def keep_freed_memory() -> bool:
    """Tell glibc's malloc to keep freed memory; returns whether malloc accepted.

    Every step frees hundreds of large tensors and allocates as many. By default glibc returns such
    blocks to the system, and fresh pages filled with zeros then cost some 15 % of a step on a CPU.
    With this setting the process's memory stays at its peak, and grows as it is cut up: see
    `return_freed_memory`. Other C libraries are left alone.
    """
    mallopt = _glibc("mallopt")
    if mallopt is None:
        return False
    settings = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: _NEVER, _M_TOP_PAD: _GROWTH_BYTES}
    return all([mallopt(name, value) == 1 for name, value in settings.items()])


def return_freed_memory() -> None:
    """Give freed memory back to the system, now and then.

    Batches differ in length, and between blocks that are in use no freed one fits the next batch: a
    process that trains five million weights grew from 3 to 8 GB in 400 steps.
    """
    malloc_trim = _glibc("malloc_trim")
    if malloc_trim is not None:
        malloc_trim(ctypes.c_size_t(0))


def _glibc(name: str) -> Any:
    """Look up a function that only glibc has; None with other C libraries."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


@contextmanager
def explain_out_of_memory(place: str) -> Iterator[None]:
    """Say at which place of the run a CUDA device ran out of memory, and what helps.

    Raises:
        UserError: in place of `torch.OutOfMemoryError`.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"{place}: the device has no memory left for this batch; the same command resumes from "
            "the last saved state with a greater trainer.micro_batches, or trainer.device=cpu"
        ) from error
