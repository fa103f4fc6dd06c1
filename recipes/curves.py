"""Draw the learning curves of training runs: python recipes/curves.py RUN ... --output curves.png.

Each run folder's metrics.jsonl gives the loss of training (thin) and of dev (thick), in nats an
utterance, and the word error rate on dev.
"""

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # the picture goes to a file; no screen is needed

import matplotlib.pyplot as plt


def main() -> None:
    """Read the flags and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run folders")
    parser.add_argument("--names", nargs="+", metavar="NAME", help="for the legend (the folders')")
    parser.add_argument("--output", type=Path, required=True, metavar="PNG")
    args = parser.parse_args()
    names = args.names or [str(run) for run in args.runs]
    if len(names) != len(args.runs):
        parser.error(f"--names: expected {len(args.runs)}, one a run, found {len(names)}")
    draw(dict(zip(names, args.runs, strict=True)), args.output)


def draw(runs: dict[str, Path], output: Path) -> None:
    """Draw loss and dev WER over epochs of runs by name."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    for number, (name, run) in enumerate(runs.items()):
        lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        epochs = [json.loads(line) for line in lines]
        steps, color = [epoch["epoch"] for epoch in epochs], f"C{number}"
        left.plot(steps, [epoch["loss"] for epoch in epochs], color, linewidth=0.8)
        left.plot(steps, [epoch["dev_loss"] for epoch in epochs], color, linewidth=2)
        right.plot(steps, [100 * epoch["dev_wer"] for epoch in epochs], color, label=name)
    left.set(xlabel="epoch", ylabel="nats an utterance", title="Loss: training thin, dev thick")
    right.set(xlabel="epoch", ylabel="%", title="WER on dev")
    right.legend(frameon=False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_ylim(bottom=0)
    figure.savefig(output, dpi=110)


if __name__ == "__main__":
    main()
