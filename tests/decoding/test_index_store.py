"""A pronunciation index from the cache equals one that is built, and is built once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asr.decoding import index_store
from asr.decoding.index_store import open_index
from asr.decoding.pronunciation_index import PronunciationIndex
from asr.decoding.tokens import Tokens

LEXICON = {"two": ["t uː"], "to": ["t uː", "t ə"], "née": ["n eɪ"], "at": ["x t"]}
TOKENS = Tokens(("", "t", "uː", "ə", "n", "eɪ", " "), " ", LEXICON)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("ASR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Tokens]:
    """The tokens of every index that was built since the test began."""
    seen: list[Tokens] = []
    build = index_store.build_index
    monkeypatch.setattr(index_store, "build_index", lambda one: seen.append(one) or build(one))
    return seen


def assert_equal(ours: PronunciationIndex, theirs: PronunciationIndex) -> None:
    assert [*ours.words] == [*theirs.words]
    assert ours.space == theirs.space
    for name in ("token_ids", "lengths", "costs"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
        assert getattr(ours, name).dtype == getattr(theirs, name).dtype
    runs = [np.array([1, 2]), np.array([4, 4, 5])]
    for our, their in zip(ours.nearest(runs), theirs.nearest(runs), strict=True):
        np.testing.assert_array_equal(our, their)


def test_an_index_from_the_cache_equals_one_that_is_built(built: list[Tokens]) -> None:
    fewer = replace(TOKENS, pronunciations={"two": ["t uː"]})
    for count, tokens in enumerate((TOKENS, fewer), start=1):
        fresh = PronunciationIndex(tokens)
        assert_equal(open_index(tokens), fresh)
        assert_equal(open_index(tokens), fresh)
        assert len(built) == count


def test_a_foreign_or_damaged_file_is_made_anew(cache: Path, built: list[Tokens]) -> None:
    open_index(TOKENS)
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    open_index(replace(TOKENS, pronunciations={"two": ["t uː"]}))
    (other,) = {*cache.iterdir()} - {file}
    file.write_bytes(other.read_bytes())
    assert_equal(open_index(TOKENS), PronunciationIndex(TOKENS))
    file.write_bytes(whole[:-100] + bytes([whole[-100] ^ 4]) + whole[-99:])
    with pytest.warns(UserWarning, match="the file is damaged; it is made anew"):
        assert_equal(open_index(TOKENS), PronunciationIndex(TOKENS))
    assert file.read_bytes() == whole
