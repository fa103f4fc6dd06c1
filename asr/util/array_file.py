"""Named arrays and a JSON object as one file, which is mapped into memory instead of read.

The file is a prefix (magic, length of the header), the header as JSON, each array at a multiple of
64 bytes, and a CRC-32 of all bytes before it. Processes that map the file share its memory. Arrays
may be indexed without checks, so a flipped bit could end the process; checking 150 MB takes 0.1 s.
"""

import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from stat import S_ISREG
from typing import Any, NamedTuple

import numpy as np

from asr.util.files import open_replacement, open_without_waiting

MAGIC = b"asr-arr\x01"  # the last byte is the version of the format
_PREFIX = struct.Struct("<8sI")  # magic, and length of the header that follows
_CHECKSUM = struct.Struct("<I")  # CRC-32 of all bytes before it
_SHORTEST = _PREFIX.size + _CHECKSUM.size
_ALIGNMENT = 64


class DamagedError(ValueError):
    """A file of this format whose checksum or length is wrong."""


class Contents(NamedTuple):
    """What a file holds.

    Attributes:
        facts: JSON-able values.
        arrays: read-only arrays of numbers by their names.
    """

    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]


def read_only(array: np.ndarray) -> np.ndarray:
    """A read-only view, so that arrays in memory have the type of arrays mapped from a file."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def write_arrays(
    path: Path, kind: str, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Write a file atomically.

    Args:
        path: the file.
        kind: what the arrays are, and the version of their layout.
        facts: JSON-able.
        arrays: contiguous arrays of numbers.

    Raises:
        OSError: the file cannot be written.
    """
    with open_replacement(path) as file:
        for block in lay_out(kind, facts, arrays):
            file.write(block)


def lay_out(
    kind: str, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> Iterator[bytes | memoryview]:
    """Yield the bytes of a file, block by block; arguments as for `write_arrays`."""
    shapes = [[name, array.dtype.str, array.shape] for name, array in arrays.items()]
    header = json.dumps({"kind": kind, "facts": facts, "arrays": shapes}).encode()
    blocks: list[bytes | memoryview] = [_PREFIX.pack(MAGIC, len(header)) + header]
    blocks += [array.data.cast("B") if array.size else b"" for array in arrays.values()]
    checksum = at = 0
    for block in blocks:
        padding = bytes(_aligned(at) - at)
        yield padding
        yield block
        checksum = zlib.crc32(block, zlib.crc32(padding, checksum))
        at += len(padding) + len(block)
    yield _CHECKSUM.pack(checksum)


def read_arrays(path: Path, kind: str) -> Contents:
    """Map a file; a link or a pipe is refused.

    Raises:
        OSError: the file is missing.
        DamagedError, ValueError, KeyError, TypeError: as `take_arrays`.
    """
    return take_arrays(_map(path), kind)


def take_arrays(mapped: np.ndarray, kind: str) -> Contents:
    """Find the arrays in the bytes of a file, (N,) uint8.

    Raises:
        DamagedError: the checksum or the length is wrong.
        ValueError, KeyError, TypeError: of another kind or format, or from a machine with another
            order of bytes.
    """
    if mapped[: len(MAGIC)].tobytes() != MAGIC:
        raise ValueError("of another format")
    content, checksum = mapped[: -_CHECKSUM.size], mapped[-_CHECKSUM.size :].tobytes()
    if len(mapped) < _SHORTEST or _CHECKSUM.pack(zlib.crc32(content.data)) != checksum:
        raise DamagedError("the file is damaged")
    _, length = _PREFIX.unpack(mapped[: _PREFIX.size].tobytes())
    at = _PREFIX.size + length
    header = json.loads(mapped[_PREFIX.size : at].tobytes())
    if header["kind"] != kind:
        raise ValueError("of another kind")
    arrays = {}
    for name, dtype, shape in header["arrays"]:
        if not np.dtype(dtype).isnative:
            raise ValueError("of another order of bytes")
        start = _aligned(at)
        at = start + prod(shape) * np.dtype(dtype).itemsize
        arrays[name] = mapped[start:at].view(dtype).reshape(shape)
    return Contents(header["facts"], arrays)


def _aligned(at: int) -> int:
    return -(-at // _ALIGNMENT) * _ALIGNMENT


def _map(path: Path) -> np.ndarray:
    """Map a regular file's bytes; refuse a link or a pipe without waiting for it.

    Raises:
        ValueError, OSError: the file is missing, empty or no regular file.
    """
    with open(path, "rb", opener=_open) as file:
        if not S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("no regular file")
        return read_only(np.memmap(file, np.uint8, mode="r"))


def _open(path: str, flags: int) -> int:
    return open_without_waiting(path, flags | getattr(os, "O_NOFOLLOW", 0))
