"""The command line: one file a verb, which parses, calls and prints.

What needs torch, numba or a corpus library is imported inside the verbs' functions, so that help
is instant.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence

from asr import __version__
from asr.cli import align, evaluate, export, lm, prepare, score, train, transcribe, tune
from asr.errors import UserError

VERBS = (prepare, train, evaluate, transcribe, align, score, lm, tune, export)
INTERRUPTED = 130  # what a shell reports for a command ended by Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status: 0, 1 for a user's mistake, 130 after Ctrl-C."""
    parsed = make_parser().parse_args(arguments)
    warnings.showwarning = _show_warning
    try:
        status = parsed.run(parsed) or 0
        if sys.stdout is not None:
            sys.stdout.flush()  # else Python does, when nobody handles what it meets
        return status
    except UserError as error:
        print(f"asr: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("asr: stopped; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _show_warning(message: Warning | str, *_args: object, **_more: object) -> None:
    """Print a warning as one line; where in the code it arose tells a user nothing."""
    print(f"asr: note: {message}", file=sys.stderr)


def make_parser() -> argparse.ArgumentParser:
    """Describe every verb and flag."""
    parser = argparse.ArgumentParser(
        prog="asr", description="Train, run and score small speech recognisers."
    )
    parser.add_argument("--version", action="version", version=f"asr {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb in VERBS:
        verb.add(verbs)
    return parser
