"""Word errors and latency of streaming by chunk and right context, in a table and drawn.

Each call measures one test set on one thread, and adds it to the results of the calls before:

    python benchmarks/streaming.py CUTS --model en-small --name dev --results results.json
    python benchmarks/streaming.py CUTS --model an4 --name AN4 --results results.json --output a.png
"""

import argparse
import json
from pathlib import Path
from typing import Any

from asr.data.manifests import read_cuts
from asr.inference.evaluation import evaluate
from asr.inference.recognizer import load
from asr.inference.streaming import StreamOptions
from asr.inference.streaming.evaluation import evaluate_streams

SIZES = ("2000/1000", "1000/1000", "1000/500", "500/500", "500/250", "250/500", "250/250")
#: Heading, key of the numbers, factor and digits.
COLUMNS = (
    ("WER, %", "word_error_rate", 100, 2),
    ("first showing, mean s", "partial_latency_mean_s", 1, 2),
    ("95 % within, s", "partial_latency_95_s", 1, 2),
    ("final text, mean s", "final_latency_mean_s", 1, 2),
    ("95 % within, s", "final_latency_95_s", 1, 2),
    ("changed, %", "changed_fraction", 100, 1),
    ("audio a second, s", "real_time_factor", 1, 0),
)
#: Kind of latency -> title of its picture.
TITLES = {"partial": "End of a word to its first showing", "final": "End of speech to final text"}


def main() -> None:
    """Measure, print the table, and draw where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cuts", metavar="CUTS", help="a cut manifest")
    parser.add_argument("--model", required=True)
    parser.add_argument("--name", required=True, help="of the test set, in the picture")
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="CHUNK/CONTEXT", help="in ms")
    parser.add_argument("--results", type=Path, required=True, metavar="JSON")
    parser.add_argument("--output", type=Path, metavar="PNG")
    args = parser.parse_args()
    results = json.loads(args.results.read_text()) if args.results.exists() else {}
    results[args.name] = measure(args.cuts, args.model, args.sizes)
    args.results.write_text(json.dumps(results, indent=1))
    if args.output is not None:
        draw(results, args.output)


def measure(cuts: str, model: str, sizes: list[str]) -> dict[str, Any]:
    """Stream a test set with each of the sizes, and print a row for each."""
    recognizer, test_set = load(model), read_cuts(cuts)
    offline = evaluate(test_set, recognizer).report.wer
    print(f"offline: {offline:.2%} of words are wrong", flush=True)
    print(" | ".join(["chunk/context, ms", *(heading for heading, *_ in COLUMNS)]), flush=True)
    rows = {}
    for size in sizes:
        chunk_ms, _, context_ms = size.partition("/")
        options = StreamOptions(chunk_ms=float(chunk_ms), right_context_ms=float(context_ms))
        found = evaluate_streams(test_set, recognizer, options)
        row = {"word_error_rate": found.report.wer, **found.latency.to_dict()}
        cells = [f"{factor * (row[key] or 0):.{digits}f}" for _, key, factor, digits in COLUMNS]
        print(" | ".join([size, *cells]), flush=True)
        rows[size] = row
    return {"offline": offline, "sizes": rows}


def draw(results: dict[str, Any], output: Path) -> None:
    """Draw WER over the latency of first showings, and of final text."""
    import matplotlib

    matplotlib.use("Agg")  # the picture goes to a file; no screen is needed
    import matplotlib.pyplot as plt

    figure, rows = plt.subplots(
        len(results), 2, figsize=(10, 3.8 * len(results)), layout="constrained", squeeze=False
    )
    for both, (name, found) in zip(rows, results.items(), strict=True):
        for axes, (kind, title) in zip(both, TITLES.items(), strict=True):
            _draw_sizes(axes, found, kind)
            axes.set(title=title, xlabel="s: mean (dot) and 95 % within (line)", xlim=(0, None))
            axes.spines[["top", "right"]].set_visible(False)
        both[0].set(ylabel=f"word error rate, {name}, %")
    figure.savefig(output, dpi=100)


def _draw_sizes(axes: Any, found: dict[str, Any], kind: str) -> None:
    """Draw a dot and a line for each size, and dashed the rate of whole files."""
    axes.axhline(100 * found["offline"], color="C1", linewidth=0.8, linestyle="--")
    axes.annotate(
        "whole files", (1, 100 * found["offline"]), (0, 3), ha="right", fontsize=8, color="C1",
        xycoords=("axes fraction", "data"), textcoords="offset points",
    )  # fmt: skip
    in_order = sorted(found["sizes"].items(), key=lambda one: one[1][f"{kind}_latency_mean_s"] or 0)
    for number, (size, row) in enumerate(in_order):
        x, y = row[f"{kind}_latency_mean_s"] or 0, 100 * row["word_error_rate"]
        axes.plot([x, row[f"{kind}_latency_95_s"] or 0], [y, y], "C0", linewidth=0.8)
        axes.plot(x, y, "oC0")
        below = number % 2  # neighbors would cover each other's labels
        axes.annotate(
            size, (x, y), (0, -6 if below else 5), textcoords="offset points", fontsize=8,
            va="top" if below else "bottom",
        )  # fmt: skip
    axes.margins(y=0.15)


if __name__ == "__main__":
    main()
