"""Flags that several verbs share, and what they do."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asr.scoring import Report

#: What `add_subparsers` returns; argparse keeps its type private.
Verbs = Any


def add_model(verb: argparse.ArgumentParser) -> None:
    """Add --model."""
    verb.add_argument(
        "--model", type=Path, required=True, help="a .safetensors model, or its run folder"
    )


def add_report(verb: argparse.ArgumentParser) -> None:
    """Add the flags of `print_report`."""
    verb.add_argument("--json", type=Path, metavar="FILE", help="write every number there too")
    verb.add_argument(
        "--worst", type=_count, default=5, metavar="N", help="worst utterances to show (5)"
    )


def print_report(report: "Report", args: argparse.Namespace, **more: Any) -> None:
    """Print a report, and write it as JSON, with `more` beside it, where that was asked for."""
    from asr.files import write_text
    from asr.scoring import format_report

    print(format_report(report, worst=args.worst))
    if args.json:
        data = report.to_dict() | more
        write_text(args.json, json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False))


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"expected 0 or more, found {number}")
    return number
