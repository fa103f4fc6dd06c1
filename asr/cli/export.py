"""`asr export`: a model in a smaller file, or the mean of several."""

import argparse
from pathlib import Path

from asr.cli.flags import Verbs
from asr.cli.messages import show
from asr.util.errors import UserError

BITS = (8, 16, 32)


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser("export", help="a model in a smaller file, or the mean of several")
    verb.add_argument(
        "models", type=Path, nargs="+", metavar="MODEL",
        help="a model, or its run folder; of several, trained from the same one, the mean",
    )  # fmt: skip
    verb.add_argument("--output", type=Path, required=True, metavar="FILE", help="*.safetensors")
    verb.add_argument(
        "--bits", type=int, choices=BITS, default=8, help="of a weight; training has 32 (8)"
    )
    verb.add_argument(
        "--mean-weights",
        type=float,
        nargs="+",
        default=(),
        metavar="X",
        help="of each in a mean (equal)",
    )
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Write the file and print its size."""
    if args.output.suffix != ".safetensors":
        raise UserError(f"{args.output}: a model file ends in .safetensors; rename it")

    from asr.model.model_file import export_model
    from asr.util.paths import find_model

    sizes = ", ".join(_size(find_model(model)) for model in args.models)
    export_model(args.models, args.output, args.bits, args.mean_weights)
    relation = "before" if len(args.models) == 1 else "the mean of models of"
    show(f"{args.output}: {_size(args.output)}, {relation} {sizes}")


def _size(file: Path) -> str:
    return f"{file.stat().st_size / 1e6:.1f} MB"
