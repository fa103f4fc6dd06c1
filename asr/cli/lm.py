"""`asr lm train`, `asr lm info` and `asr lm pack`: language models, n-grams and LSTMs."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asr.cli.flags import Verbs
from asr.cli.messages import show
from asr.text.normalizers import NORMALIZERS
from asr.text.tags import TAGS
from asr.util.errors import UserError

if TYPE_CHECKING:
    from asr.lm.estimate import TrainedModel
    from asr.lm.perplexity import ModelInfo, Perplexity
    from asr.lm.tokenized_text import TokenizedText
    from asr.training.neural_lm.train import TrainedNeuralModel

_TEXT_HELP = (
    "a sentence a line, may be gzipped; or the transcripts of a cut manifest, a table or a list"
)
#: The flags of one kind of model.
_FLAGS = {
    "ngram": ("order", "prune", "entropy", "decimals"),
    "lstm": ("subwords", "hidden_size", "epochs", "seed"),
}


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    lm = verbs.add_parser("lm", help="train a language model, or describe one")
    actions = lm.add_subparsers(dest="action", required=True, metavar="ACTION")
    train = actions.add_parser("train", help="from text: n-grams by Kneser-Ney, or an LSTM")
    train.add_argument("text", type=Path, metavar="TEXT", help=_TEXT_HELP)
    train.add_argument(
        "--kind", choices=[*_FLAGS], default="ngram",
        help="lstm: a network over subwords, for a second pass (ngram)",
    )  # fmt: skip
    train.add_argument("--order", type=int, help="longest n-gram (3)")
    train.add_argument(
        "--prune", type=int, nargs="+", metavar="N",
        help="drop n-grams seen N times or less, a number an order, as lmplz takes it",
    )  # fmt: skip
    train.add_argument(
        "--entropy", type=float, metavar="X",
        help="drop n-grams whose loss costs less than X nats a word, as SRILM's -prune does (0)",
    )  # fmt: skip
    train.add_argument(
        "--decimals", type=int, metavar="N",
        help="of the numbers written; 1 makes a small file and hardly a worse model (6)",
    )  # fmt: skip
    train.add_argument(
        "--output", type=Path, required=True, metavar="ARPA",
        help="gzipped if it ends in .gz; for lstm a folder, where a stopped training goes on",
    )  # fmt: skip
    train.add_argument("--subwords", type=int, metavar="N", help="of an lstm, at most (2048)")
    train.add_argument("--hidden-size", type=int, metavar="N", help="of an lstm (512)")
    train.add_argument("--epochs", type=int, metavar="N", help="passes of an lstm (1)")
    train.add_argument("--seed", type=int, metavar="N", help="of an lstm (1)")
    train.set_defaults(run=run_train)
    info = actions.add_parser("info", help="sizes, and with a text its perplexity")
    info.add_argument(
        "model", type=Path, metavar="FILE", help="an ARPA file, gzipped or packed too, or an LSTM"
    )
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
            help="that of the recognizer's recipe, text.normalizer, applied to the text (none)",
        )  # fmt: skip
        action.add_argument(
            "--tags", choices=list(TAGS), default="drop",
            help="what becomes of [noise], <unk>, (laughter)...: drop, or keep as words (drop)",
        )  # fmt: skip


def run_train(args: argparse.Namespace) -> None:
    """Estimate or train a model and print what it holds."""
    if args.kind == "lstm":
        from asr.training.neural_lm.train import train as train_lstm

        given = _read_flags(args)
        show(_format_lstm(train_lstm(_read_text(args), args.output, **given)))
        return
    from asr.lm.estimate import train

    given = _read_flags(args)
    show(_format_trained(train(_read_text(args), args.output, **given)))


def _read_flags(args: argparse.Namespace) -> dict[str, Any]:
    """Read the flags of the kind of model that is asked for.

    Raises:
        UserError: a flag of the other kind.
    """
    for kind, names in _FLAGS.items():
        for name in names:
            if kind != args.kind and getattr(args, name) is not None:
                flag = name.replace("_", "-")
                raise UserError(
                    f"--{flag}: of --kind {kind}, found --kind {args.kind}; leave out one of them"
                )
    if args.kind == "lstm" and args.unit == "char":
        raise UserError("--unit char: an lstm cuts words into subwords itself; leave it out")
    flags = {name: getattr(args, name) for name in _FLAGS[args.kind]}
    return {name: value for name, value in flags.items() if value is not None}


def run_info(args: argparse.Namespace) -> None:
    """Describe a model."""
    if args.model.suffix == ".safetensors":
        _describe_lstm(args)
        return
    from asr.lm.perplexity import info

    show(_format_info(info(args.model, _read_text(args) if args.text else None)))


def _describe_lstm(args: argparse.Namespace) -> None:
    """Describe a network."""
    from asr.lm.neural.perplexity import measure_perplexity
    from asr.onnx.language_model import OnnxLanguageModel

    model = OnnxLanguageModel(args.model)
    lines = [
        f"{args.model}: LSTM of {model.hidden_size} units, {len(model.subwords):,} subwords, "
        f"{args.model.stat().st_size / 1e6:.1f} MB"
    ]
    if args.text:
        text = _read_text(args)
        lines.append(
            _format_perplexity(measure_perplexity(model.score_subwords, model.subwords, text))
        )
    show("\n".join(lines))


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


def _format_lstm(made: "TrainedNeuralModel") -> str:
    return (
        f"{made.path}: from {made.sentences:,} sentences of {made.words:,} words\n"
        f"  {made.subwords:,} subwords, {made.weights:,} weights, "
        f"{made.path.stat().st_size / 1e6:.1f} MB\n"
        f"  perplexity a word, while training: {made.perplexity:.1f}"
    )


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
