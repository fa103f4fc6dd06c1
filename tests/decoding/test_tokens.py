import pytest

from asr.decoding.tokens import Tokens
from asr.util.errors import UserError


@pytest.mark.parametrize(
    ("tokens", "ids", "words", "text"),
    [
        (Tokens(("", "a", "b", " ")), [3, 1, 2, 3, 3, 2], [("ab", [1, 2]), ("b", [5])], "ab b"),
        (Tokens(("", "a", "b", "|"), "|"), [1, 3, 2], [("a", [0]), ("b", [2])], "a b"),
        (
            Tokens(("", "▁the", "n", "▁"), "▁"),
            [1, 2, 1, 3, 2],
            [("then", [0, 1]), ("the", [2]), ("n", [4])],
            "then the n",
        ),
        (
            Tokens(("", "你", "好"), None),
            [1, 2, 2],
            [("你", [0]), ("好", [1]), ("好", [2])],
            "你好好",
        ),
    ],
)
def test_words_of_every_kind_of_model(
    tokens: Tokens, ids: list[int], words: list[tuple[str, list[int]]], text: str
) -> None:
    assert tokens.words(ids) == words
    assert tokens.text(ids) == text
    assert tokens.words([]) == []


def test_words_are_spelled_whole_or_not_at_all() -> None:
    tokens = Tokens(("<blank>", "▁the", "n"), "▁")
    assert set(tokens.letter_ids) == set("then")
    assert tokens.spell("ten") == [[tokens.letter_ids[c] for c in "ten"]]
    assert tokens.spell("tea") == []
    assert tokens.split("the  hen ") == ["the", "hen"]
    assert Tokens(("", "你", "好"), None).split("你 好") == ["你", "好"]


def test_a_boundary_that_no_token_has_is_refused() -> None:
    with pytest.raises(UserError, match="no token starts with"):
        Tokens(("", "a", "b"))
    with pytest.raises(UserError, match="one more"):
        Tokens(("",))
