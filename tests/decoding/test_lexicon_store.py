"""A lexicon from the cache equals one that is built, and a file that is not current is not used."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asr.decoding import lexicon_store
from asr.decoding.lexicon import Lexicon
from asr.decoding.lexicon_store import open_lexicon
from asr.decoding.tokens import Tokens
from asr.lm.ngram import NGram
from asr.lm.store import open_ngram
from asr.util import array_file
from asr.util.errors import UserError

LETTERS = Tokens(("", "A", "B", " "))
SUBWORDS = Tokens(("", "▁A", "B", "▁"), "▁")
CHINESE = Tokens(("", "你", "好", "吗"), None)
PHONES = Tokens(
    ("", "k", "tʃ", " "), " ", {"A": ["k", "tʃ"], "AB": ["k tʃ"], "X": ["k tʃ"], "é\n": ["tʃ k"]}
)
Arguments = tuple[Tokens, NGram | None, str, list[str] | None]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("ASR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Arguments]:
    """The arguments of every lexicon that was built since the test began."""
    arguments: list[Arguments] = []
    build = lexicon_store.build_contents

    def spy(*given: Any) -> Any:
        arguments.append(given)
        return build(*given)

    monkeypatch.setattr(lexicon_store, "build_contents", spy)
    return arguments


def assert_equal(ours: Lexicon, theirs: Lexicon) -> None:
    """Compare all that a search reads, to the last bit."""
    assert [*ours.words] == [*theirs.words]
    assert (ours.lm_unit, ours.is_closed) == (theirs.lm_unit, theirs.is_closed)
    assert ours.vocabulary == theirs.vocabulary
    names = ("first", "word_ids", "log_probs", "token_ids")
    pairs = [(getattr(ours, name), getattr(theirs, name)) for name in names]
    for our, their in [*pairs, *zip(ours.tree, theirs.tree, strict=True)]:
        np.testing.assert_array_equal(our, their)
        assert our.dtype == their.dtype
        assert our.flags.writeable == their.flags.writeable


@pytest.mark.parametrize(
    "make",
    [
        lambda lm, _: (LETTERS, lm, "word", None),
        lambda lm, _: (LETTERS, lm, "word", ["BA", "AB", "ABA"]),
        lambda _, letter_lm: (LETTERS, letter_lm, "token", None),
        lambda *_: (LETTERS, None, "word", None),
        lambda lm, _: (SUBWORDS, lm, "word", None),
        lambda lm, _: (PHONES, lm, "word", None),
        lambda lm, _: (PHONES, lm, "word", ["X", "AB"]),
        lambda *_: (CHINESE, None, "word", ["你好"]),
    ],
)
def test_a_lexicon_from_the_cache_equals_one_that_is_built(
    make: Callable[[NGram, NGram], Arguments], lm: NGram, letter_lm: NGram, built: list[Arguments]
) -> None:
    arguments = make(lm, letter_lm)
    made, cached = open_lexicon(*arguments), open_lexicon(*arguments)
    assert len(built) == 1
    fresh = Lexicon(*arguments)
    assert_equal(made, fresh)
    assert_equal(cached, fresh)


def test_the_arrays_are_mapped(lm: NGram) -> None:
    open_lexicon(LETTERS, lm, "word", None)
    base: Any = open_lexicon(LETTERS, lm, "word", None).tree.label
    while isinstance(base.base, np.ndarray):
        base = base.base
    assert isinstance(base, np.memmap)


def test_each_source_of_a_lexicon_makes_another(
    lm: NGram, arpa: Path, tmp_path: Path, built: list[Arguments]
) -> None:
    other = tmp_path / "other.arpa"
    other.write_text(arpa.read_text().replace("-0.", "-1."))
    fewer = replace(PHONES, pronunciations={"A": ["k"]})
    sources: list[Arguments] = [
        (LETTERS, lm, "word", None),
        (LETTERS, open_ngram(other), "word", None),
        (LETTERS, None, "word", None),
        (LETTERS, lm, "word", ["A"]),
        (LETTERS, lm, "word", ["AB"]),
        (replace(LETTERS, tokens=("", "B", "A", " ")), lm, "word", None),
        (PHONES, lm, "word", None),
        (fewer, lm, "word", None),
    ]
    for count, arguments in enumerate(sources, start=1):
        assert_equal(open_lexicon(*arguments), Lexicon(*arguments))
        assert len(built) == count


def test_a_file_of_another_lexicon_is_not_used(cache: Path, built: list[Arguments]) -> None:
    open_lexicon(LETTERS, None, "word", ["A"])
    (file,) = cache.iterdir()
    open_lexicon(LETTERS, None, "word", ["B"])
    (other,) = {*cache.iterdir()} - {file}
    file.write_bytes(other.read_bytes())
    assert "A" in open_lexicon(LETTERS, None, "word", ["A"]).words
    assert len(built) == 3


def test_a_damaged_file_is_made_anew_with_a_warning(cache: Path, built: list[Arguments]) -> None:
    words = ["A", "AB"]
    open_lexicon(LETTERS, None, "word", words)
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-100] + bytes([whole[-100] ^ 4]) + whole[-99:])
    with pytest.warns(UserWarning, match="the file is damaged; it is made anew"):
        open_lexicon(LETTERS, None, "word", words)
    assert file.read_bytes() == whole
    open_lexicon(LETTERS, None, "word", words)
    assert len(built) == 2


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of POSIX systems")
def test_a_folder_that_others_can_write_to_holds_nothing(
    cache: Path, built: list[Arguments]
) -> None:
    cache.mkdir()
    cache.chmod(0o777)
    for _ in range(2):
        with pytest.warns(UserWarning, match="every user can write to this folder, so nothing is"):
            assert "A" in open_lexicon(LETTERS, None, "word", ["A"]).words
    assert not [*cache.iterdir()]
    assert len(built) == 2


def test_a_read_only_system_works_without(
    cache: Path, monkeypatch: pytest.MonkeyPatch, built: list[Arguments]
) -> None:
    """Root may write to any folder, so the system's error is raised by hand."""

    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(array_file, "open_replacement", read_only)
    for _ in range(2):
        assert "A" in open_lexicon(LETTERS, None, "word", ["A"]).words
    assert len(built) == 2
    assert not [*cache.iterdir()]


def test_warnings_come_with_every_start(lm: NGram, built: list[Arguments]) -> None:
    for _ in range(2):
        with pytest.warns(UserWarning, match="1 of its 2 words cannot be spelled"):
            open_lexicon(LETTERS, lm, "word", ["A", "cat"])
    assert len(built) == 1
    with pytest.raises(UserError, match="none of its 1 words"):
        open_lexicon(LETTERS, lm, "word", ["cat"])
