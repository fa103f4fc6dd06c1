"""A packed model scores as the one that was packed, and a hostile one is refused."""

import lzma
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asr.lm.ngram import NGram
from asr.lm.packed import _KIND, unpack_model, write_packed
from asr.lm.store import open_ngram
from asr.util.array_file import lay_out, take_arrays
from asr.util.errors import UserError

ARPA = """\\data\\
ngram 1=4
ngram 2=3
ngram 3=1

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.5
-0.7\t</s>
-0.6\ta\t-0.25

\\2-grams:
-0.3\t<s> a\t-0.1
-0.4\ta </s>
-0.5\ta a

\\3-grams:
-0.2\t<s> a a

\\end\\
"""
WORDS = ["a", "a", "b", "a"]


@pytest.fixture
def parsed(tmp_path: Path, cache_home: Path) -> NGram:
    (tmp_path / "x.arpa").write_text(ARPA)
    return open_ngram(tmp_path / "x.arpa")


def test_a_packed_model_comes_back_bit_equal(parsed: NGram, tmp_path: Path) -> None:
    write_packed(parsed, tmp_path / "lm.xz")
    for _ in range(2):  # parsed, and from the cache
        packed = open_ngram(tmp_path / "lm.xz")
        assert packed.score(WORDS) == parsed.score(WORDS)
        assert (packed.words, packed.counts) == (parsed.words, parsed.counts)
        for ours, theirs in zip(packed.arrays, parsed.arrays, strict=True):
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype and not ours.flags.writeable


def content(parsed: NGram, **changes: Any) -> bytes:
    """A packed model with other counts, words or arrays, and a right checksum."""
    facts = {"counts": changes.pop("counts", parsed.counts)}
    vocabulary = changes.pop("vocabulary", parsed.vocabulary)
    arrays = {"vocabulary": np.frombuffer(vocabulary, np.uint8), **parsed.arrays._asdict()}
    for name, change in changes.items():
        arrays[name] = arrays[name].copy()
        if callable(change):
            arrays[name] = change(arrays[name])
        else:
            at, value = change
            arrays[name][at] = value
    return lzma.compress(b"".join(lay_out(_KIND, facts, arrays)))


@pytest.mark.parametrize(
    "changes",
    [
        {"counts": [4, 3]},
        {"counts": [4, -3, 1]},
        {"counts": "abc"},
        {"vocabulary": b"<unk>\n<s>\n</s>"},
        {"vocabulary": b"<unk>\n<s>\n</s>\n</s>"},
        {"vocabulary": b"<unk>\n<s>\na\nb"},
        {"vocabulary": b"<unk>\n<s>\n</s>\n\xff"},
        {"word": (0, 0)},
        {"word": (2, 9)},
        {"word": (5, 9)},
        {"word": (5, -1)},
        {"word": (6, 3)},
        {"word": lambda array: array.astype(np.int64)},
        {"word": lambda array: array[:-1]},
        {"log_prob": (3, np.nan)},
        {"log_prob": (3, 0.5)},
        {"back_off": (1, np.inf)},
        {"suffix": (5, 5)},
        {"suffix": (8, 8)},
        {"suffix": (3, -1)},
        {"suffix": (0, 1)},
        {"first_child": (0, 0)},
        {"first_child": (3, 100)},
        {"first_child": (3, 2)},
        {"first_child": (8, 8)},
    ],
)
def test_arrays_that_code_could_not_index_are_refused(
    parsed: NGram, changes: dict[str, Any]
) -> None:
    assert unpack_model(content(parsed), Path("x")).score(WORDS) == parsed.score(WORDS)
    with pytest.raises(UserError, match=r"^x: not a packed language model, or a damaged one \("):
        unpack_model(content(parsed, **changes), Path("x"))


def test_a_damaged_file_is_refused(parsed: NGram, tmp_path: Path) -> None:
    write_packed(parsed, tmp_path / "lm.xz")
    whole = (tmp_path / "lm.xz").read_bytes()
    damaged = [whole[:cut] for cut in range(6, len(whole), 7)] + [whole + b"x"]
    for at in range(6, len(whole), 3):
        damaged.append(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
    for one in damaged:
        try:
            found = unpack_model(one, Path("x"))
        except UserError as error:
            assert str(error).startswith("x: not a packed language model")
        else:  # a bit of xz that stands for nothing
            assert found.score(WORDS) == parsed.score(WORDS)


def test_a_small_file_that_unpacks_to_gigabytes_is_refused() -> None:
    bomb = lzma.compress(bytes(70 << 20), preset=0)  # the quickest
    with pytest.raises(UserError, match="larger than such a model can be"):
        unpack_model(bomb, Path("x"))


def test_the_layout_in_memory_is_that_of_files() -> None:
    arrays = {"a": np.arange(5), "b": np.zeros(0, np.uint8), "c": np.ones((2, 3), np.float32)}
    taken = take_arrays(np.frombuffer(b"".join(lay_out("k", {"x": 1}, arrays)), np.uint8), "k")
    assert taken.facts == {"x": 1}
    for name, array in arrays.items():
        np.testing.assert_array_equal(taken.arrays[name], array)
