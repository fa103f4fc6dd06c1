"""From the shell to a text: CPU seconds, wall seconds and peak memory of `asr transcribe`.

    python benchmarks/cold_start.py a.wav [--before CHECKOUT] [--after ENVIRONMENT/bin/python]

A first start finds an empty cache, compiles and prepares; a warm start finds what the first one
left. Both are measured with the language model of the model and greedily, each on all cores. Warm
starts of before and after take turns, and their medians are printed.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

from commands import HERE, Side, Spent, make_sides
from timing import count_cores, print_row, processor_line

WIDTHS = (26, 10, 10, 10)
DECODING = {"language model": (), "greedy words": ("--greedy",)}


def main() -> None:
    """Measure, and print."""
    arguments = parse_arguments()
    print(processor_line(), flush=True)
    sides = make_sides(arguments.before, arguments.after)
    with tempfile.TemporaryDirectory() as folder:
        caches = {side.name: Path(folder) / side.name for side in sides}
        for name, flags in DECODING.items():
            print_starts(name, sides, caches, flags, arguments)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("audio", type=Path, help="a recording of a few seconds")
    parser.add_argument("--model", default="en-small")
    parser.add_argument("--before", type=Path, help="a checkout, or the Python of an environment")
    parser.add_argument("--after", type=Path, default=HERE, help="likewise (this checkout)")
    parser.add_argument("--repeats", type=int, default=5, help="warm starts of each")
    return parser.parse_args()


def print_starts(
    name: str,
    sides: list[Side],
    caches: dict[str, Path],
    flags: tuple[str, ...],
    arguments: argparse.Namespace,
) -> None:
    """Print the first start and the median of the warm ones, of each side in turn."""
    audio = str(arguments.audio.absolute())
    command = ("transcribe", audio, "--model", arguments.model, *flags)

    def start(side: Side, cache: str) -> Spent:
        return side.run(command, caches[side.name] / cache, count_cores())

    first = {side.name: start(side, f"{len(flags)}") for side in sides}
    warm: dict[str, list[Spent]] = {side.name: [] for side in sides}
    for _ in range(arguments.repeats):
        for side in sides:
            warm[side.name].append(start(side, f"{len(flags)}"))
    print(f"\n{name}\n")
    print_row(("", "CPU s", "wall s", "peak MB"), WIDTHS)
    for side in sides:
        print_spent(f"first start, {side.name}", [first[side.name]])
    for side in sides:
        print_spent(f"warm start, {side.name}", warm[side.name])
    if len(sides) > 1:
        pairs = zip(warm["before"], warm["after"], strict=True)
        ratios = [before.cpu_s / after.cpu_s for before, after in pairs]
        spread = f"({min(ratios):.1f}-{max(ratios):.1f})"
        print_row(("before / after, warm", f"{median(ratios):.1f}", spread), WIDTHS[:3])
    print(f"text: {warm['after'][0].printed.split(chr(9), 1)[-1].strip()}", flush=True)


def print_spent(name: str, runs: list[Spent]) -> None:
    """Print the medians of runs."""
    cells = [median(getattr(run, kind) for run in runs) for kind in ("cpu_s", "wall_s", "peak_mb")]
    print_row((name, f"{cells[0]:.2f}", f"{cells[1]:.2f}", f"{cells[2]:.0f}"), WIDTHS)


if __name__ == "__main__":
    main()
