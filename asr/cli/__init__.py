"""The command line: one file a verb, which parses, calls and prints.

What needs torch, numba or a corpus library is imported inside the verbs' functions, so that help
is instant.
"""

import argparse
import errno
import io
import os
import select
import sys
import warnings
from collections.abc import Sequence
from typing import TextIO

from asr import __version__
from asr.cli import align, evaluate, export, lexicon, lm, prepare, score, train, transcribe, tune
from asr.errors import DISK_FULL, UserError

VERBS = (prepare, train, evaluate, transcribe, align, score, lm, lexicon, tune, export)
#: How often a thread of torch's looks for work before it sleeps. Beside other programs, the 300,000
#: times of GNU's OpenMP take the core from the very thread that is waited for, and training takes
#: ten times as long; where nothing else runs, so few lose nothing. Read when torch is loaded.
SPINS = "3000"
INTERRUPTED = 130  # what a shell reports for a command ended by Ctrl-C
#: Flags that ask for more than what is printed.
FILES = ("output", "output_dir", "json", "html", "picture")
#: What a path that a user gave can be; of other errors of the system, most are our own.
BAD_PATH = (
    errno.EACCES, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EPERM,
    errno.EROFS,
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status: 0, 1 for a user's mistake, 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # in whose encoding a transcript may not fit
            stream.reconfigure(errors="backslashreplace")
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
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
        hint = "; the same command goes on from here" if _goes_on(parsed) else ""
        print(f"asr: stopped{hint}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, `head` say, has seen enough
        # That of our messages may have gone instead, while files were still to be written.
        broken = [stream for stream in (sys.stdout, sys.stderr) if _is_broken(stream)]
        _drop_output(*broken)
        prints_alone = parsed.verb != "train" and not any(vars(parsed).get(flag) for flag in FILES)
        return int(sys.stderr in broken and not (sys.stdout in broken and prints_alone))
    except OSError as error:
        if error.errno in BAD_PATH and error.filename is not None:
            print(f"asr: {error.filename}: {error.strerror}; check the path", file=sys.stderr)
            return 1
        if error.errno not in DISK_FULL:
            raise
        _drop_output(sys.stdout)
        where = error.filename or "standard output or a temporary file"
        print(f"asr: {where}: {error.strerror}; make room, then try again", file=sys.stderr)
        return 1


def _goes_on(parsed: argparse.Namespace) -> bool:
    """Tell whether a command, given again, passes over what it did before."""
    if parsed.verb == "prepare":  # of which a download does
        return parsed.source is None and parsed.path is None and parsed.corpus != "digits"
    writes = parsed.verb in ("transcribe", "align") and parsed.output_dir is not None
    return parsed.verb == "train" or (writes and not parsed.overwrite)


def _is_broken(stream: TextIO | None) -> bool:
    """Tell whether a stream is a pipe that nobody reads."""
    if stream is None:
        return False
    try:
        stream.flush()
    except BrokenPipeError:
        return True
    if not hasattr(select, "poll"):  # on Windows
        return False
    watched = select.poll()
    watched.register(stream, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in watched.poll(0))


def _drop_output(*streams: TextIO) -> None:
    """Send what is left of the output nowhere, or Python tries once more at its end, and fails."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(nowhere, stream.fileno())


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
