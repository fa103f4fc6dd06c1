"""`asr lm train` and `asr lm info`: n-gram language models."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from asr.cli.flags import Verbs

if TYPE_CHECKING:
    from asr.lm.commands import ModelInfo, TextFit, TrainedModel


def add(verbs: Verbs) -> None:
    """Add both verbs."""
    lm = verbs.add_parser("lm", help="make an n-gram language model, or look into one")
    actions = lm.add_subparsers(dest="action", required=True, metavar="ACTION")
    train = actions.add_parser("train", help="estimate one from text: modified Kneser-Ney")
    train.add_argument("text", type=Path, metavar="TEXT", help="a sentence a line; may be gzipped")
    train.add_argument("--order", type=int, default=3, help="longest n-gram (3)")
    train.add_argument(
        "--prune", type=int, nargs="+", default=(), metavar="N",
        help="drop n-grams seen N times or less, a number an order, as lmplz takes it",
    )  # fmt: skip
    train.add_argument(
        "--output", type=Path, required=True, metavar="ARPA", help="gzipped if it ends in .gz"
    )
    train.set_defaults(run=run_train)
    info = actions.add_parser("info", help="sizes, and with a text its perplexity")
    info.add_argument("model", type=Path, metavar="ARPA", help="plain or gzipped")
    info.add_argument("text", type=Path, nargs="?", metavar="TEXT", help="a sentence a line")
    info.set_defaults(run=run_info)
    for action in (train, info):
        action.add_argument(
            "--unit", choices=("word", "char"), default="word",
            help="char: every character is a token, with | for a space",
        )  # fmt: skip


def run_train(args: argparse.Namespace) -> None:
    """Estimate a model and say what it is made of."""
    from asr.lm.commands import train

    made = train(args.text, args.output, order=args.order, prune=args.prune, unit=args.unit)
    print(_format_trained(made))


def run_info(args: argparse.Namespace) -> None:
    """Describe a model."""
    from asr.lm.commands import info

    print(_format_info(info(args.model, args.text, unit=args.unit)))


def _format_trained(made: "TrainedModel") -> str:
    lines = [f"{made.path}: from {made.sentences:,} sentences of {made.tokens:,} tokens"]
    for order, (count, discounts) in enumerate(zip(made.counts, made.discounts, strict=True), 1):
        shown = " ".join(f"{discount:.4f}" for discount in discounts)
        lines.append(f"  {order}-grams {count:>12,}   discounts {shown}")
    return "\n".join([*lines, *(f"  note: {warning}" for warning in made.warnings)])


def _format_info(found: "ModelInfo") -> str:
    lines = [
        f"{found.path}: order {found.order}, {found.vocabulary_size:,} words, "
        f"{found.file_bytes / 1e6:.1f} MB"
    ]
    lines += [f"  {order}-grams {count:>12,}" for order, count in enumerate(found.counts, 1)]
    return "\n".join(lines + ([_format_fit(found.text)] if found.text else []))


def _format_fit(fit: "TextFit") -> str:
    return (
        f"  text: {fit.sentences:,} sentences, {fit.tokens:,} tokens with their ends, "
        f"{fit.oov_tokens:,} unknown\n"
        f"  perplexity {fit.perplexity:.2f}, {fit.perplexity_without_oov:.2f} without the unknown; "
        f"log10 probability {fit.log10_probability:.2f}"
    )
