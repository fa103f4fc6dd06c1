"""Text files read whole: UTF-8 whatever the locale, or UTF-16 with its mark, plain or gzipped.

A file may come from a stranger, so the memory it takes is bounded: a gzip file may unpack to
`MAX_RATIO` times its size, a pipe may bring `PIPE_BYTES`, and a device is not read.
"""

import gzip
import os
import select
import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from stat import S_ISFIFO, S_ISREG
from typing import IO

from asr.util.errors import UserError
from asr.util.files import open_without_waiting

_GZIP = b"\x1f\x8b"  # the first bytes of a gzip file
_MB = 1_000_000
#: Byte order marks of wide encodings; the longer first, since one begins with the other.
_WIDE = {
    BOM_UTF32_LE: "utf-32-le", BOM_UTF32_BE: "utf-32-be",
    BOM_UTF16_LE: "utf-16-le", BOM_UTF16_BE: "utf-16-be",
}  # fmt: skip
#: A gzip file may unpack to so many times its size, and any to so many bytes. Texts unpack to 3 to
#: 10 times their size, manifests to 20, and a decompression bomb to 1,000.
MAX_RATIO, UNPACKED_BYTES = 50, 64 * _MB
#: The most bytes that are read from a pipe.
PIPE_BYTES = 1_000 * _MB
#: How long a named pipe is waited for until its other end is opened.
PIPE_WAIT_S = 2.0
_CHUNK_BYTES = 1 << 20


class TextError(UserError):
    """Text that cannot be read.

    Attributes:
        where: the file, or the file and the line.
        detail: what is wrong.
    """

    def __init__(self, where: str, detail: str) -> None:
        super().__init__(f"{where}: {detail}")
        self.where, self.detail = where, detail


def read_text(path: Path) -> str:
    """Read a text file; lines end with a newline, however they end in the file.

    Raises:
        TextError: as `read_bytes`, `unpack_gzip` and `decode_text`.
    """
    text = decode_text(read_unpacked(path), str(path))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_unpacked(path: Path) -> bytes:
    """Read a file's content, decompressed if it is gzipped.

    Raises:
        TextError: as `read_bytes` and `unpack_gzip`.
    """
    return unpack_gzip(read_bytes(path), path)


def read_bytes(path: Path) -> bytes:
    """Read the bytes of a file or a pipe.

    Raises:
        TextError: there is no such file, the user may not read it, it does not fit in memory, it
            is a folder or a device, or a pipe without a writer or with more than `PIPE_BYTES`.
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
        with suppress(BlockingIOError):  # its writer is slow
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


def unpack_gzip(content: bytes, path: Path) -> bytes:
    """Decompress the content of `path` if its first bytes, or the name's suffix, are gzip's.

    Raises:
        TextError: a damaged gzip file, or one that unpacks to more than `UNPACKED_BYTES` and to
            more than `MAX_RATIO` times its size.
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


def has_wide_mark(content: bytes) -> bool:
    """Tell whether a text begins with the byte order mark of UTF-16 or UTF-32."""
    return content.startswith(tuple(_WIDE))


def decode_text(content: bytes, name: str) -> str:
    """Decode UTF-8, or what a byte order mark names, which is dropped.

    Args:
        content: the text.
        name: of the text, for messages.

    Raises:
        TextError: a line, which the message names, is not UTF-8 or has a zero byte.
    """
    for mark, encoding in _WIDE.items():
        if content.startswith(mark):
            try:
                return content[len(mark) :].decode(encoding)
            except UnicodeDecodeError as error:
                found = f"its mark says {encoding[:6].upper()}, and {error.reason}"
                raise TextError(name, f"{found}; save it as UTF-8") from error
    content = content.removeprefix(BOM_UTF8)
    bad = content.find(b"\0")  # of UTF-16, which may be valid UTF-8
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        bad = error.start
    if bad >= 0:
        found = f"byte 0x{content[bad]:02x} is not UTF-8 text"
        raise TextError(f"{name}:{line_number(content, bad)}", f"{found}; save it as UTF-8")
    return text


def line_number(content: bytes, at: int) -> int:
    """Count lines up to byte `at`: the number of its line, from 1."""
    return content.count(b"\n", 0, at) + 1
