"""Flags that several verbs share, and the functions that read them."""

import argparse
import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asr.cli.messages import show
from asr.util.errors import UserError
from asr.util.paths import DEFAULT_MODEL, shipped_decoding, shipped_models

if TYPE_CHECKING:
    from asr.audio.selection import Selection
    from asr.decoding.options import DecodingOptions
    from asr.scoring import Report, UtteranceMedia

#: What `add_subparsers` returns; argparse keeps its type private.
Verbs = Any


def add_model(verb: argparse.ArgumentParser) -> None:
    """Add --model."""
    verb.add_argument(
        "--model",
        type=Path,
        default=Path(DEFAULT_MODEL),
        help="a .safetensors model, its run folder, or a model that comes with the toolkit: "
        f"{', '.join(shipped_models())} ({DEFAULT_MODEL})",
    )


def add_device(verb: argparse.ArgumentParser) -> None:
    """Add --device and --precision."""
    verb.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="cpu",
        help="where the network computes (cpu); auto: a GPU if there is one",
    )
    verb.add_argument(
        "--precision",
        choices=("auto", "float32"),
        default="auto",
        help="auto: 8 bits where the model file has them and a CPU computes (auto)",
    )


def add_selection(verb: argparse.ArgumentParser, *, each: bool, strict: bool) -> None:
    """Add the flags of `read_selection` for whole recordings or parts of them.

    Args:
        verb: their verb.
        each: whether each of several channels can be taken by itself.
        strict: whether damaged recordings are refused unless flags say otherwise.
    """
    group = _add_channel_and_track(verb, each=each)
    group.add_argument(
        "--start", type=_seconds, default=0.0, metavar="S", help="seconds to leave out first"
    )
    group.add_argument("--duration", type=_seconds, metavar="S", help="seconds to read (all)")
    group.add_argument(
        "--strict",
        action=argparse.BooleanOptionalAction,
        default=strict,
        help="refuse a recording that is damaged or cut short; else what there is of it is read",
    )


def add_channel_and_track(verb: argparse.ArgumentParser) -> None:
    """Add the flags of `read_selection` for recordings that are read whole, and must be whole."""
    verb.set_defaults(start=0.0, duration=None, strict=True)
    _add_channel_and_track(verb, each=False)


def _add_channel_and_track(
    verb: argparse.ArgumentParser, *, each: bool
) -> "argparse._ArgumentGroup":
    group = verb.add_argument_group("what of a recording is read")
    ways = "mix, left, right, each, or a number from 1" if each else "mix, left, right, or a number"
    meaning = "; each: every channel by itself" if each else ""
    group.add_argument(
        "--channel",
        type=partial(_channel, each=each),
        default="mix",
        metavar="NAME",
        help=f"which of several channels: {ways} (mix){meaning}",
    )
    group.add_argument(
        "--track",
        type=_number,
        metavar="N",
        help="which of a video's audio tracks, from 1 (its default one, if that has sound)",
    )
    return group


def read_selection(args: argparse.Namespace) -> "Selection":
    """Read the flags of `add_selection` or `add_channel_and_track`."""
    from asr.audio.selection import Selection

    return Selection(args.channel, args.track, args.start, args.duration, args.strict)


def _channel(text: str, each: bool) -> str:
    names = ("mix", "left", "right", *(["each"] if each else []))
    if text in names or (text.isdecimal() and int(text) > 0):
        return str(int(text)) if text.isdecimal() else text
    raise argparse.ArgumentTypeError(
        f"expected {', '.join(names)} or a number from 1, found {text!r}"
    )


def _number(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a number from 1, found {text!r}")


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 0 <= (seconds := float(text)) < math.inf:
            return seconds
    raise argparse.ArgumentTypeError(f"expected seconds, such as 90 or 1.5, found {text!r}")


def add_decoding(verb: argparse.ArgumentParser) -> None:
    """Add the flags of `decoding_options`, to search with a beam or greedily."""
    group = verb.add_argument_group(
        "decoding (as a model that comes with the toolkit was tuned; greedy with others)"
    )
    group.add_argument("--greedy", action="store_true", help="the best path, without beam search")
    _add_beam(group)


def add_beam(verb: argparse.ArgumentParser) -> None:
    """Add the flags of `decoding_options`, to search with a beam."""
    verb.set_defaults(greedy=False)
    _add_beam(verb.add_argument_group("where to start (as a shipped model was tuned)"))


def _add_beam(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--decoding", type=Path, metavar="YAML", help="options written by `asr tune`"
    )
    group.add_argument("--beam", type=int, metavar="N", help="beam search, N prefixes wide")
    group.add_argument("--lm", type=Path, metavar="ARPA", help="n-gram language model")
    group.add_argument(
        "--lm-weight", type=float, metavar="X", help="of the model's log-probabilities"
    )
    group.add_argument(
        "--neural-lm", type=Path, metavar="FILE", help="LSTM language model of a second pass"
    )
    group.add_argument("--word-score", type=float, metavar="X", help="nats added for every word")
    group.add_argument(
        "--vocabulary",
        type=Path,
        metavar="FILE",
        help="the only words to write, one a line; a lexicon also tells how a model of phones is "
        "to pronounce them",
    )
    group.add_argument("--hotwords", type=Path, metavar="FILE", help="phrases to favor")
    group.add_argument("--hotword-boost", type=float, metavar="X", help="nats for each letter")


def decoding_options(args: argparse.Namespace) -> "DecodingOptions":
    """Read the options file, given or shipped, and override its values by the flags.

    Raises:
        UserError: --greedy beside flags of the beam search, or a file that cannot be used.
    """
    from asr.decoding.options import DecodingOptions, read_options

    flags = {
        "beam_size": args.beam,
        "lm": args.lm,
        "lm_weight": args.lm_weight,
        "neural_lm": args.neural_lm,
        "word_score": args.word_score,
        "vocabulary": args.vocabulary,
        "hotwords": args.hotwords,
        "hotword_boost": args.hotword_boost,
    }
    given = {name: value for name, value in flags.items() if value is not None}
    if args.greedy:
        if given or args.decoding:
            raise UserError("--greedy: asks for no beam search, other flags do; leave one out")
        return DecodingOptions()
    file = args.decoding or shipped_decoding(args.model)
    base = read_options(file) if file else DecodingOptions()
    if args.lm:
        given["lm_digest"] = None  # the weights were tuned with another model
    if args.neural_lm:
        given["neural_lm_digest"] = None
    return replace(base, search="beam", **given) if given else base


def add_report(verb: argparse.ArgumentParser) -> None:
    """Add the flags of `print_report`."""
    verb.add_argument("--json", type=Path, metavar="FILE", help="also write every number")
    verb.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="also write a page with the edit alignment of every utterance",
    )
    verb.add_argument(
        "--worst", type=_count, default=5, metavar="N", help="worst utterances to show (5)"
    )


def print_report(
    report: "Report",
    args: argparse.Namespace,
    title: str,
    collect: "Callable[[], Mapping[str, UtteranceMedia]] | None" = None,
    below: str = "",
    **more: Any,
) -> None:
    """Print a report and write it as JSON, with `more` beside it, and as a page, where asked for.

    Args:
        report: the error rates.
        args: the flags of `add_report`.
        title: heads the page.
        collect: gathers the audio, level and picture of each utterance for the page.
        below: printed below the report.
        **more: JSON data.
    """
    from asr.scoring import format_html, format_report
    from asr.util.files import write_text

    # A closed pipe, a file that cannot be written, or a stop while media are collected must
    # not lose the other results, which may be the work of hours.
    try:
        if args.json:
            data = report.to_dict() | more
            write_text(args.json, json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False))
    finally:
        try:
            show(format_report(report, worst=args.worst) + below)
        finally:
            if args.html:
                write_text(args.html, format_html(report, title, collect() if collect else None))


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"expected 0 or more, found {number}")
    return number
