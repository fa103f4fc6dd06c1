"""The text files that people give, read whole: UTF-8, plain or gzipped."""

import gzip
import zlib
from codecs import BOM_UTF8
from pathlib import Path

from asr.errors import UserError

#: What is read of a pipe or a device, of which nothing tells whether it ends.
LONGEST_STREAM_BYTES = 1 << 30
_GZIP = b"\x1f\x8b"  # how every such file begins


class TextError(UserError):
    """Text that cannot be read: the file, or its line, and why."""

    def __init__(self, where: str, detail: str) -> None:
        super().__init__(f"{where}: {detail}")
        self.where, self.detail = where, detail


def read_text(path: Path) -> str:
    """Read a text file, with or without a byte order mark.

    Raises:
        TextError: as `read`, `unpack` and `decode`.
    """
    return decode(unpack(read(path), path), str(path))


def read(path: Path) -> bytes:
    """Content of a file as it is.

    Raises:
        TextError: there is no such file, it may not be read, or it is a pipe or a device that
            does not end.
    """
    try:
        if path.is_file():
            return path.read_bytes()
        with path.open("rb") as stream:
            content = stream.read(LONGEST_STREAM_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: no file can have such a name
        reason = getattr(error, "strerror", None) or error
        raise TextError(f"{path}", f"cannot be read: {reason}; check the path") from error
    if len(content) > LONGEST_STREAM_BYTES:
        advice = "save it to a file, and name that"
        raise TextError(f"{path}", f"goes on for more than {LONGEST_STREAM_BYTES} bytes; {advice}")
    return content


def unpack(content: bytes, path: Path) -> bytes:
    """The content read from `path`, decompressed where it, or the file's name, says it is packed.

    Raises:
        TextError: it is no sound gzip file.
    """
    if path.suffix != ".gz" and not content.startswith(_GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = str(error).rstrip(".")
        advice = "the file is damaged or cut short, get it again"
        raise TextError(f"{path}", f"cannot be unpacked ({reason}); {advice}") from error


def decode(content: bytes, name: str) -> str:
    """Take bytes as UTF-8, without a byte order mark; `name` is what messages call them.

    Raises:
        TextError: a line, which is named, is not UTF-8 or holds a zero byte.
    """
    content = content.removeprefix(BOM_UTF8)
    bad = content.find(b"\0")  # UTF-16 without a mark often is valid UTF-8, with these between
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        bad = error.start
    if bad >= 0:
        found = f"byte 0x{content[bad]:02x} is not UTF-8 text"
        raise TextError(f"{name}:{line_number(content, bad)}", f"{found}; save it as UTF-8")
    return text


def line_number(content: bytes, at: int) -> int:
    """Number, from 1, of the line that holds byte `at`."""
    return content.count(b"\n", 0, at) + 1
