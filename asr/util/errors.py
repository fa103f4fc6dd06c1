"""The one exception that is a user's to mend, and what becomes of those that nobody foresaw."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb

#: What a system calls a disk, or a user's share of it, that has no room left.
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_PACKAGE = Path(__file__).parents[1]


class UserError(Exception):
    """A mistake in what the user gave: a path, a file's content, a setting.

    The message is one sentence that says what is wrong, what was found, where, and what to do,
    for example ``train.jsonl.gz:17: duration is -0.3 s, expected more than 0; prepare the corpus
    again``. The command line prints it without a traceback and exits with status 1.
    """


class FileError(UserError):
    """What kept one file from being worked on, and nobody foresaw; the others of a job go on."""


@contextmanager
def contained(where: str) -> Iterator[None]:
    """Make whatever goes wrong with one file the failure of that file alone.

    A `UserError`, a full disk and a reader of the output who has gone pass as they are.

    Args:
        where: the file, as the message is to name it.

    Raises:
        FileError: in place of any other error. It says what the system or the memory refused or,
            as such an error is a fault of ours, of which type it is and where, to be reported.
    """
    try:
        yield
    except (UserError, BrokenPipeError):
        raise
    except Exception as error:
        if is_out_of_memory(error):
            detail = "there is not enough memory for it; free some, or cut the file into parts"
            raise FileError(f"{where}: {detail}") from error
        if isinstance(error, OSError) and error.strerror:
            if error.errno in DISK_FULL:
                raise
            raise FileError(f"{where}: {error.strerror}; check the path") from error
        said = str(error).partition("\n")[0][:200]
        found = f"{type(error).__name__} ({said})"
        advice = "this is a fault of the toolkit; please report this line, if you can with the file"
        raise FileError(f"{where}: {found} in {_place(error)}: {advice}") from error


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether memory ran out, for which torch has no exception of its own on a CPU."""
    return isinstance(error, MemoryError) or "can't allocate memory" in str(error)


def _place(error: Exception) -> str:
    """Name the innermost line of the toolkit that the error came through."""
    frames = extract_tb(error.__traceback__)
    ours = (frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE))
    own = [frame for frame in ours if frame.filename != __file__]
    innermost = (own or frames)[-1]
    return f"{Path(innermost.filename).name}:{innermost.lineno}"
