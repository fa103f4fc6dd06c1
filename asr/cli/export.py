"""`asr export`: a model in a smaller file."""

import argparse
from pathlib import Path

from asr.cli.flags import Verbs
from asr.errors import UserError

BITS = (8, 16, 32)


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser("export", help="a model in a smaller file")
    verb.add_argument("model", type=Path, metavar="MODEL", help="a model, or its run folder")
    verb.add_argument("--output", type=Path, required=True, metavar="FILE", help="*.safetensors")
    verb.add_argument(
        "--bits", type=int, choices=BITS, default=8, help="of a weight; training has 32 (8)"
    )
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Write the file and say how large it is."""
    if args.output.suffix != ".safetensors":
        raise UserError(f"{args.output}: a model file ends in .safetensors; rename it")

    from asr.model_file import export_model
    from asr.paths import find_model

    before = find_model(args.model).stat().st_size
    export_model(args.model, args.output, args.bits)
    after = args.output.stat().st_size
    print(f"{args.output}: {after / 1e6:.1f} MB, before {before / 1e6:.1f} MB")
