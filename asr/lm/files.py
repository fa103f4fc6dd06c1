"""Whole files in, whole files out."""

import gzip
import os
import secrets
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from asr.errors import UserError


def read(path: Path) -> bytes:
    """Content of a file as it is.

    Raises:
        UserError: there is no such file, or it may not be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check the path") from error


def unpack(content: bytes, path: Path) -> bytes:
    """The content read from `path`, decompressed where its name ends in .gz.

    Raises:
        UserError: the name ends in .gz and the content is no sound gzip file.
    """
    if path.suffix != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = str(error).rstrip(".")
        raise UserError(
            f"{path}: cannot be unpacked ({reason}); the file is damaged or cut short, get it again"
        ) from error


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its place at `path` once it is whole and on the disk, or never does.

    Folders on the way are made.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
