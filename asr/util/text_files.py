"""The text files that people give, read whole: UTF-8, plain or gzipped.

A file may come from a stranger. What it can cost is bounded before it is spent: a gzip file may
unpack to so many times its size, a pipe may bring so much, and a device is not read at all.
"""

import gzip
import os
import reprlib
import select
import zlib
from codecs import BOM_UTF8
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from stat import S_ISFIFO, S_ISREG
from typing import IO

from asr.util.errors import UserError
from asr.util.files import open_without_waiting

_GZIP = b"\x1f\x8b"  # how every such file begins
_MB = 1_000_000
#: How many times its size a gzip file may unpack to, and how many bytes any may. Texts unpack to
#: 3 to 10 times their size, manifests to 20; a bomb to 1,000.
MAX_RATIO, UNPACKED_BYTES = 50, 64 * _MB
#: What a pipe may bring, whose size nobody knows before.
PIPE_BYTES = 1_000 * _MB
#: How long somebody may take to open the other end of a named pipe.
PIPE_WAIT_S = 2.0
_CHUNK_BYTES = 1 << 20
_QUOTE = reprlib.Repr()
_QUOTE.maxstring = _QUOTE.maxlong = _QUOTE.maxother = 120


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
    return decode(read_unpacked(path), str(path))


def read_unpacked(path: Path) -> bytes:
    """Content of a file, decompressed where it is packed.

    Raises:
        TextError: as `read` and `unpack`.
    """
    return unpack(read(path), path)


def read(path: Path) -> bytes:
    """Content of a file or a pipe as it is.

    Raises:
        TextError: there is no such file, it may not be read or does not fit in memory, it is a
            folder or a device, or a pipe that nobody writes to or that brings over `PIPE_BYTES`.
    """
    try:
        with open(path, "rb", opener=open_without_waiting) as file:
            mode = os.fstat(file.fileno()).st_mode
            if S_ISFIFO(mode):
                return _read_pipe(file, path)
            if not S_ISREG(mode):
                raise TextError(f"{path}", "expected a text file, found a device; check the path")
            return file.read()
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise TextError(f"{path}", f"cannot be read: {reason}; check the path") from error
    except MemoryError as error:
        raise TextError(f"{path}", "is too large for this machine's memory; divide it") from error


def _read_pipe(pipe: IO[bytes], path: Path) -> bytes:
    number = pipe.fileno()
    first = b""
    watched = select.poll()
    watched.register(number, select.POLLIN)
    if not watched.poll(PIPE_WAIT_S * 1000):
        with suppress(BlockingIOError):  # somebody has it open, and takes their time
            first = os.read(number, 1)
            if not first:
                raise TextError(f"{path}", "a pipe that nobody writes to; check the path")
    os.set_blocking(number, True)
    content = bytearray(first)
    while chunk := pipe.read(_CHUNK_BYTES):
        content += chunk
        if len(content) > PIPE_BYTES:
            limit = f"more than {PIPE_BYTES // _MB:,} MB came through this pipe"
            raise TextError(f"{path}", f"{limit}; write them to a file")
    return bytes(content)


def unpack(content: bytes, path: Path) -> bytes:
    """The content read from `path`, decompressed where it, or the file's name, says it is packed.

    Raises:
        TextError: it is no sound gzip file, or unpacks to more than `UNPACKED_BYTES` and than
            `MAX_RATIO` times its size.
    """
    if path.suffix != ".gz" and not content.startswith(_GZIP):
        return content
    most = max(UNPACKED_BYTES, MAX_RATIO * len(content))
    unpacked = bytearray()
    try:
        with gzip.GzipFile(fileobj=BytesIO(content)) as file:
            while len(unpacked) <= most and (chunk := file.read(_CHUNK_BYTES)):
                unpacked += chunk
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = str(error).rstrip(".")
        advice = "the file is damaged or cut short, get it again"
        raise TextError(f"{path}", f"cannot be unpacked ({reason}); {advice}") from error
    if len(unpacked) > most:
        found = f"{len(content):,} bytes unpack to more than {most // _MB:,} MB"
        raise TextError(f"{path}", f"{found}, as no text does; unpack it yourself if it is sound")
    return bytes(unpacked)


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


def quoted(text: object) -> str:
    """Quote what was found for a message, its middle left out where it is long."""
    return _QUOTE.repr(text)
