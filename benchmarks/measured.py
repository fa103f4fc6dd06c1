"""Run a command on some cores; write its CPU seconds, wall seconds and peak memory as JSON.

    python benchmarks/measured.py FILE.json CORES COMMAND...

A process inherits the peak memory of the process that starts it, so this one stays small.
"""

import json
import os
import subprocess
import sys
import time


def main() -> None:
    """Run the command, and end with its exit status."""
    file, cores, *command = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
    start = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    spent = {
        "wall_s": time.perf_counter() - start,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
    }
    with open(file, "w") as written:  # noqa: PTH123  (pathlib takes memory and time)
        json.dump(spent, written)
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
