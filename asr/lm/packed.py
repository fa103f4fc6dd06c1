"""A language model as packed arrays: smaller than its ARPA file, and opened without parsing.

The file is a file of arrays (`asr.util.array_file`) compressed by xz. Compiled code indexes the
arrays without checks, and the file may come from anyone, so all that the code relies on is checked.

Letters: E entries, C contexts, V words as in `asr.lm.ngram`.
"""

import lzma
from pathlib import Path
from typing import Any

import numpy as np

from asr.lm.ngram import BEGIN, END, UNKNOWN, NGram, NGramArrays
from asr.util.array_file import lay_out, read_only, take_arrays
from asr.util.errors import UserError
from asr.util.files import write_bytes
from asr.util.text_files import MAX_RATIO, UNPACKED_BYTES

#: How a packed model begins, as every xz file does.
MAGIC = b"\xfd7zXZ\x00"
_KIND = "packed language model 1"
_MEMORY = 200 << 20  # of the decompressor, which needs 9 MB for what `write_packed` writes


def write_packed(lm: NGram, path: Path) -> None:
    """Write a model atomically.

    Raises:
        UserError: the place cannot be written to, or the disk is full.
    """
    vocabulary = np.frombuffer(lm.vocabulary, np.uint8)
    arrays = {"vocabulary": vocabulary, **lm.arrays._asdict()}
    content = b"".join(lay_out(_KIND, {"counts": lm.counts}, arrays))
    write_bytes(path, lzma.compress(content, check=lzma.CHECK_NONE, preset=6))


def unpack_model(content: bytes, path: Path) -> NGram:
    """Read the content of the packed model at `path`.

    Raises:
        UserError: it is damaged, or not a language model.
    """
    try:
        facts, arrays = take_arrays(np.frombuffer(_unpack(content), np.uint8), _KIND)
        arrays = {name: read_only(array) for name, array in arrays.items()}
        vocabulary = arrays.pop("vocabulary").tobytes()
        lm = NGramArrays(**arrays)
        _check(lm, facts["counts"], vocabulary)
    except (lzma.LZMAError, EOFError, ValueError, KeyError, TypeError, IndexError) as error:
        raise UserError(
            f"{path}: not a packed language model, or a damaged one ({error}); get it again"
        ) from error
    return NGram(vocabulary, facts["counts"], lm)


def _unpack(content: bytes) -> bytes:
    """Decompress, within the limits of every packed file."""
    most = max(UNPACKED_BYTES, MAX_RATIO * len(content))
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)
    unpacked = unpacker.decompress(content, max_length=most)
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("cut short, or larger than such a model can be")
    return unpacked


def _check(lm: NGramArrays, counts: Any, vocabulary: bytes) -> None:
    """Refuse arrays that compiled code could not index, and what is no model.

    Raises:
        ValueError: one of them is wrong, and which.
    """
    if not (isinstance(counts, list) and counts and all(type(n) is int and n > 0 for n in counts)):
        raise ValueError("no counts")
    entries, contexts = 1 + sum(counts), 1 + sum(counts[:-1])
    wanted = {
        "word": (np.int32, entries),
        "log_prob": (np.float32, entries),
        "suffix": (np.int32, entries),
        "back_off": (np.float32, contexts),
        "first_child": (np.int32, contexts + 1),
    }
    for name, (kind, length) in wanted.items():
        array = getattr(lm, name)
        _require(array.dtype == kind and array.shape == (length,), f"{name} of another shape")
    words = vocabulary.decode().split("\n")
    _require(len(words) == len({*words}) == counts[0], "another number of words")
    _require(words[0] == UNKNOWN and {BEGIN, END} < {*words}, "a reserved word is missing")
    _check_tree(lm, counts[0])
    _require(bool(np.isfinite(lm.log_prob).all() and (lm.log_prob <= 0).all()), "a probability")
    _require(bool(np.isfinite(lm.back_off).all()), "a back-off weight")


def _check_tree(lm: NGramArrays, words: int) -> None:
    """Refuse entries out of range, unsorted children, and chains of suffixes without an end."""
    numbers = np.arange(words)
    listed = lm.word[0] == -1 and (lm.word[1 : words + 1] == numbers).all()
    _require(bool(listed and (lm.word[1:] >= 0).all() and (lm.word < words).all()), "a word")
    first, last = lm.first_child[:-1], lm.first_child[1:]
    behind = (first > np.arange(len(first))).all() and (first <= last).all()
    ends = first[0] == 1 and last[0] == words + 1 and last[-1] == len(lm.word)
    _require(bool(behind and ends), "the children of a context")
    in_order = np.diff(lm.word) > 0
    in_order[first[first < len(lm.word)] - 1] = True  # where another context's children begin
    _require(bool(in_order.all()), "the order of children")
    shorter = (lm.suffix[1:] < np.arange(1, len(lm.suffix))).all() and lm.suffix[0] == 0
    within = (lm.suffix >= 0).all() and (lm.suffix < len(lm.back_off)).all()
    _require(bool(shorter and within), "a suffix")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"{what} is wrong")
