"""`asr evaluate`: a model's error rates on a cut manifest, or on speech with transcripts."""

import argparse
import math
from typing import TYPE_CHECKING

from asr.cli.flags import (
    Verbs,
    add_channel_and_track,
    add_decoding,
    add_device,
    add_model,
    add_report,
    decoding_options,
    print_report,
    read_selection,
)
from asr.cli.inputs import naming
from asr.cli.messages import complain
from asr.cli.stream_flags import add_streaming, stream_options
from asr.util.errors import UserError

if TYPE_CHECKING:
    from asr.cli.test_sets import TestSet
    from asr.inference.recognizer import Recognizer
    from asr.inference.streaming import StreamOptions
    from asr.inference.streaming.evaluation import StreamEvaluation
    from asr.scoring import UtteranceMedia


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser("evaluate", help="a model's error rates on a test set")
    verb.add_argument(
        "manifest",
        metavar="TEST_SET",
        help="a cut manifest, - for one on standard input, or lhotse's Shar; or a folder, a table, "
        "STM or Kaldi data, as prepare takes them",
    )
    add_model(verb)
    add_channel_and_track(verb)
    add_device(verb)
    add_decoding(verb)
    add_report(verb)
    group = verb.add_argument_group("streaming")
    group.add_argument(
        "--stream",
        action="store_true",
        help="also feed each utterance as a stream, and tell what that costs in words and time",
    )
    add_streaming(group)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Transcribe a test set and score it."""
    from asr.cli.test_sets import open_test_set

    with open_test_set(args.manifest, read_selection(args)) as test_set, naming({}):
        return _score(test_set, args)


def _score(test_set: "TestSet", args: argparse.Namespace) -> int:
    from asr.inference.evaluation import evaluate
    from asr.inference.recognizer import load

    streaming = _streaming(args)
    options = decoding_options(args)
    recognizer = load(args.model, options, device=args.device, precision=args.precision)
    for note in [*test_set.notes, *_note_tags(test_set, recognizer)]:
        complain(f"note: {note}")
    found = evaluate(test_set.cuts, recognizer)
    nce = found.normalized_cross_entropy
    known = None if math.isnan(nce) else nce
    below = ""
    if known is not None:
        below = f"\n\nConfidence: normalized cross-entropy {known:.3f} (1 tells all, 0 nothing)"

    def collect() -> "dict[str, UtteranceMedia]":
        from asr.inference.utterance_media import collect_utterance_media

        return collect_utterance_media(
            found.report, test_set.cuts, args.html, recognizer, args.worst
        )

    for error in (*test_set.problems, *found.left_out.values()):
        complain(error)
    left_out = len(test_set.problems) + len(found.left_out)
    if left_out:
        all_of_them = left_out + found.report.utterances
        below += f"\n\nLeft out: {left_out} of {all_of_them} utterances, which cannot be read"
    title = f"{args.manifest} by {args.model}"
    more: dict[str, object] = {
        "normalized_cross_entropy": known,
        "left_out": list(found.left_out),
    }
    if streaming is not None:
        from asr.inference.streaming.evaluation import evaluate_streams

        streamed = evaluate_streams(test_set.cuts, recognizer, streaming)
        context_ms = streaming.context_ms(recognizer.engine.settings)
        sizes = f"chunks of {streaming.chunk_ms:g} ms, right context {context_ms:g} ms"
        below += f"\n\nStreaming: {sizes}\n{_describe(streamed, found.report.wer)}"
        more["streaming"] = {
            "chunk_ms": streaming.chunk_ms,
            "right_context_ms": context_ms,
            "word_error_rate": streamed.report.wer,
            **streamed.latency.to_dict(),
        }
    print_report(found.report, args, title, collect, below, **more)
    return int(left_out > 0)


def _streaming(args: argparse.Namespace) -> "StreamOptions | None":
    """Read the flags of streaming; None without --stream."""
    if args.stream:
        return stream_options(args)
    for flag in ("chunk_ms", "right_context_ms", "endpoint"):
        if getattr(args, flag) is not None:
            raise UserError(f"--{flag.replace('_', '-')}: is of streams; add --stream")
    return None


def _describe(streamed: "StreamEvaluation", offline: float) -> str:
    """Word what streaming costs."""
    latency = streamed.latency
    numbers = latency.to_dict()

    def times(name: str) -> str:
        mean, most = numbers[f"{name}_latency_mean_s"], numbers[f"{name}_latency_95_s"]
        return "-" if mean is None else f"mean {mean:.2f} s, 95 % within {most:.2f} s"

    rows = {
        "Word error rate": f"{streamed.report.wer:.2%} streamed, {offline:.2%} offline",
        "End of a word to its first showing": times("partial"),
        "End of speech to final text": times("final"),
        "Shown words that changed": f"{latency.changed_fraction:.1%}",
        "Speed": f"{latency.real_time_factor:.1f} s of audio a second of computing",
    }
    return "\n".join(f"  {name:36}{text}" for name, text in rows.items())


def _note_tags(test_set: "TestSet", recognizer: "Recognizer") -> list[str]:
    """Note what becomes of tags in the references, as they did in the model's training."""
    from asr.text.tags import describe_tags

    tags = describe_tags(cut.supervisions[0].text for cut in test_set.cuts)
    left_out = "left out of the references" if recognizer.tokenizer.tags == "drop" else "kept"
    return [f"{tags}; {left_out}, as in the model's training"] if tags else []
