"""`asr transcribe`: audio files to text, one line a file."""

import argparse
import sys
from pathlib import Path

from asr.cli.flags import Verbs, add_decoding, add_model, decoding_options
from asr.errors import UserError


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser("transcribe", help="audio files to text, one line a file")
    verb.add_argument("audio", nargs="+", metavar="AUDIO", help="audio files")
    add_model(verb)
    add_decoding(verb)
    verb.add_argument(
        "--picture", type=Path, metavar="PNG", help="also draw how the first file was heard"
    )
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print ``path<TAB>text`` for each file; a bad one is named, and the others go on."""
    from asr.recognizer import load

    recognizer = load(args.model, decoding_options(args))
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
