"""The results of the encoder comparison as a table and a picture, from results.json."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import mean
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import LogLocator, NullFormatter
from matplotlib.transforms import Bbox

Results = dict[str, list[dict[str, Any]]]

#: Family -> its encoders, its color (of Okabe and Ito's palette for the color-blind), its marker.
FAMILIES = {
    "simple, GRU": (("rnn", "gru"), "#E69F00", "^"),
    "LSTM and its gates": (
        ("lstm1997", "blstm", "peephole", "nig", "nfg", "nog", "niaf", "noaf", "cifg", "fgr"),
        "#0072B2", "o",
    ),
    "normalized, convolved": (("lnlstm", "convlstm"), "#009E73", "s"),
    "exponential gates": (("slstm", "mlstm", "xlstm"), "#D55E00", "D"),
    "attention, state space": (("s4d", "conformer", "transformer"), "#CC79A7", "v"),
}  # fmt: skip
STYLES = {
    encoder: {"color": color, "marker": marker}
    for encoders, color, marker in FAMILIES.values()
    for encoder in encoders
}
HEADER = (
    "encoder", "runs", "parameters", "epochs", "minutes",
    "dev WER %", "test WER %", "trains at", "RTF",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """An encoder's runs, one a seed.

    Attributes:
        encoder: its short name.
        parameters: of the whole model.
        epochs: of a run, as many as the time budget allows.
        minutes: mean wall time of a run.
        dev, test: word error rates in %, one per run.
        speed: seconds of speech trained on per second.
        real_time_factor: CPU seconds to transcribe one second of speech.
    """

    encoder: str
    parameters: int
    epochs: int
    minutes: float
    dev: tuple[float, ...]
    test: tuple[float, ...]
    speed: float
    real_time_factor: float


def read(path: Path) -> Results | None:
    """Read results.json; None where there are no results yet."""
    if not path.is_file():
        return None
    results: Results = json.loads(path.read_text(encoding="utf-8"))
    return results if results["runs"] else None


def rows(results: Results) -> list[Row]:
    """Group the runs by encoder, the lowest mean WER on dev first."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for run in results["runs"]:
        runs.setdefault(run["encoder"], []).append(run)
    speeds = {speed["encoder"]: speed for speed in results["speeds"]}
    found = [
        Row(
            encoder,
            parameters=of[0]["parameters"],
            epochs=of[0]["epochs"],
            minutes=mean(run["minutes"] for run in of),
            dev=tuple(100 * run["dev_wer"] for run in of),
            test=tuple(100 * run["test_wer"] for run in of),
            speed=speeds[encoder]["trains_at"],
            real_time_factor=speeds[encoder]["real_time_factor"],
        )
        for encoder, of in runs.items()
    ]
    return sorted(found, key=lambda row: mean(row.dev))


def table(results: Results) -> str:
    """Write the table in Markdown, followed by the runs that are missing."""
    lines = [HEADER, ("---",) * len(HEADER)]
    for row in rows(results):
        lines.append((
            row.encoder, str(len(row.test)), f"{row.parameters:,}", str(row.epochs),
            f"{row.minutes:.1f}", spread(row.dev), spread(row.test), f"{row.speed:.0f} x",
            f"{row.real_time_factor:.4f}",
        ))  # fmt: skip
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    hours = sum(run["minutes"] for run in results["runs"]) / 60
    return f"{text}\n\n{missing(results)} Training took {hours:.1f} hours in sum."


def spread(values: tuple[float, ...]) -> str:
    """Format a mean and, of several values, the lowest and the highest."""
    several = f" ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else ""
    return f"{mean(values):.2f}{several}"


def missing(results: Results) -> str:
    """Count the runs that are done, and list the others by seed."""
    done, left = len(results["runs"]), results["missing"]
    counted = f"{done} of {done + len(left)} runs are done"
    parts = []
    for seed in sorted({run["seed"] for run in left}):
        names = [
            run["encoder"] + (f" (at epoch {run['epoch']})" if run["epoch"] else "")
            for run in left
            if run["seed"] == seed
        ]
        begun = any(run["epoch"] for run in left if run["seed"] == seed)
        begun = begun or any(run["seed"] == seed for run in results["runs"])
        parts.append(f"of seed {seed} {', '.join(names) if begun else 'all'}")
    return f"{counted}; missing: {'; '.join(parts)}." if parts else f"{counted}."


def draw(results: Results) -> Figure:
    """Draw test WER by encoder, and against the speed of training."""
    found = rows(results)
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11, 0.27 * len(found) + 2.2), layout="constrained"
    )
    for height, row in enumerate(reversed(found)):
        left.plot(row.test, [height] * len(row.test), "-", color="0.6", linewidth=1)
        left.plot(
            row.test, [height] * len(row.test), linestyle="", alpha=0.5, **STYLES[row.encoder]
        )
        left.plot(mean(row.test), height, "|k", markersize=13)
    left.set_yticks(range(len(found)), [row.encoder for row in reversed(found)])
    left.set(xlabel="WER on test, %", title="Each seed, and the mean (bar)")
    for name, (encoders, color, marker) in FAMILIES.items():
        of = [row for row in found if row.encoder in encoders]
        points = [row.speed for row in of], [mean(row.test) for row in of]
        if of:
            right.plot(*points, linestyle="", color=color, marker=marker, label=name)
    right.set(xscale="log", yscale="log")
    for axis in (right.xaxis, right.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        axis.set_major_formatter("{x:.0f}")
        axis.set_minor_formatter(NullFormatter())
    right.margins(x=0.15)
    right.set(xlabel="seconds of speech a second of training", ylabel="WER on test, %")
    right.set_title("Accuracy and speed, equal time for all")
    left.legend(*right.get_legend_handles_labels(), frameon=False, loc="upper right")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    _name_points(right, found)
    return figure


def _name_points(axes: Axes, found: Iterable[Row]) -> None:
    """Label the points from top to bottom, each as near to its point's height as possible.

    A label overlaps no label before it and no point.
    """
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()  # which computes all positions
    figure.set_layout_engine("none")
    rows = sorted(found, key=lambda row: mean(row.test), reverse=True)
    at = axes.transData.transform([(row.speed, mean(row.test)) for row in rows])
    taken = [Bbox.from_bounds(x - 4, y - 4, 8, 8) for x, y in at]
    for row in rows:
        text = axes.annotate(
            row.encoder, (row.speed, mean(row.test)), (7, 0), textcoords="offset points",
            va="center", fontsize=8, arrowprops={"arrowstyle": "-", "lw": 0.5, "color": "0.7"},
        )  # fmt: skip
        for step in count():
            text.xyann = (7, (step + 1) // 2 * (-2 if step % 2 else 2))
            text.get_window_extent()  # moves the label; this extent includes the line to the point
            box = Text.get_window_extent(text)
            if not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
