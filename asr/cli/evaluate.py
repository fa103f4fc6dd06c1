"""`asr evaluate`: a model's error rates on a cut manifest."""

import argparse
import math

from asr.cli.flags import (
    Verbs,
    add_decoding,
    add_model,
    add_report,
    decoding_options,
    print_report,
)


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser("evaluate", help="a model's error rates on a cut manifest")
    verb.add_argument("manifest", metavar="MANIFEST", help="cut manifest with transcripts")
    add_model(verb)
    add_decoding(verb)
    add_report(verb)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Transcribe a test set and score it."""
    from asr.decoding.decoder import load_lm
    from asr.evaluate import evaluate
    from asr.recognizer import load

    options = decoding_options(args)
    recognizer = load(args.model, options)
    lm = load_lm(options) if options.lm and options.lm_unit == "word" else None
    found = evaluate(recognizer, args.manifest, vocabulary=set(lm.words) if lm else None)
    nce = found.normalised_cross_entropy
    known = None if math.isnan(nce) else nce
    exhibits = None
    if args.html:
        from asr.data import read_cuts
        from asr.exhibits import collect_exhibits

        cuts = read_cuts(args.manifest)
        exhibits = collect_exhibits(found.report, cuts, args.html, recognizer, args.worst)
    title = f"{args.manifest} by {args.model}"
    print_report(found.report, args, title, exhibits, normalised_cross_entropy=known)
    if known is not None:
        print(f"\nConfidence: normalised cross-entropy {known:.3f} (1 tells all, 0 nothing)")
