"""Standard input, output and error, as a program may find them: closed, full, or with no reader."""

import io
import os
import select
import sys
from typing import TextIO


def make_usable() -> None:
    """Stand something in for streams that are closed, and let any text be printed.

    What was opened next would otherwise take a closed stream's number, and the messages of
    libraries would go into it, be it a model that is being saved. Messages go nowhere then; results
    meet an error, if there are any.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed; the lowest free number is taken, which is this one
            os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_RDWR)
            os.set_inheritable(number, True)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # in whose encoding a transcript may not fit
            stream.reconfigure(errors="backslashreplace")


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
    """Send what is left of the output nowhere, or Python tries once more at its end, and fails."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(nowhere, stream.fileno())
