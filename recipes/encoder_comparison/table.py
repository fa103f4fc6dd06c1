"""Score the finished runs of the encoder comparison, and write its table and its picture.

    python recipes/encoder_comparison/table.py    # of your runs, into their folder
    python recipes/encoder_comparison/table.py --keep --output recipes/encoder_comparison

Dev and test are scored with greedy decoding, once per run: scores.json beside the run's model keeps
the scores until model or manifests change, and speeds.json beside the runs keeps the speeds.
results.json, encoders.png and the table in README.md are written from the finished runs. With
--keep, the results.json there supplies the speeds and the runs that are not here, so that several
computers can share the work.
"""

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # the picture goes to a file; no screen is needed

import results
import speeds
import torch
import yaml
from tqdm import tqdm

from asr.decoding.options import DecodingOptions
from asr.inference.evaluation import evaluate
from asr.inference.recognizer import load
from asr.model.model_file import read_model
from asr.training.checkpoint import read_fingerprint
from asr.training.metric_logger import METRICS_NAME
from asr.util.errors import UserError
from asr.util.files import digest, write_text
from asr.util.paths import MODEL_NAME

HERE = Path(__file__).parent
SCORES_NAME, SPEEDS_NAME = "scores.json", "speeds.json"
BEGIN, END = "<!-- results -->\n", "<!-- end of results -->\n"
NEW_PAGE = f"# Results of the encoder comparison\n\n{BEGIN}{END}"


def main() -> None:
    """Read the flags, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--runs", type=Path, default=Path("runs/encoder_comparison"), metavar="FOLDER"
    )
    parser.add_argument("--cuts", type=Path, default=Path("data/an4-cuts"), metavar="FOLDER")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="for README.md, results.json and encoders.png (the folder of --runs)",
    )
    parser.add_argument(
        "--missing",
        action="store_true",
        help="only list the missing runs, as overrides of `asr train`",
    )
    parser.add_argument(
        "--keep", action="store_true", help="include the runs in results.json that are not here"
    )
    args = parser.parse_args()
    args.output = args.output or args.runs
    kept = (results.read(args.output / "results.json") if args.keep else None) or {}
    elsewhere = kept.get("runs", [])
    if args.missing:
        there = {(run["encoder"], run["seed"]) for run in elsewhere}
        left = [run for run in planned() if run not in there and not done(args.runs, *run)]
        sys.stdout.write("".join(f"encoder={e} seed={s}\n" for e, s in left))
        return
    torch.set_num_threads(1)
    try:
        found = collect(args.runs, args.cuts, elsewhere)
        if found["runs"]:
            found["speeds"] = kept.get("speeds") or known_speeds(args.runs, args.cuts)
        write(found, args.output)
    except UserError as error:
        parser.exit(1, f"{error}\n")
    sys.stdout.write(f"{args.output}: {results.missing(found)}\n")


def planned() -> list[tuple[str, int]]:
    """List the runs, encoder and seed, in the order of the recipe's sweep."""
    recipe = yaml.safe_load((HERE / "blstm.yaml").read_text(encoding="utf-8"))
    sweep = recipe["hydra"]["sweeper"]["params"]
    return [(e, int(s)) for s in sweep["seed"].split(",") for e in sweep["encoder"].split(",")]


def collect(runs: Path, cuts: Path, elsewhere: list[dict[str, Any]]) -> results.Results:
    """Measure the runs that are done and name those that are not.

    Args:
        runs: holds a folder for each run, ``encoder=NAME/SEED``.
        cuts: holds dev.jsonl.gz and test.jsonl.gz.
        elsewhere: what was measured before, of which the runs that are not done here count.

    Raises:
        UserError: a manifest, audio or model cannot be read.
    """
    found: results.Results = {"runs": [], "missing": []}
    measured = {(run["encoder"], run["seed"]): run for run in elsewhere}
    for encoder, seed in tqdm(planned(), unit="run", disable=None):
        folder, named = folder_of(runs, encoder, seed), {"encoder": encoder, "seed": seed}
        epochs = finished_epochs(folder)
        if not done(runs, encoder, seed):
            if (encoder, seed) in measured:
                found["runs"].append(measured[encoder, seed])
            else:
                found["missing"].append(named | {"epoch": len(epochs)})
            continue
        training = {
            "epochs": len(epochs),
            "minutes": sum(epoch["elapsed_s"] for epoch in epochs) / 60,
        }
        found["runs"].append(named | training | scores(folder, cuts))
    return found


def folder_of(runs: Path, encoder: str, seed: int) -> Path:
    """Return a run's folder, as the recipe's sweep names it."""
    return runs / f"encoder={encoder}" / str(seed)


def done(runs: Path, encoder: str, seed: int) -> bool:
    """Tell whether a run has finished its last epoch."""
    folder = folder_of(runs, encoder, seed)
    return len(finished_epochs(folder)) >= read_fingerprint(folder).get("trainer.epochs", math.inf)


def finished_epochs(folder: Path) -> list[dict[str, Any]]:
    """Read the metrics of a run's finished epochs."""
    path = folder / METRICS_NAME
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def scores(folder: Path, cuts: Path) -> dict[str, float]:
    """Score a run's best model, or read its scores if it has been scored."""
    dev, test = cuts / "dev.jsonl.gz", cuts / "test.jsonl.gz"
    try:
        scored = [digest(path) for path in (folder / MODEL_NAME, dev, test)]
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}; give --runs and --cuts") from error
    cache = folder / SCORES_NAME
    if cache.exists():
        known = json.loads(cache.read_text(encoding="utf-8"))
        if known["scored"] == scored:
            return dict(known["scores"])
    recognizer = load(folder, DecodingOptions())
    found = {
        "parameters": sum(one.size for one in read_model(folder).stored.values()),
        "dev_wer": evaluate(dev, recognizer).report.wer,
        "test_wer": evaluate(test, recognizer).report.wer,
    }
    write_text(cache, json.dumps({"scored": scored, "scores": found}, indent=1) + "\n")
    return found


def known_speeds(runs: Path, cuts: Path) -> list[dict[str, Any]]:
    """Measure the speeds of the encoders, or read them if they have been measured."""
    path = runs / SPEEDS_NAME
    if not path.exists():
        runs.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(speeds.measure(cuts), indent=1) + "\n")
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def write(found: results.Results, folder: Path) -> None:
    """Write results.json and the picture, and the table between the marks in README.md."""
    folder.mkdir(parents=True, exist_ok=True)
    readme = folder / "README.md"
    page = readme.read_text(encoding="utf-8") if readme.exists() else NEW_PAGE
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise UserError(f"{readme}: lacks {BEGIN.strip()} or, after it, {END.strip()}; put them in")
    write_text(folder / "results.json", json.dumps(found, indent=1) + "\n")
    block = f"Not run yet: {results.missing(found)}\n"
    if found["runs"]:
        results.draw(found).savefig(folder / "encoders.png", dpi=110)
        block = f"{results.table(found)}\n\n![WER on test by encoder and by speed](encoders.png)\n"
    write_text(readme, f"{before}{BEGIN}{block}{END}{after}")


if __name__ == "__main__":
    main()
