"""Files written whole or not at all, and files found at any depth."""

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

#: What parts folders, what escapes begin with, and what is no text.
_NOT_IN_NAMES = re.compile(rf"[/\\%{CONTROLS}]")


@contextmanager
def replacing(path: Path, size: int | None = None) -> Iterator[IO[bytes]]:
    """Open a file that takes its place at `path` once it is whole and on the disk, or never does.

    A process killed at any moment leaves the old file or the new one. Folders on the way are made.
    A link is followed. A device or a pipe, such as /dev/stdout, has nothing to replace and is
    written to directly.

    Args:
        path: the file.
        size: in bytes, where it is known.

    Raises:
        UserError: the place cannot be written to, or the disk is full.
    """
    try:
        special = path.exists() and not (path.is_file() or path.is_dir())
        with path.open("wb") if special else beside(Path(os.path.realpath(path))) as file:
            yield file
    except OSError as error:
        reason = error.strerror or error
        mend = _room(path, size) if error.errno in DISK_FULL else "give another path"
        raise UserError(f"{path}: cannot be written: {reason}; {mend}") from error


def _room(path: Path, size: int | None) -> str:
    """Say what is left where a disk was full, and how much room a file wants."""
    stands = "the old file stands; " if path.is_file() else ""
    wanted = "" if size is None else f" for {size / 1e6:.2f} MB"
    return f"{stands}make room{wanted}, then try again"


@contextmanager
def beside(path: Path) -> Iterator[IO[bytes]]:
    """Open a file beside `path` that takes its place at the end, whatever stands there.

    Raises:
        OSError: the place cannot be written to, or the disk is full.
    """
    # Threads, and containers that share the folder, may write the same file at once, so chance
    # names it. A name may have 255 bytes, so that of `path` can leave no room for more. `open`
    # gives the permissions that are usual here; `tempfile` would keep other users out.
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


def file_name(name: str) -> str:
    """Escape what parts folders or is no text, so that different names stay different ones."""
    return _NOT_IN_NAMES.sub(lambda found: quote(found[0], safe="", errors="surrogatepass"), name)


def open_without_waiting(path: str, flags: int) -> int:
    """Open as `open` does, whose `opener` it is, a pipe even if nobody writes to it yet."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def digest(path: Path) -> str:
    """Hash a file's content: SHA-256, in hexadecimal.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write a whole file as `replacing` does."""
    with replacing(path, size=len(content)) as file:
        file.write(content)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text as `replacing` does; halves of surrogate pairs as JSON escapes them."""
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def remove_partials(folder: Path, idle_s: float = 0.0) -> None:
    """Remove what writers killed at their work left in a folder.

    Where others may be writing there now, what was written to in the last `idle_s` seconds stays.
    """
    for partial in folder.glob(".*.partial*"):
        with suppress(FileNotFoundError):  # another process removes them too
            if time.time() - partial.lstat().st_mtime >= idle_s:
                partial.unlink()


def files_below(root: Path, without: Path | None = None) -> tuple[list[Path], list[OSError]]:
    """List the files at any depth but hidden ones, and why folders could not be read.

    Args:
        root: the folder; links are followed, and a folder linked to from several places is read
            once.
        without: a folder that is left out.
    """
    seen = {place.resolve() for place in (root, without) if place is not None}
    files: list[Path] = []
    closed: list[OSError] = []
    for folder, inner, names in os.walk(root, onerror=closed.append, followlinks=True):
        visible = [name for name in sorted(inner) if not name.startswith(".")]
        inner.clear()  # in place: os.walk goes on with what is put back
        for name in visible:
            place = Path(folder, name).resolve()
            if place not in seen:
                seen.add(place)
                inner.append(name)
        files += [Path(folder, name) for name in names if not name.startswith(".")]
    return files, closed
