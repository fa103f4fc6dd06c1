"""The cache of parsed language models: one memory-mapped file each, shared between processes.

A cache file (`asr.util.array_cache`) is used where it was made from the content that is at the path
now. Its facts hold the source's SHA-256 and its size, inode, and times of modification and change.
If these four are unchanged, and the times were at least two seconds old when the source was read,
the content is unchanged: any write moves the time of change, which no program can set back.
Otherwise the SHA-256 decides.
"""

import os
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from asr.lm.ngram import NGram, NGramArrays
from asr.lm.packed import MAGIC, unpack_model
from asr.util.array_cache import load_or_make
from asr.util.array_file import Contents
from asr.util.files import digest
from asr.util.text_files import read_bytes, unpack_gzip

_KIND = "language model 4"
_UNCHANGED_NS = 2_000_000_000


def open_ngram(path: str | Path) -> NGram:
    """Open an ARPA file, plain or gzipped, or a packed model (`asr.lm.packed`).

    It is opened through its cache, which is made where none is valid. Without a cache folder that
    can be written, each call parses the file.

    Raises:
        UserError: the file cannot be read, or is not a valid model.

    Warns:
        UserWarning: as `load_or_make`.
    """
    path = Path(path)
    if not path.is_file():  # the content of a pipe can be read once
        return _parse_content(read_bytes(path), path)
    facts, arrays = load_or_make(
        cache_name(path),
        _KIND,
        lambda facts: _is_made_from(facts["source"], path),
        lambda: _parse(path),
    )
    vocabulary = arrays.pop("vocabulary").tobytes()
    return NGram(vocabulary, facts["counts"], NGramArrays(**arrays), facts["source"]["sha256"])


def cache_name(path: Path) -> str:
    """Name the cache file of the model at `path`."""
    return f"{sha256(os.fsencode(path.resolve())).hexdigest()[:32]}.lm"


def _parse(path: Path) -> Contents:
    """Parse the file at `path`."""
    state = _file_state(path)
    content = read_bytes(path)
    lm = _parse_content(content, path)
    source = {**state, "sha256": sha256(content).hexdigest()}
    vocabulary = np.frombuffer(lm.vocabulary, np.uint8)
    return Contents(
        {"source": source, "counts": lm.counts},
        {"vocabulary": vocabulary, **lm.arrays._asdict()},
    )


def _parse_content(content: bytes, path: Path) -> NGram:
    """Parse the content of the file at `path`."""
    if content.startswith(MAGIC):
        return unpack_model(content, path)
    from asr.lm.arpa import parse_arpa  # imported here: no other model needs the compiler

    return parse_arpa(unpack_gzip(content, path), path)


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
