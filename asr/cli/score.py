"""`asr score`: error rates of text files; no model needed."""

import argparse
from pathlib import Path

from asr.cli.flags import Verbs, add_report, print_report


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser("score", help="error rates of text files; no model needed")
    verb.add_argument("reference", type=Path, metavar="REFERENCE", help="what was said")
    verb.add_argument("hypothesis", type=Path, metavar="HYPOTHESIS", help="what was recognised")
    verb.add_argument(
        "--compare", type=Path, metavar="OTHER", help="a second hypothesis: better, or by chance?"
    )
    verb.add_argument(
        "--layout", choices=["auto", "kaldi", "plain"], default="auto",
        help="kaldi: each line begins with an utterance id",
    )  # fmt: skip
    add_report(verb)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Score one hypothesis file, and compare it with another where one is given."""
    from asr import scoring

    paths = [args.hypothesis, args.compare] if args.compare else [args.hypothesis]
    references, *hypotheses = scoring.read_transcripts(args.reference, *paths, layout=args.layout)
    report = scoring.score(references, hypotheses[0])
    if not args.compare:
        print_report(report, args)
        return
    comparison = scoring.compare(references, *hypotheses)
    print_report(report, args, comparison=comparison.to_dict())
    names = (args.hypothesis.name, args.compare.name)
    print("\n" + scoring.format_comparison(comparison, *names))
