"""Phones become the word that sounds so, or one that takes few changes and is usual."""

import random
from itertools import product

import pytest

from asr.sounds import Sounds

LEXICON = {
    "two": ["t uː"], "to": ["t uː", "t ə"], "at": ["æ t"], "cat": ["k æ t"], "catch": ["k æ tʃ"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("phones", "word"),
    [
        ("t uː", "two"),  # to sounds so too, and is less likely
        ("t ə", "to"),
        ("k æ t", "cat"),
        ("k æ d", "cat"),  # catch is as near, and less likely
        ("k æ tʃ ə", "catch"),  # tʃ is one phone
        ("z z z", "two"),  # no word has a z: all of two phones are as near, and it is the first
    ],
)
def test_the_word_that_sounds_so_or_most_nearly_so(phones, word):
    assert Sounds(LEXICON).word(phones.split()) == word


def test_the_nearest_of_all_words_by_a_distance_computed_plainly():
    rng = random.Random(1)
    lexicon = {
        f"word{number}": [" ".join(rng.choices(["a", "bb", "c"], k=rng.randint(1, 5)))]
        for number in range(20)
    }
    sounds = Sounds(lexicon)
    for heard in product(["a", "bb", "c", "zz"], repeat=4):
        best = min(lexicon, key=lambda word: _distance(heard, tuple(lexicon[word][0].split())))
        assert sounds.word(heard) == best


@pytest.mark.parametrize(("between", "word"), [(147, "two"), (146, "tool")])
def test_a_rare_word_gives_way_to_a_usual_one_beside_it(between, word):
    """A phone more is worth 148 ranks."""
    others = {f"word{number}": ["x " * (3 + number)] for number in range(between)}
    sounds = Sounds({"two": ["t uː"], **others, "tool": ["t uː l"]})
    assert sounds.word(["t", "uː", "l"]) == word


def _distance(a, b):
    if not a or not b:
        return len(a) + len(b)
    put_in, left_out = _distance(a[1:], b) + 1, _distance(a, b[1:]) + 1
    return min(put_in, left_out, _distance(a[1:], b[1:]) + (a[0] != b[0]))
