"""Whole trainings by two checkouts in turn: CPU seconds, wall time, and the cores in use."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from timing import print_row

HERE = Path(__file__).parents[1]
WIDTHS = (8, 8, 8, 6)


class Cost(NamedTuple):
    """What one training took, its start included."""

    cpu_s: float
    wall_s: float


def compare_checkouts(before: Path, arguments: list[str], repeats: int) -> None:
    """Time `asr ARGUMENTS` by another checkout and by this one, and print the medians.

    Args:
        before: the root of the other checkout, which runs in this environment.
        arguments: a training; each run gets a new run folder.
        repeats: rounds, in each of which both train once.
    """
    checkouts = {"before": before.resolve(), "after": HERE}
    costs: dict[str, list[Cost]] = {name: [] for name in checkouts}
    for _ in range(repeats):
        for name, checkout in checkouts.items():
            costs[name].append(time_training(checkout, arguments))
    print_row(("", "CPU s", "wall s", "cores"), WIDTHS)
    for name, found in costs.items():
        cpu_s, wall_s = (median(column) for column in zip(*found, strict=True))
        print_row((name, f"{cpu_s:.1f}", f"{wall_s:.1f}", f"{cpu_s / wall_s:.2f}"), WIDTHS)
    for number, unit in enumerate(("CPU s", "wall s")):
        pairs = zip(costs["before"], costs["after"], strict=True)
        ratios = [one[number] / other[number] for one, other in pairs]
        span = f"{min(ratios):.2f}-{max(ratios):.2f}"
        print(f"before/after, {unit}: {median(ratios):.2f} ({span})", flush=True)


def time_training(checkout: Path, arguments: list[str]) -> Cost:
    """Train once with the code of a checkout.

    Raises:
        SystemExit: the training failed; its messages are printed.
    """
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as messages:
        command = [sys.executable, "-m", "asr", *arguments, f"run_dir={folder}/run"]
        start = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stdout=messages, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            messages.seek(0)
            raise SystemExit(f"{checkout}:\n{messages.read()}")
    return Cost(usage.ru_utime + usage.ru_stime, wall_s)
