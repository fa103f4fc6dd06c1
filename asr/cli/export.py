"""`asr export`: a model in a smaller file or for other programs, or the mean of several."""

import argparse
from pathlib import Path

from asr.cli.flags import Verbs
from asr.cli.messages import show
from asr.util.errors import UserError

BITS = (8, 16, 32)
FORMATS = ("safetensors", "onnx", "sherpa-onnx")


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser("export", help="a model in fewer bits or for other programs")
    verb.add_argument(
        "models", type=Path, nargs="+", metavar="MODEL",
        help="a model, or its run folder; of several, trained from the same one, the mean",
    )  # fmt: skip
    verb.add_argument(
        "--output", type=Path, required=True, metavar="PATH",
        help="*.safetensors, or a folder for other formats",
    )  # fmt: skip
    verb.add_argument(
        "--format", choices=FORMATS, default=FORMATS[0],
        help="safetensors for this toolkit; onnx reads waveforms; sherpa-onnx for its package",
    )  # fmt: skip
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
    """Write the files and print the size of the model."""
    if args.format == FORMATS[0]:
        _export_safetensors(args)
    else:
        _export_onnx(args)


def _export_safetensors(args: argparse.Namespace) -> None:
    if args.output.suffix != ".safetensors":
        raise UserError(f"{args.output}: a model file ends in .safetensors; rename it")

    from asr.model.model_file import export_model
    from asr.util.paths import find_model

    sizes = ", ".join(_size(find_model(model)) for model in args.models)
    export_model(args.models, args.output, args.bits, args.mean_weights)
    relation = "before" if len(args.models) == 1 else "the mean of models of"
    show(f"{args.output}: {_size(args.output)}, {relation} {sizes}")


def _export_onnx(args: argparse.Namespace) -> None:
    if len(args.models) > 1:
        raise UserError(
            f"--format {args.format} takes one model, found {len(args.models)}; "
            "make their mean a .safetensors file first"
        )
    if args.bits == 16:
        raise UserError(f"--format {args.format} takes --bits 8 or --bits 32, found 16")

    from asr.model.model_file import read_model
    from asr.onnx.export import export_onnx

    model = read_model(args.models[0])
    file = export_onnx(model, args.output, args.format, args.bits)
    show(f"{file}: {_size(file)}, before {_size(model.file)}")


def _size(file: Path) -> str:
    return f"{file.stat().st_size / 1e6:.1f} MB"
