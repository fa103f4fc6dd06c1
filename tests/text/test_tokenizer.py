"""Tokens of characters: derived from texts, encoded, checked."""

import pytest

from asr.text.tokenizer import BLANK, SPACE, CharTokenizer
from asr.util.errors import UserError


def test_tokens_are_the_blank_and_the_sorted_characters_of_the_normalized_texts() -> None:
    tokenizer = CharTokenizer.from_texts(["Bad", "cab!"], "lower")

    assert tokenizer.tokens == [BLANK, SPACE, "a", "b", "c", "d"]
    assert len(tokenizer) == 6
    assert tokenizer.encode("a bad") == [2, 1, 3, 2, 5]


def test_unknown_characters_are_listed_once_and_sorted_or_dropped() -> None:
    tokenizer = CharTokenizer([BLANK, *" ab"])

    assert tokenizer.unknown("abc xc") == ["c", "x"]
    assert tokenizer.unknown("ab a") == []
    assert tokenizer.spellable("abc xc") == "ab "


@pytest.mark.parametrize(
    ("tokens", "normalizer", "message"),
    [
        ([BLANK, "a"], "lowr", "unknown normalizer 'lowr'; choose one of none, lower, upper"),
        (["a", BLANK], "none", "the first token must be '<blank>'"),
        ([], "none", "the first token must be '<blank>'"),
        ([BLANK, "ab"], "none", r"expected single characters, found \['ab'\]"),
        ([BLANK, ""], "none", "expected single characters"),
        ([BLANK, "a", "a"], "none", "expected distinct tokens"),
    ],
)
def test_wrong_tokens_are_refused(tokens: list[str], normalizer: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        CharTokenizer(tokens, normalizer)


def test_deriving_tokens_refuses_an_unknown_normalizer() -> None:
    with pytest.raises(UserError, match="unknown normalizer 'title'"):
        CharTokenizer.from_texts(["a"], "title")
