"""`asr lm train`, `asr lm info` and `asr lm pack`: n-gram language models."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from asr.cli.flags import Verbs
from asr.cli.messages import show
from asr.text.normalizers import NORMALIZERS
from asr.text.tags import TAGS
from asr.util.errors import UserError

if TYPE_CHECKING:
    from asr.lm.estimate import TrainedModel
    from asr.lm.perplexity import ModelInfo, Perplexity
    from asr.lm.vocabulary import TokenizedText

_TEXT_HELP = (
    "a sentence a line, may be gzipped; or the transcripts of a cut manifest, a table or a list"
)


KINDS = ("ngram", "lstm")
#: Flags of one kind of model with their defaults.
_LSTM_FLAGS = (
    ("subwords", 2048, "tokens, at most"),
    ("hidden-size", 384, "units of the layer, and numbers that stand for a token"),
    ("epochs", 1, "passes over the text"),
    ("seed", 1, "of the first weights and of the order of sentences"),
)


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    lm = verbs.add_parser("lm", help="estimate an n-gram language model, or describe one")
    actions = lm.add_subparsers(dest="action", required=True, metavar="ACTION")
    train = actions.add_parser("train", help="estimate one from text: modified Kneser-Ney")
    train.add_argument("text", type=Path, metavar="TEXT", help=_TEXT_HELP)
    train.add_argument(
        "--kind", choices=KINDS, default="ngram",
        help="lstm: a network over subwords, for a second pass (ngram)",
    )  # fmt: skip
    train.add_argument("--order", type=int, default=3, help="longest n-gram (3)")
    train.add_argument(
        "--prune", type=int, nargs="+", default=(), metavar="N",
        help="drop n-grams seen N times or less, a number an order, as lmplz takes it",
    )  # fmt: skip
    train.add_argument(
        "--entropy", type=float, default=0.0, metavar="X",
        help="drop n-grams whose loss costs less than X nats a word, as SRILM's -prune does (0)",
    )  # fmt: skip
    train.add_argument(
        "--decimals", type=int, default=6, metavar="N",
        help="of the numbers written; 1 makes a small file and hardly a worse model (6)",
    )  # fmt: skip
    train.add_argument(
        "--output", type=Path, required=True, metavar="ARPA",
        help="gzipped if it ends in .gz; for lstm a folder, where a stopped training goes on",
    )  # fmt: skip
    for name, value, text in _LSTM_FLAGS:
        train.add_argument(f"--{name}", type=int, metavar="N", help=f"lstm: {text} ({value})")
    train.set_defaults(run=run_train)
    info = actions.add_parser("info", help="sizes, and with a text its perplexity")
    info.add_argument("model", type=Path, metavar="ARPA", help="plain, gzipped or packed")
    info.add_argument("text", type=Path, nargs="?", metavar="TEXT", help=_TEXT_HELP)
    info.set_defaults(run=run_info)
    pack = actions.add_parser("pack", help="a smaller file that opens without being parsed")
    pack.add_argument("model", type=Path, metavar="ARPA", help="plain or gzipped")
    pack.add_argument("--output", type=Path, required=True, metavar="FILE", help="*.xz")
    pack.set_defaults(run=run_pack)
    for action in (train, info):
        action.add_argument(
            "--unit", choices=("word", "char"), default="word",
            help="char: every character is a token, with | for a space",
        )  # fmt: skip
        action.add_argument(
            "--normalizer", choices=list(NORMALIZERS),
            help="that of the recogniser's recipe, text.normalizer, applied to the text (none)",
        )  # fmt: skip
        action.add_argument(
            "--tags", choices=list(TAGS), default="drop",
            help="what becomes of [noise], <unk>, (laughter)...: drop, or keep as words (drop)",
        )  # fmt: skip


def run_train(args: argparse.Namespace) -> None:
    """Estimate a model and print its counts and discounts."""
    if args.kind == "lstm":
        _train_lstm(args)
        return
    from asr.lm.estimate import train

    made = train(
        _read_text(args),
        args.output,
        order=args.order,
        prune=args.prune,
        entropy=args.entropy,
        decimals=args.decimals,
    )
    show(_format_trained(made))


def _train_lstm(args: argparse.Namespace) -> None:
    """Train a network, and print its size."""
    from asr.training.neural_lm.train import train

    given = {name.replace("-", "_"): value for name, value, _ in _LSTM_FLAGS}
    for name in given:
        if (value := getattr(args, name)) is not None:
            given[name] = value
    made = train(_read_text(args), args.output, **given)
    show(
        f"{made.path}: from {made.sentences:,} sentences of {made.words:,} words\n"
        f"  {made.subwords:,} tokens, {made.weights:,} weights, "
        f"{made.path.stat().st_size / 1e6:.1f} MB\n"
        f"  perplexity a word, while training: {made.perplexity:.1f}"
    )


def run_info(args: argparse.Namespace) -> None:
    """Describe a model."""
    from asr.lm.perplexity import info

    show(_format_info(info(args.model, _read_text(args) if args.text else None)))


def run_pack(args: argparse.Namespace) -> None:
    """Pack a model, and print the sizes of both files."""
    from asr.lm.packed import write_packed
    from asr.lm.store import open_ngram

    if args.output.suffix != ".xz":
        raise UserError(f"{args.output}: a packed model ends in .xz; rename it")
    write_packed(open_ngram(args.model), args.output)
    after, before = (file.stat().st_size / 1e6 for file in (args.output, args.model))
    show(f"{args.output}: {after:.1f} MB, before {before:.1f} MB")


def _read_text(args: argparse.Namespace) -> "TokenizedText":
    """Read the text, as --unit, --normalizer, --tags and the kind of the file ask."""
    from asr.cli.texts import read_content, without_tags
    from asr.lm.sentences import tokenize_content, tokenize_lines

    normalize = NORMALIZERS[args.normalizer] if args.normalizer else None
    content = read_content(args.text)
    if args.tags == "keep" and isinstance(content, bytes):
        return tokenize_content(content, str(args.text), args.unit, normalize)
    lines = content if args.tags == "keep" else without_tags(content, args.text)
    if isinstance(lines, bytes):
        return tokenize_content(lines, str(args.text), args.unit, normalize)
    return tokenize_lines(lines, str(args.text), args.unit, normalize)


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
    return "\n".join(lines + ([_format_perplexity(found.text)] if found.text else []))


def _format_perplexity(found: "Perplexity") -> str:
    return (
        f"  text: {found.sentences:,} sentences, {found.tokens:,} tokens with their ends, "
        f"{found.oov_tokens:,} unknown\n"
        f"  perplexity {found.perplexity:.2f}, {found.perplexity_without_oov:.2f} without the "
        f"unknown; log10 probability {found.log10_probability:.2f}"
    )
