"""The exceptions whose messages users read, and how unforeseen errors become such messages."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb

#: The numbers of the errors "no space left on device" and "disk quota exceeded".
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_PACKAGE = Path(__file__).parents[1]


class _RemediableError(Exception):
    """A message, and a key of what can be done about it.

    Attributes:
        remedy: a key of `asr.cli.remedies.REMEDIES`, which words the remedy as flags of the command
            line; None where the message says all.
        details: what the wording of the remedy needs, by name.
    """

    def __init__(self, message: str, *, remedy: str | None = None, **details: object) -> None:
        super().__init__(message)
        self.remedy, self.details = remedy, details


class UserError(_RemediableError):
    """A mistake in what the user gave: a path, a file's content, a setting.

    The message is one sentence that tells what is wrong, what was found, where, and what to do,
    for example ``train.jsonl.gz:17: duration is -0.3 s, expected more than 0; prepare the corpus
    again``. A remedy that is a flag of the command line is not in the message: `remedy` names it.
    The command line prints the error without a traceback and exits with status 1.
    """

    def reworded(self, message: str) -> "UserError":
        """Give an error with another message and this one's remedy."""
        return UserError(message, remedy=self.remedy, **self.details)


class UserNote(_RemediableError, UserWarning):  # noqa: N818 (a warning, never raised)
    """A warning about what the user gave; the work goes on.

    Attributes:
        label: the word that the command line puts before it.
    """

    label = "note"

    def reworded(self, message: str) -> "UserNote":
        """Give a note with another message and this one's remedy."""
        return type(self)(message, remedy=self.remedy, **self.details)


class FileError(UserError):
    """An unforeseen error in the work on one file; a job goes on with its other files."""


@contextmanager
def contain_errors(where: str) -> Iterator[None]:
    """Turn an unforeseen error in the work on one file into a `FileError`.

    A `UserError`, a full disk, a closed pipe of the output and a missing package are raised
    unchanged.

    Args:
        where: the file's name in the message.

    Raises:
        FileError: in place of any other error. The message tells what the operating system
            refused, or that memory ran out, or else, the error being a fault of the toolkit, its
            type and its place.
    """
    try:
        yield
    except (UserError, BrokenPipeError, ModuleNotFoundError):
        raise
    except Exception as error:
        if is_out_of_memory(error):
            detail = "there is not enough memory for it; free some, or cut the file into parts"
            raise FileError(f"{where}: {detail}") from error
        if isinstance(error, OSError) and error.strerror:
            if error.errno in DISK_FULL:
                raise
            raise FileError(f"{where}: {error.strerror}; check the path") from error
        first_line = str(error).partition("\n")[0][:200]
        found = f"{type(error).__name__} ({first_line})"
        advice = "this is a fault of the toolkit; please report this line, if you can with the file"
        raise FileError(f"{where}: {found} in {_place(error)}: {advice}") from error


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether memory ran out, for which torch has no exception of its own on a CPU."""
    return isinstance(error, MemoryError) or "can't allocate memory" in str(error)


def _place(error: Exception) -> str:
    """Name the innermost line of the toolkit in the error's traceback."""
    frames = extract_tb(error.__traceback__)
    ours = (frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE))
    own = [frame for frame in ours if frame.filename != __file__]
    innermost = (own or frames)[-1]
    return f"{Path(innermost.filename).name}:{innermost.lineno}"
