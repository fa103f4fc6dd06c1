"""`asr prepare`: a corpus, or your own speech, becomes cut manifests."""

import argparse
from pathlib import Path

from asr.cli.flags import Verbs
from asr.cli.messages import show
from asr.util.errors import UserError

OPTIONS = ("into", "language", "fold", "split", "train", "dev", "test", "halve_dev", "size")


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser("prepare", help="turn a corpus, or your own speech, into cut manifests")
    verb.add_argument(
        "corpus", metavar="CORPUS", nargs="?",
        help="an4, digits, librispeech, folder, manifests, or one of --list",
    )  # fmt: skip
    verb.add_argument("path", nargs="?", type=Path, help="for `folder` and `manifests`: its path")
    verb.add_argument("--list", action="store_true", help="list all corpora and what each needs")
    verb.add_argument("--source", type=Path, help="the corpus, if it is here already")
    verb.add_argument("--output", type=Path, help="folder for the manifests; required")
    verb.add_argument(
        "--skip-invalid",
        action="store_true",
        help="leave faulty utterances out instead of refusing the corpus",
    )
    options = verb.add_argument_group("for one corpus")
    options.add_argument(
        "--fold", type=int, metavar="0..6", help="an4: which seventh of the speakers is dev (6)"
    )
    options.add_argument(
        "--split", choices=("speakers", "espnet"), help="an4: espnet takes ESPnet's dev set"
    )
    for name in ("train", "dev", "test"):
        options.add_argument(f"--{name}", nargs="+", metavar="PART", help="librispeech: its parts")
    options.add_argument(
        "--halve-dev", action="store_true", default=None,
        help="librispeech: half of the dev part's speakers become test",
    )  # fmt: skip
    options.add_argument(
        "--into", choices=("train", "dev", "test"),
        help="all utterances go to this split, as a test set of its own does",
    )  # fmt: skip
    options.add_argument(
        "--language", nargs="+", metavar="CODE", help="Common Voice, FLEURS...: these languages"
    )
    options.add_argument("--size", type=int, metavar="N", help="digits: training utterances (2000)")
    verb.set_defaults(run=run, wrong_usage=verb.error)


def run(args: argparse.Namespace) -> None:
    """Write the manifests and print a summary, or print the list of corpora."""
    if not args.list and (args.corpus is None or args.output is None):
        args.wrong_usage("the following arguments are required: CORPUS, --output")

    import lhotse  # noqa: F401  (where it is missing, nothing is downloaded)

    from asr import corpora
    from asr.cli.corpora_list import list_corpora

    if args.list:
        show(list_corpora())
        return
    if args.path and args.source:
        raise UserError("prepare: the corpus was given twice; give PATH or --source")
    options = {name: getattr(args, name) for name in OPTIONS}
    source = args.path or args.source
    show(
        corpora.prepare(args.corpus, source, args.output, skip_invalid=args.skip_invalid, **options)
    )
