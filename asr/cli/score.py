"""`asr score`: error rates of text files; no model needed."""

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from asr.cli.flags import Verbs, add_report, print_report
from asr.text.normalizers import NORMALIZERS

if TYPE_CHECKING:
    from lhotse import CutSet

    from asr.scoring import Report, UtteranceMedia


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "score",
        help="error rates of text files; no model needed",
        description="Score lines of text, or what `asr transcribe` and other tools write: stm, "
        "ctm, trn, srt, vtt, json, jsonl, tsv and TextGrid, told by their names or contents.",
    )
    verb.add_argument(
        "reference", type=Path, metavar="REFERENCE", help="correct transcripts, - is standard input"
    )
    verb.add_argument("hypothesis", type=Path, metavar="HYPOTHESIS", help="transcripts to score")
    verb.add_argument(
        "--compare",
        type=Path,
        metavar="OTHER",
        help="a second hypothesis, and whether its error rate differs beyond chance",
    )
    verb.add_argument(
        "--layout", choices=["auto", "kaldi", "trn", "plain"], default="auto",
        help="kaldi: each line begins with an utterance id; trn: each ends in one, in parentheses",
    )  # fmt: skip
    verb.add_argument(
        "--missing-as-deleted", action="store_true",
        help="score an utterance without a hypothesis as an empty one, instead of refusing",
    )  # fmt: skip
    verb.add_argument(
        "--manifest", metavar="MANIFEST",
        help="cut manifest of these utterances: rates by speaker, and audio for --html",
    )  # fmt: skip
    verb.add_argument(
        "--normalizer", choices=list(NORMALIZERS), default="none",
        help="applied to both texts: lower and upper ignore case and punctuation (none)",
    )  # fmt: skip
    add_report(verb)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Score one hypothesis file, and compare it with another where one is given."""
    from asr import scoring

    paths = [args.hypothesis, args.compare] if args.compare else [args.hypothesis]
    pairs = scoring.read_transcripts(
        args.reference, *paths,
        layout=args.layout, missing_as_deleted=args.missing_as_deleted,
    )  # fmt: skip
    references, hypotheses = pairs[0]
    cuts, speakers = _read_manifest(args.manifest)
    normalize = NORMALIZERS[args.normalizer]
    report = scoring.score(references, hypotheses, speakers=speakers, normalize=normalize)
    below, more = "", {"normalizer": args.normalizer}
    if args.compare:
        names = args.hypothesis.name, args.compare.name
        if names[0] == names[1]:
            names = str(args.hypothesis), str(args.compare)
        others, compared = pairs[1]
        comparison = scoring.compare(
            references, hypotheses, compared,
            references_b=others, speakers=speakers, normalize=normalize,
        )  # fmt: skip
        below = "\n\n" + scoring.format_comparison(comparison, *names)
        more["comparison"] = comparison.to_dict()

    collect = None if cuts is None else partial(_collect, report, cuts, args.html)
    form = "" if args.normalizer == "none" else f", in {args.normalizer} case without punctuation"
    title = f"{args.hypothesis.name} against {args.reference.name}{form}"
    print_report(report, args, title, collect, below, **more)


def _collect(report: "Report", cuts: "CutSet", page: Path) -> "dict[str, UtteranceMedia]":
    from asr.inference.utterance_media import collect_utterance_media

    return collect_utterance_media(report, cuts, page)


def _read_manifest(manifest: str | None) -> "tuple[CutSet | None, dict[str, str] | None]":
    if manifest is None:
        return None, None
    from asr.data.manifests import read_cuts, read_speakers

    cuts = read_cuts(manifest)
    return cuts, read_speakers(cuts)
