"""`asr evaluate`: a model's error rates on a cut manifest."""

import argparse

from asr.cli.flags import Verbs, add_model, add_report, print_report


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser("evaluate", help="a model's error rates on a cut manifest")
    verb.add_argument("manifest", metavar="MANIFEST", help="cut manifest with transcripts")
    add_model(verb)
    add_report(verb)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Transcribe a test set and score it."""
    from asr.evaluate import evaluate
    from asr.recognizer import load

    print_report(evaluate(load(args.model), args.manifest), args)
