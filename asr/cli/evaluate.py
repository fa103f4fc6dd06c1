"""`asr evaluate`: a model's error rates on a cut manifest."""

import argparse
import math
from typing import TYPE_CHECKING

from asr.cli.flags import (
    Verbs,
    add_decoding,
    add_device,
    add_model,
    add_report,
    decoding_options,
    print_report,
)
from asr.cli.messages import complain

if TYPE_CHECKING:
    from asr.scoring import UtteranceMedia


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser("evaluate", help="a model's error rates on a cut manifest")
    verb.add_argument("manifest", metavar="MANIFEST", help="cut manifest with transcripts")
    add_model(verb)
    add_device(verb)
    add_decoding(verb)
    add_report(verb)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Transcribe a test set and score it."""
    from asr.inference.evaluation import evaluate
    from asr.inference.recognizer import load

    options = decoding_options(args)
    recognizer = load(args.model, options, device=args.device, precision=args.precision)
    found = evaluate(args.manifest, recognizer)
    nce = found.normalized_cross_entropy
    known = None if math.isnan(nce) else nce
    below = ""
    if known is not None:
        below = f"\n\nConfidence: normalised cross-entropy {known:.3f} (1 tells all, 0 nothing)"

    def collect() -> "dict[str, UtteranceMedia]":
        from asr.data.manifests import read_cuts
        from asr.inference.utterance_media import collect_utterance_media

        cuts = read_cuts(args.manifest)
        return collect_utterance_media(found.report, cuts, args.html, recognizer, args.worst)

    for error in found.left_out.values():
        complain(error)
    if found.left_out:
        left_out, all_of_them = len(found.left_out), len(found.left_out) + found.report.utterances
        below += f"\n\nLeft out: {left_out} of {all_of_them} utterances, which cannot be read"
    title = f"{args.manifest} by {args.model}"
    more = {"normalized_cross_entropy": known, "left_out": list(found.left_out)}
    print_report(found.report, args, title, collect, below, **more)
    return int(bool(found.left_out))
