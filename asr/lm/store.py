"""The cache of parsed language models: one memory-mapped file each, shared between processes.

A cache file is trusted only if all of this holds, and is made anew otherwise:

- its header's checksum and its length are right, and its format is this version's;
- it was made from the very content that is at the path now. The header keeps the source's SHA-256
  and its size, inode, and times of modification and change. If those four are unchanged, and were
  at least two seconds old when the source was read, then so is the content: any write moves the
  time of change, which no program can set back. Otherwise the SHA-256 decides.

The arrays are not checked again, so that opening touches only what is asked of the model.
"""

import json
import os
import struct
import sys
import time
import zlib
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from asr.errors import UserError
from asr.files import digest, replacing
from asr.lm.arpa import parse_arpa
from asr.lm.ngram import NGram, NGramArrays
from asr.lm.tree import read_only
from asr.text_files import read, unpack

_MAGIC = b"asr-lm\x00\x01"  # the last byte is the version of the format
_PREFIX = struct.Struct("<8sII")  # magic, length and CRC-32 of the header that follows
_ALIGNMENT = 64
_SETTLED_NS = 2_000_000_000
_DTYPES = [np.dtype(t) for t in (np.int32, np.float32, np.int32, np.float32, np.int32)]


def open_ngram(path: str | Path) -> NGram:
    """Open an ARPA file, plain or gzipped, through its cache, which is made where no sound one is.

    A cache folder that cannot be written is done without.

    Raises:
        UserError: the file cannot be read or is not a sound ARPA file.
    """
    path = Path(path)
    try:
        cache = cache_path(path)
    except RuntimeError:  # a user without a home, as containers have
        return parse_arpa(unpack(read(path), path), path)
    with suppress(OSError, ValueError, KeyError, TypeError, struct.error):
        return _load(cache, path)
    seen = _appearance(path)
    content = read(path)
    lm = parse_arpa(unpack(content, path), path)
    with suppress(UserError):  # a cache that cannot be written is done without
        _save(lm, cache, {**seen, "sha256": sha256(content).hexdigest()})
    return lm


def cache_path(path: Path) -> Path:
    """Where the cache of the model at `path` is kept: under $XDG_CACHE_HOME/asr or ~/.cache/asr.

    Raises:
        RuntimeError: neither variable nor system says where the user's home is.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return folder / "asr" / f"{sha256(str(path.resolve()).encode()).hexdigest()[:32]}.lm"


def _appearance(path: Path) -> dict[str, Any]:
    """What tells one content from the next without reading it, and whether that can be relied on.

    A file changed twice within a tick of its clock looks the same after both.
    """
    try:
        stat = path.stat()
    except OSError:
        return {}  # reading it will tell the user
    newest = max(stat.st_mtime_ns, stat.st_ctime_ns)
    return {
        "stat": [stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns],
        "settled": time.time_ns() - newest > _SETTLED_NS,
    }


def _is_made_from(source: dict[str, Any], path: Path) -> bool:
    if source["settled"] and source["stat"] == _appearance(path).get("stat"):
        return True
    return bool(source["sha256"] == digest(path))


def _lengths(counts: list[int]) -> list[int]:
    """Lengths of the arrays of `NGramArrays`."""
    entries, contexts = 1 + sum(counts), 1 + sum(counts[:-1])
    return [entries, entries, entries, contexts, contexts + 1]


def _aligned(at: int) -> int:
    return -(-at // _ALIGNMENT) * _ALIGNMENT


def _save(lm: NGram, cache: Path, source: dict[str, Any]) -> None:
    header = json.dumps(
        {
            "byte_order": sys.byteorder,
            "source": source,
            "counts": lm.counts,
            "vocabulary": len(lm.vocabulary),
        }
    ).encode()
    blocks: list[bytes | memoryview] = [lm.vocabulary, *(array.data for array in lm.arrays)]
    with replacing(cache) as file:
        file.write(_PREFIX.pack(_MAGIC, len(header), zlib.crc32(header)) + header)
        for block in blocks:
            file.write(bytes(_aligned(file.tell()) - file.tell()))
            file.write(block)


def _load(cache: Path, path: Path) -> NGram:
    """Map the cache of the model at `path`.

    Raises:
        ValueError, KeyError, TypeError, struct.error, OSError: it is missing, damaged or stale.
    """
    mapped = read_only(np.memmap(cache, np.uint8, mode="r"))
    magic, length, checksum = _PREFIX.unpack(mapped[: _PREFIX.size].tobytes())
    header = mapped[_PREFIX.size : _PREFIX.size + length].tobytes()
    if magic != _MAGIC or zlib.crc32(header) != checksum:
        raise ValueError("the header is damaged or of another format")
    fields = json.loads(header)
    if fields["byte_order"] != sys.byteorder or not _is_made_from(fields["source"], path):
        raise ValueError("made from another source, or on another kind of machine")
    at = _aligned(_PREFIX.size + length)
    vocabulary = mapped[at : at + fields["vocabulary"]].tobytes()
    at += fields["vocabulary"]
    arrays = []
    for dtype, size in zip(_DTYPES, _lengths(fields["counts"]), strict=True):
        start = _aligned(at)
        at = start + size * dtype.itemsize
        arrays.append(mapped[start:at].view(dtype))
    if at != len(mapped):
        raise ValueError("the file is cut short or too long")
    return NGram(vocabulary, fields["counts"], NGramArrays(*arrays))
