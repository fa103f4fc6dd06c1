"""Files written whole or not at all, and files found below a folder."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import file_digest
from pathlib import Path
from secrets import token_hex
from typing import IO
from urllib.parse import quote

from asr.util.errors import DISK_FULL, UserError
from asr.util.printable import CONTROLS

#: Characters that separate folders, begin an escape, or are not printable.
_NOT_IN_NAMES = re.compile(rf"[/\\%{CONTROLS}]")


@contextmanager
def write_atomically(path: Path, size: int | None = None) -> Iterator[IO[bytes]]:
    """Open a new file that replaces `path` once it is complete and on the disk.

    A process killed at any moment leaves the old file or the new one. Missing folders are made and
    links followed. A device or a pipe, such as /dev/stdout, is written to directly.

    Args:
        path: the file.
        size: of the new file in bytes, where it is known.

    Raises:
        UserError: the place cannot be written to, or the disk is full.
    """
    try:
        special = path.exists() and not (path.is_file() or path.is_dir())
        with path.open("wb") if special else open_replacement(Path(os.path.realpath(path))) as file:
            yield file
    except OSError as error:
        reason = error.strerror or error
        advice = _word_remedy(path, size) if error.errno in DISK_FULL else "give another path"
        raise UserError(f"{path}: cannot be written: {reason}; {advice}") from error


def _word_remedy(path: Path, size: int | None) -> str:
    """Word the advice for a full disk, with the room that the file needs."""
    stands = "the old file stands; " if path.is_file() else ""
    wanted = "" if size is None else f" for {size / 1e6:.2f} MB"
    return f"{stands}make room{wanted}, then try again"


@contextmanager
def open_replacement(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file in the folder of `path` that replaces `path` at the end.

    Raises:
        OSError: the place cannot be written to, or the disk is full.
    """
    # The name is random, since threads and other containers may write the same file at once, and
    # short, since `path` may have a name of 255 bytes, the most there are. `open` gives the usual
    # permissions; `tempfile` would forbid other users to read.
    partial = path.with_name(f".{path.name[:40]}.partial{token_hex(8)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def escape_file_name(name: str) -> str:
    """Escape a name so that it is one file's, printable, and different for different names."""
    return _NOT_IN_NAMES.sub(lambda found: quote(found[0], safe="", errors="surrogatepass"), name)


def open_without_waiting(path: str, flags: int) -> int:
    """Open a file, or a pipe before anybody writes to it; an `opener` for `open`."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def digest(path: Path) -> str:
    """Hash a file's content: SHA-256, in hexadecimal.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write a whole file as `write_atomically` does."""
    with write_atomically(path, size=len(content)) as file:
        file.write(content)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text as `write_atomically` does; lone surrogates as JSON escapes them."""
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def remove_partials(folder: Path, idle_s: float = 0.0) -> None:
    """Remove the unfinished files that killed processes left in a folder.

    `idle_s` keeps the files of other processes: those written to in the last so many seconds.
    """
    for partial in folder.glob(".*.partial*"):
        with suppress(FileNotFoundError):  # another process removes them too
            if time.time() - partial.lstat().st_mtime >= idle_s:
                partial.unlink()


def find_files(root: Path, without: Path | None = None) -> tuple[list[Path], list[OSError]]:
    """List the files below a folder but hidden ones, and the errors of unreadable folders.

    Args:
        root: the folder; links are followed, and a folder linked to from several places is read
            once.
        without: a folder that is not searched.
    """
    seen = {place.resolve() for place in (root, without) if place is not None}
    files: list[Path] = []
    closed: list[OSError] = []
    for folder, inner, names in os.walk(root, onerror=closed.append, followlinks=True):
        visible = [name for name in sorted(inner) if not name.startswith(".")]
        inner.clear()  # in place: os.walk descends into what the list holds then
        for name in visible:
            place = Path(folder, name).resolve()
            if place not in seen:
                seen.add(place)
                inner.append(name)
        files += [Path(folder, name) for name in names if not name.startswith(".")]
    return files, closed
