"""Writing files that are whole or absent, never half."""

import os
from collections.abc import Callable
from pathlib import Path

from asr.errors import UserError


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a neighbour of `path`, then move it into place.

    A process killed at any moment leaves the old file or the new one.

    Raises:
        UserError: the place cannot be written to.
    """
    partial = path.with_name(f".{path.name}.partial{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.touch()
            mode = partial.stat().st_mode
            write(partial)
            partial.chmod(mode)  # safetensors would let nobody but its user read
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{path}: cannot be written: {reason}; give another path") from error


def write_text(path: Path, text: str) -> None:
    """Write text atomically.

    Raises:
        UserError: the place cannot be written to.
    """
    write_atomically(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def remove_partials(folder: Path) -> None:
    """Remove what writers killed at their work left in a folder that nobody else writes to."""
    for partial in folder.glob(".*.partial*"):
        partial.unlink(missing_ok=True)
