"""Reading whole files, packed or not."""

import gzip
import zlib
from pathlib import Path

from asr.errors import UserError

_GZIP = b"\x1f\x8b"  # how every such file begins


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
    """The content read from `path`, decompressed where it, or the file's name, says it is packed.

    Raises:
        UserError: it is no sound gzip file.
    """
    if path.suffix != ".gz" and not content.startswith(_GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = str(error).rstrip(".")
        raise UserError(
            f"{path}: cannot be unpacked ({reason}); the file is damaged or cut short, get it again"
        ) from error
