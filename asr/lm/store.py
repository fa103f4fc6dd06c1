"""The cache of parsed language models: one memory-mapped file each, shared between processes.

A cache file is trusted only if all of this holds, and is made anew otherwise:

- its folder can be written by its owner alone (`asr.util.cache_folder`), and it is no link or pipe;
- its checksum and its length are right, and its format is this version's;
- it was made from the content that is at the path now. The header keeps the source's SHA-256 and
  its size, inode, and times of modification and change. If these four are unchanged, and the times
  were at least two seconds old when the source was read, the content is unchanged: any write moves
  the time of change, which no program can set back. Otherwise the SHA-256 decides.

The arrays are indexed without checks, so a flipped bit could end the process. A CRC-32 is enough to
find damage, and the folder prevents forgery. Checking 150 MB takes 0.1 s, half as long as SHA-256.
"""

import json
import os
import struct
import sys
import time
import warnings
import zlib
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from stat import S_ISREG
from typing import Any

import numpy as np

from asr.lm.arpa import parse_arpa
from asr.lm.ngram import NGram, NGramArrays
from asr.lm.tree import read_only
from asr.util.cache_folder import UnsafeFolderError, make_cache_folder
from asr.util.files import digest, open_replacement, open_without_waiting, remove_partials
from asr.util.text_files import read_bytes, unpack_gzip

_MAGIC = b"asr-lm\x00\x03"  # the last byte is the version of the format
_PREFIX = struct.Struct("<8sI")  # magic, and length of the header that follows
_CHECKSUM = struct.Struct("<I")  # CRC-32 of all bytes before it
_SHORTEST = _PREFIX.size + _CHECKSUM.size
_ALIGNMENT = 64
_UNCHANGED_NS = 2_000_000_000
_IDLE_S = 60.0  # a partial file unchanged for so long has lost its writer
_DTYPES = [np.dtype(t) for t in (np.int32, np.float32, np.int32, np.float32, np.int32)]


class _DamagedError(ValueError):
    """A cache file of this format whose checksum or length is wrong."""


def open_ngram(path: str | Path) -> NGram:
    """Open an ARPA file, plain or gzipped, through its cache, which is made where none is valid.

    Without a cache folder that can be written, each call parses the file.

    Raises:
        UserError: the file cannot be read, or is not a valid ARPA file.

    Warns:
        UserWarning: the cache was damaged, or others could write to its folder.
    """
    path = Path(path)
    cache = _find_cache(path)
    if cache is not None:
        try:
            return _load(cache, path)
        except _DamagedError as error:
            warnings.warn(f"{cache}: {error}; it is made anew", stacklevel=2)
        except (OSError, ValueError, KeyError, TypeError):
            pass  # there is no cache of this content and format
    state = _file_state(path)
    content = read_bytes(path)
    lm = parse_arpa(unpack_gzip(content, path), path)
    if cache is not None:
        with suppress(OSError):  # the cache cannot be written
            _save(lm, cache, {**state, "sha256": sha256(content).hexdigest()})
    return lm


def _find_cache(path: Path) -> Path | None:
    """Path of the model's cache, existing or not; None where there can be none."""
    if not path.is_file():  # the content of a pipe can be read once
        return None
    try:
        cache = cache_path(path)
    except UnsafeFolderError as error:
        warnings.warn(
            f"{error}, so no language model is kept there and each start reads it anew; set "
            "XDG_CACHE_HOME to a folder of your own",
            stacklevel=3,
        )
        return None
    except (OSError, RuntimeError):  # no home folder, as in containers, or one without access
        return None
    with suppress(OSError):
        remove_partials(cache.parent, _IDLE_S)
    return cache


def cache_path(path: Path) -> Path:
    """Path of the cache of the model at `path`.

    Raises:
        UnsafeFolderError, OSError, RuntimeError: as `asr.util.cache_folder.make_cache_folder`.
    """
    return make_cache_folder() / f"{sha256(os.fsencode(path.resolve())).hexdigest()[:32]}.lm"


def _file_state(path: Path) -> dict[str, Any]:
    """Metadata of a file that change with its content, and whether they are reliable.

    They are not just after a change: two changes within one tick of the file system's clock have
    equal metadata.
    """
    try:
        stat = path.stat()
    except OSError:
        return {}  # reading the file will raise
    newest = max(stat.st_mtime_ns, stat.st_ctime_ns)
    return {
        "stat": [stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns],
        "reliable": time.time_ns() - newest > _UNCHANGED_NS,
    }


def _is_made_from(source: dict[str, Any], path: Path) -> bool:
    if source["reliable"] and source["stat"] == _file_state(path).get("stat"):
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
    blocks: list[bytes | memoryview] = [_PREFIX.pack(_MAGIC, len(header)) + header, lm.vocabulary]
    blocks += [array.data for array in lm.arrays]
    checksum = 0
    with open_replacement(cache) as file:
        for block in blocks:
            padding = bytes(_aligned(file.tell()) - file.tell())
            file.write(padding)
            file.write(block)
            checksum = zlib.crc32(block, zlib.crc32(padding, checksum))
        file.write(_CHECKSUM.pack(checksum))


def _load(cache: Path, path: Path) -> NGram:
    """Map the cache of the model at `path`.

    Raises:
        _DamagedError: its checksum or its length is wrong.
        ValueError, KeyError, TypeError, OSError: it is missing, of another format, or stale.
    """
    mapped = _map(cache)
    if mapped[: len(_MAGIC)].tobytes() != _MAGIC:
        raise ValueError("of another format")
    content, checksum = mapped[: -_CHECKSUM.size], mapped[-_CHECKSUM.size :].tobytes()
    if len(mapped) < _SHORTEST or _CHECKSUM.pack(zlib.crc32(content.data)) != checksum:
        raise _DamagedError("the file is damaged")
    _, length = _PREFIX.unpack(mapped[: _PREFIX.size].tobytes())
    at = _PREFIX.size + length
    fields = json.loads(mapped[_PREFIX.size : at].tobytes())
    if fields["byte_order"] != sys.byteorder or not _is_made_from(fields["source"], path):
        raise ValueError("made from another source, or on another kind of machine")
    start = _aligned(at)
    at = start + fields["vocabulary"]
    vocabulary = mapped[start:at].tobytes()
    arrays = []
    for dtype, size in zip(_DTYPES, _lengths(fields["counts"]), strict=True):
        start = _aligned(at)
        at = start + size * dtype.itemsize
        arrays.append(mapped[start:at].view(dtype))
    return NGram(vocabulary, fields["counts"], NGramArrays(*arrays))


def _map(cache: Path) -> np.ndarray:
    """Map a regular file's bytes; refuse a link or a pipe without waiting for it.

    Raises:
        ValueError, OSError: it is missing, empty or no regular file.
    """
    with open(cache, "rb", opener=_open) as file:
        if not S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("no regular file")
        return read_only(np.memmap(file, np.uint8, mode="r"))


def _open(path: str, flags: int) -> int:
    return open_without_waiting(path, flags | getattr(os, "O_NOFOLLOW", 0))
