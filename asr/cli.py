"""The command line: one function a verb, which parses, calls and prints.

What needs torch or a corpus library is imported inside the verbs, so that help is instant.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asr import __version__
from asr.errors import UserError

INTERRUPTED = 130  # what a shell reports for a command ended by Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status: 0, 1 for a user's mistake, 130 after Ctrl-C."""
    parsed = make_parser().parse_args(arguments)
    try:
        return parsed.run(parsed) or 0
    except UserError as error:
        print(f"asr: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("asr: stopped; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, `head` say, has seen enough
        sys.stderr.close()
        return 0


def make_parser() -> argparse.ArgumentParser:
    """Describe every verb and flag."""
    parser = argparse.ArgumentParser(
        prog="asr", description="Train, run and score small speech recognisers."
    )
    parser.add_argument("--version", action="version", version=f"asr {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_prepare(verbs)
    _add_train(verbs)
    _add_evaluate(verbs)
    _add_transcribe(verbs)
    _add_score(verbs)
    return parser


def _add_prepare(verbs: Any) -> None:
    verb = verbs.add_parser("prepare", help="turn a corpus, or your own speech, into cut manifests")
    verb.add_argument("corpus", metavar="CORPUS", help="an4, digits, librispeech or folder")
    verb.add_argument("path", nargs="?", type=Path, help="your recordings, for `folder`")
    verb.add_argument("--source", type=Path, help="the corpus, if it is here already")
    verb.add_argument("--output", type=Path, required=True, help="folder for the manifests")
    verb.add_argument(
        "--leave-out-bad", action="store_true", help="leave faulty utterances out, do not refuse"
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
    options.add_argument("--size", type=int, metavar="N", help="digits: training utterances (2000)")
    verb.set_defaults(run=prepare)


def prepare(args: argparse.Namespace) -> None:
    """Write the manifests of a corpus."""
    from asr import corpora

    if args.path and args.source:
        raise UserError("prepare: the corpus was given twice; give PATH or --source")
    source = args.path or args.source
    names = ("fold", "split", "train", "dev", "test", "halve_dev", "size")
    options = {name: getattr(args, name) for name in names}
    summary = corpora.prepare(
        args.corpus, source, args.output, leave_out_bad=args.leave_out_bad, **options
    )
    print(summary)


def _add_train(verbs: Any) -> None:
    verb = verbs.add_parser("train", help="run a training recipe, or what is left of it")
    verb.add_argument("recipe", metavar="RECIPE", help="an4, an4/small, ... or a YAML file")
    verb.add_argument(
        "overrides", nargs=argparse.REMAINDER, metavar="OVERRIDE",
        help="Hydra's, such as optimiser.lr=1e-3; -m sweeps, --cfg job shows the settings",
    )  # fmt: skip
    verb.set_defaults(run=train)


def train(args: argparse.Namespace) -> None:
    """Train; Hydra reads the overrides."""
    from asr.training.main import main as train_main

    train_main(args.recipe, args.overrides)


def _add_evaluate(verbs: Any) -> None:
    verb = verbs.add_parser("evaluate", help="a model's error rates on a cut manifest")
    verb.add_argument("manifest", metavar="MANIFEST", help="cut manifest with transcripts")
    _add_model(verb)
    _add_report(verb)
    verb.set_defaults(run=evaluate)


def evaluate(args: argparse.Namespace) -> None:
    """Transcribe a test set and score it."""
    from asr.evaluate import evaluate as evaluate_manifest
    from asr.recognizer import load

    _print_report(evaluate_manifest(load(args.model), args.manifest), args)


def _add_transcribe(verbs: Any) -> None:
    verb = verbs.add_parser("transcribe", help="audio files to text, one line a file")
    verb.add_argument("audio", nargs="+", metavar="AUDIO", help="audio files")
    _add_model(verb)
    verb.add_argument(
        "--picture", type=Path, metavar="PNG", help="also draw how the first file was heard"
    )
    verb.set_defaults(run=transcribe)


def transcribe(args: argparse.Namespace) -> int:
    """Print ``path<TAB>text`` for each file; a bad one is named, and the others go on."""
    from asr.recognizer import load

    recognizer = load(args.model)
    failed = 0
    for path in args.audio:
        try:
            print(f"{path}\t{recognizer.transcribe(path).text}", flush=True)
        except UserError as error:
            print(f"asr: {error}", file=sys.stderr)
            failed += 1
    if args.picture:
        from asr.plot import draw_transcription

        draw_transcription(recognizer, args.audio[0], args.picture)
        print(f"picture: {args.picture}", file=sys.stderr)
    if failed and len(args.audio) > 1:
        print(f"asr: {failed} of {len(args.audio)} files failed", file=sys.stderr)
    return int(failed > 0)


def _add_score(verbs: Any) -> None:
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
    _add_report(verb)
    verb.set_defaults(run=score)


def score(args: argparse.Namespace) -> None:
    """Score one or two hypothesis files."""
    from asr import scoring

    paths = [args.hypothesis, args.compare] if args.compare else [args.hypothesis]
    references, *hypotheses = scoring.read_transcripts(args.reference, *paths, layout=args.layout)
    _print_report(scoring.score(references, hypotheses[0]), args)
    if args.compare:
        comparison = scoring.compare(references, *hypotheses)
        names = (args.hypothesis.name, args.compare.name)
        print("\n" + scoring.format_comparison(comparison, *names))


def _add_model(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--model", type=Path, required=True, help="a .safetensors model, or its run folder"
    )


def _add_report(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--json", type=Path, metavar="FILE", help="write every number there too")
    verb.add_argument(
        "--worst", type=_count, default=5, metavar="N", help="worst utterances to show (5)"
    )


def _print_report(report: Any, args: argparse.Namespace) -> None:
    from asr.files import write_text
    from asr.scoring import format_report

    print(format_report(report, worst=args.worst))
    if args.json:
        text = json.dumps(report.to_dict(), indent=2, allow_nan=False, ensure_ascii=False)
        write_text(args.json, text + "\n")


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"expected 0 or more, found {number}")
    return number
