import numpy as np
import pytest

from asr.decoding.hotwords import BOUNDARY, build_hotwords, hot_step
from asr.decoding.tokens import Tokens
from asr.util.errors import UserError

TOKENS = Tokens(("", *"ACLNU "))


def bonus(text: str, *phrases: str) -> list[float]:
    """The bonus with its look-ahead after every letter of a text; a space ends each word."""
    hotwords = build_hotwords(phrases, TOKENS, boost=1.0)
    state, earned, trace = hotwords.start, 0.0, []
    for letter in text:
        number = BOUNDARY if letter == " " else TOKENS.letter_ids[letter]
        state = hot_step(hotwords, state, number)
        earned += hotwords.done[state]
        trace.append(earned + hotwords.look_ahead[state])
    return trace


def test_the_look_ahead_grows_by_letter_and_is_gone_where_a_phrase_breaks_off() -> None:
    assert bonus("ANN ", "ANN") == [1, 2, 3, 3]
    assert bonus("ANNUAL ", "ANN") == [1, 2, 3, 0, 0, 0, 0]
    assert bonus("NANN ", "ANN") == [0, 0, 0, 0, 0]
    assert bonus("AN ANN ", "ANN") == [1, 2, 0, 1, 2, 3, 3]


def test_phrases_of_several_words_may_overlap() -> None:
    assert bonus("ANN LUC ", "ANN LUC") == [1, 2, 3, 3, 4, 5, 6, 6]
    assert bonus("ANN CAL ", "ANN LUC")[-1] == 0
    assert bonus("LUC ANN CAL ", "LUC ANN", "ANN CAL")[-1] == 12
    assert bonus("LUC ANN ", "LUC ANN", "ANN")[-1] == 9  # each phrase counts


def test_no_step_earns_more_than_its_bound() -> None:
    hotwords = build_hotwords(["A", "A A", "AN", "ANN", "ANN AN", "N ANN L"], TOKENS, boost=1.0)
    rng, tight = np.random.default_rng(0), 0
    state = hotwords.start
    for letter in rng.choice([BOUNDARY, *(TOKENS.letter_ids[c] for c in "AANNL")], 3000):
        after = hot_step(hotwords, state, letter)
        gain = hotwords.done[after] + hotwords.look_ahead[after] - hotwords.look_ahead[state]
        assert gain <= hotwords.step_bound[state] + 1e-9
        tight += gain == hotwords.step_bound[state]
        state = after
    assert tight > 300


def test_there_may_be_no_hot_words() -> None:
    assert bonus("ANN ") == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("phrase", "message"),
    [("Zoë", "cannot write 'Zoë'"), ("ANN 7", "cannot write '7'"), (" ", "empty")],
)
def test_a_phrase_that_the_model_cannot_write_is_refused(phrase: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_hotwords([phrase], TOKENS, boost=1.0)


def test_a_phrase_with_too_many_pronunciations_is_refused() -> None:
    """Ten pronunciations of each word are a billion for nine words."""
    tokens = Tokens(("", *"ab "), pronunciations={"a": ["a " * n + "b" for n in range(10)]})
    assert len(build_hotwords(["a a a"], tokens, boost=1.0).tree.label) > 1000
    with pytest.raises(UserError, match="has 1,000,000,000 pronunciations, expected 1,000 at most"):
        build_hotwords(["a a a a a a a a a"], tokens, boost=1.0)
