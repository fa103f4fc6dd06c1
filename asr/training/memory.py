"""Memory: kept where it is freed, explained where it is missing."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from asr.util.errors import UserError

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # malloc.h
_NEVER = 2**31 - 1
_GROWTH_BYTES = 64 * 2**20


def keep_freed_memory() -> bool:
    """Tell glibc's malloc to keep what is freed; returns whether it listened.

    Every step frees hundreds of large tensors and allocates as many. glibc gives such blocks back
    to the system at once, which then has to hand out fresh pages filled with zeros: some 15 % of a
    step on a CPU goes that way.

    Other C libraries are left as they are. The process's memory then stays at its peak.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    settings = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: _NEVER, _M_TOP_PAD: _GROWTH_BYTES}
    return all([mallopt(name, value) == 1 for name, value in settings.items()])


@contextmanager
def memory_explained(place: str) -> Iterator[None]:
    """Turn a CUDA device's lack of memory at a place of the run into advice.

    Raises:
        UserError: in place of `torch.OutOfMemoryError`.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"{place}: the device has no memory left for this batch; the same command goes on from "
            "the last saved state with a greater trainer.micro_batches, or trainer.device=cpu"
        ) from error
