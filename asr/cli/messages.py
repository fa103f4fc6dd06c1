"""What the command line prints: results on standard output, the rest on standard error.

A program may find these streams closed, full, or with no reader.
"""

import io
import os
import select
import sys
from typing import Any, TextIO

from asr.cli.remedies import worded
from asr.util.printable import printable_lines, printable_sentence, shorten


def show(text: object, end: str = "\n") -> None:
    """Print a result of one or several lines, and flush it."""
    print(printable_lines(str(text)), end=end, flush=True)


def tell(sentence: object) -> None:
    """Print a sentence beside the result, on standard error."""
    print(shorten(printable_sentence(str(sentence))), file=sys.stderr)


def complain(sentence: object) -> None:
    """Print an error or a note, with the remedy that it names."""
    tell(f"asr: {worded(sentence)}")


def make_usable() -> None:
    """Replace streams that are closed, and let any text be printed.

    The next file that is opened would otherwise get the number of a closed stream, and messages of
    libraries would be written into that file, even into a model that is being saved. Messages are
    discarded then; printing a result raises an error.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed; os.open takes the lowest free number, which is this one
            os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_RDWR)
            os.set_inheritable(number, True)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # whose encoding may lack characters of a transcript
            stream.reconfigure(errors="backslashreplace")
    if not isinstance(sys.stderr, _Messages):
        sys.stderr = _Messages(sys.stderr)


class _Messages:
    """Standard error, whose failures end no work: a terminal that was closed, a full disk.

    A pipe without a reader still fails, since whoever closed it wants no more.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, or lose it."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            raise
        except OSError:
            return len(text)

    def flush(self) -> None:
        """Flush what was written, or lose it."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError:
            return

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def is_broken(stream: TextIO) -> bool:
    """Tell whether a stream is a pipe that nobody reads."""
    try:
        stream.flush()
    except BrokenPipeError:
        return True
    if not hasattr(select, "poll"):  # on Windows
        return False
    watched = select.poll()
    watched.register(stream, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in watched.poll(0))


def drop_output(*streams: TextIO) -> None:
    """Discard buffered output, which Python would otherwise try to write once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(nowhere, stream.fileno())
