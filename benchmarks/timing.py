"""Interleaved timing, ratios with their spread, and the machine's name, for all benchmarks."""

import gc
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

Seconds = dict[str, list[float]]


def interleave(
    steps: Mapping[str, Callable[[], object]], repeats: int, limit_s: float = float("inf")
) -> Seconds:
    """Time named steps in turn: A B A B ..., so that other load on the machine slows all.

    Args:
        steps: functions by name; the caller has run each once, to warm up.
        repeats: rounds, at least one.
        limit_s: no round is begun that is expected to end later than this.

    Returns:
        For each name the wall-clock seconds of every round.
    """
    seconds: Seconds = {name: [] for name in steps}
    began = time.perf_counter()
    for done in range(max(repeats, 1)):
        spent = time.perf_counter() - began
        if done and spent * (done + 1) / done > limit_s:
            break
        for name, step in steps.items():
            gc.collect()
            start = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(seconds: Seconds, slow: str, fast: str) -> str:
    """Write the ratio of the seconds of `slow` and `fast`: median over rounds (lowest-highest)."""
    ratios = [a / b for a, b in zip(seconds[slow], seconds[fast], strict=True)]
    return f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


def matrix_product(size: int, dtype: "torch.dtype") -> "Callable[[], torch.Tensor]":
    """Make a product of two square matrices."""
    import torch

    left, right = torch.randn(2, size, size).to(dtype)
    return lambda: left @ right


def machine_line() -> str:
    """Name the processor, its cores, the threads in use and torch's version."""
    import torch

    return f"{processor_line()}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def processor_line() -> str:
    """Name the processor, its cores and Python's version, without torch."""
    return f"{_processor()}, {count_cores()} cores, Python {platform.python_version()}"


def count_cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def print_row(cells: Sequence[str], widths: Sequence[int]) -> None:
    """Print a table's row at once, the first cell to the left and the others to the right."""
    first, *others = zip(cells, widths, strict=True)
    aligned = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    print("  ".join(aligned).rstrip(), flush=True)
