"""The command line: one file a verb, which parses, calls and prints.

Modules that need torch, numba or a corpus library are imported inside the verbs' functions, so
that help is instant. A command imports its own verb alone. Public is `main`, the command `asr`.
"""

import argparse
import errno
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from asr import __version__
from asr.cli.messages import complain, drop_output, is_broken, make_usable
from asr.cli.remedies import worded, worded_package
from asr.cli.utf8 import use_utf8
from asr.util.errors import DISK_FULL, UserError, is_out_of_memory

#: The modules of the verbs, in the order of the help.
VERBS = (
    "prepare", "train", "evaluate", "transcribe", "listen", "serve", "align", "score", "lm",
    "lexicon", "tune", "export", "cache",
)  # fmt: skip
#: How often an idle thread of torch looks for work before it sleeps. GNU's OpenMP has 300,000,
#: which take the core from the busy thread where other programs run, and training takes ten times
#: as long; where nothing else runs, 3,000 lose nothing. Read when torch is loaded.
SPINS = "3000"
INTERRUPTED = 130  # what a shell reports for a command ended by Ctrl-C
#: Flags that ask for more than what is printed.
FILES = ("output", "output_dir", "json", "html", "picture")
#: Errors of the system that a path of the user causes; most others are faults of the toolkit.
BAD_PATH = (
    errno.EACCES, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EPERM,
    errno.EROFS,
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status: 0, 1 for a user's mistake, 130 after Ctrl-C."""
    if arguments is None:
        use_utf8()
    make_usable()
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    given = sys.argv[1:] if arguments is None else arguments
    parsed = make_parser(given[0] if given else None).parse_args(given)
    if parsed.verb != "train":  # NumPy's: other verbs share the cores among files
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    warnings.showwarning = _show_warning
    try:
        status = parsed.run(parsed) or 0
        sys.stdout.flush()  # Python would do so later, when no handler catches an error
        return status
    except UserError as error:
        complain(error)
        return 1
    except KeyboardInterrupt:
        hint = "; the same command goes on from here" if _goes_on(parsed) else ""
        complain(f"stopped{hint}")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, `head` say, has seen enough
        # The reader of our messages may have gone instead, while files were still to be written.
        broken = [stream for stream in (sys.stdout, sys.stderr) if is_broken(stream)]
        drop_output(*broken)
        prints_alone = parsed.verb != "train" and not any(vars(parsed).get(flag) for flag in FILES)
        return int(sys.stderr in broken and not (sys.stdout in broken and prints_alone))
    except Exception as error:
        sentence = _sentence(parsed.verb, error)
        if sentence is None:
            raise
        if isinstance(error, OSError) and error.filename is None:  # it is standard output's
            drop_output(sys.stdout)
        complain(sentence)
        return 1


def _sentence(verb: str, error: Exception) -> str | None:
    """Word an error of the system, of memory or of a missing package; None for our own faults."""
    if is_out_of_memory(error):
        return "there is not enough memory; free some, or give less at once"
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        package = error.name.partition(".")[0]
        return None if package == "asr" else f"{verb}: {worded_package(package)}"
    if not isinstance(error, OSError):
        return None
    if error.errno in BAD_PATH and error.filename is not None:
        return f"{error.filename}: {error.strerror}; check the path"
    if error.errno in DISK_FULL:
        where = error.filename or "standard output or a temporary file"
        return f"{where}: {error.strerror}; make room, then try again"
    if error.errno == errno.EBADF and error.filename is None:  # all other files have names
        return "standard output is closed; give the result a place to go"
    return None


def _goes_on(parsed: argparse.Namespace) -> bool:
    """Tell whether a command, given again, continues where it stopped."""
    if parsed.verb == "prepare":  # a download continues
        return parsed.source is None and parsed.path is None and parsed.corpus != "digits"
    writes = parsed.verb in ("transcribe", "align") and parsed.output_dir is not None
    trains = parsed.verb == "train" or getattr(parsed, "kind", None) == "lstm"
    return trains or (writes and not parsed.overwrite)


def _show_warning(message: Warning | str, *_args: object, **_more: object) -> None:
    """Print a warning as one line, without its place in the code."""
    if isinstance(message, SyntaxWarning):  # of a library, which Python compiles for its first use
        return
    complain(f"{getattr(message, 'label', 'note')}: {worded(message)}")


class _Parser(argparse.ArgumentParser):
    """A parser that knows of files whose names begin with a dash."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and how such a file is named."""
        named = [part for part in message.split() if part.startswith("-") and "." in part[1:]]
        dashed = [part for part in named if os.path.lexists(part) or Path(part).suffix]
        if dashed and "unrecognized" in message:
            message += f"; a file of this name is given after -- or as ./{dashed[0]}"
        super().error(message)


def make_parser(first: str | None = None) -> argparse.ArgumentParser:
    """Describe every verb and flag, or those of one verb if the first argument names it."""
    parser = _Parser(prog="asr", description="Train, run and score small speech recognizers.")
    parser.add_argument("--version", action="version", version=f"asr {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name in [first] if first in VERBS else VERBS:
        import_module(f"asr.cli.{name}").add(verbs)
    return parser
