"""What is noticed about a client's recording, told to that client.

Readers of audio tell it as warnings, which name the file.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from asr.audio.samples import AudioWarning

_kept: dict[str, list[str]] = {}


@contextmanager
def collecting() -> Iterator[None]:
    """Keep the notes about recordings that `of` asks for, and tell none of them elsewhere."""
    with warnings.catch_warnings():
        # Not "default", which remembers each text for ever, and each names another file.
        warnings.simplefilter("always", AudioWarning)
        before = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if not isinstance(message, AudioWarning):
                before(message, category, filename, lineno, file, line)
                return
            path, _, note = str(message).partition(": ")
            if path in _kept:
                _kept[path].append(note)

        warnings.showwarning = show
        yield


@contextmanager
def notes_of(path: Path) -> Iterator[list[str]]:
    """Give the list to which notes about a recording are added."""
    found = _kept[str(path)] = []
    try:
        yield found
    finally:
        del _kept[str(path)]
