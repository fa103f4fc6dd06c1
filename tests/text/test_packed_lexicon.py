"""A packed lexicon equals the one it was packed from, and is packed once."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from asr.decoding.tokens import Tokens
from asr.text import packed_lexicon
from asr.text.lexicon import Lexicon
from asr.text.packed_lexicon import PackedLexicon, open_packed, pack
from asr.util.errors import UserError

LEXICON = {"two": ["t uː"], "read": ["ɹ iː d", "ɹ ɛ d"], "to": ["t uː", "t ə"], "née": ["n eɪ"]}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("ASR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def read() -> Callable[[], Lexicon]:
    """Gives the lexicon, and counts in `read.times` how often it was asked to."""

    def give() -> Lexicon:
        give.times += 1  # type: ignore[attr-defined]
        return LEXICON

    give.times = 0  # type: ignore[attr-defined]
    return give


def test_a_packed_lexicon_equals_the_plain_one(read) -> None:
    packed, mapped = (open_packed("d", read) for _ in range(2))
    for one in (packed, mapped, PackedLexicon("x", lambda: pack(LEXICON))):
        assert [one.get(word) for word in (*LEXICON, "zoo")] == [*LEXICON.values(), None]
        assert ("to" in one, "zoo" in one, "" in one) == (True, False, False)
        assert [*one] == [*LEXICON]
        assert [*one.items()] == [*LEXICON.items()]
        assert len(one) == 4
    assert read.times == 1


def test_words_come_by_pronunciation_as_from_the_plain_one(read) -> None:
    plain = Tokens(("", "t", " "), " ", LEXICON).by_pronunciation
    packed = Tokens(("", "t", " "), " ", open_packed("d", read)).by_pronunciation
    assert packed["t uː"] == "two"
    assert [*packed.items()] == [*plain.items()]
    assert [packed.get(phones, "?") for phones in (*plain, "t")] == [*plain.values(), "?"]
    assert (len(packed), [*packed]) == (len(plain), [*plain])


def test_many_lookups_unpack_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_lexicon, "_MANY", 2)
    one = PackedLexicon("x", lambda: pack(LEXICON))
    assert [one[word] for word in LEXICON] == [*LEXICON.values()]
    with pytest.raises(KeyError):
        one["zoo"]


def test_nothing_is_read_before_the_first_use_and_then_mapped(read) -> None:
    lexicon = open_packed("d", read)
    assert read.times == 0
    assert "two" in lexicon
    again = open_packed("d", read)
    assert "two" in again
    assert read.times == 1
    base = again.arrays.spoken
    while isinstance(base.base, np.ndarray):
        base = base.base
    assert isinstance(base, np.memmap)


def test_a_file_of_another_lexicon_is_not_used(cache: Path, read) -> None:
    assert "two" in open_packed("d", read)
    (file,) = cache.iterdir()
    other = open_packed("e", lambda: {"x": ["t"]})
    assert "x" in other
    (another,) = {*cache.iterdir()} - {file}
    another.write_bytes(file.read_bytes())
    assert [*open_packed("e", lambda: {"x": ["t"]})] == ["x"]


def test_a_damaged_file_is_made_anew_with_a_warning(cache: Path, read) -> None:
    assert "two" in open_packed("d", read)
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-100] + bytes([whole[-100] ^ 4]) + whole[-99:])
    with pytest.warns(UserWarning, match="the file is damaged; it is made anew"):
        assert "two" in open_packed("d", read)
    assert file.read_bytes() == whole


def test_errors_of_reading_are_raised_and_nothing_is_kept(cache: Path) -> None:
    def refuse() -> Lexicon:
        raise UserError("lexicon: expected lists of pronunciations by word")

    with pytest.raises(UserError, match="expected lists"):
        "x" in open_packed("d", refuse)  # noqa: B015
    assert not [*cache.iterdir()]
