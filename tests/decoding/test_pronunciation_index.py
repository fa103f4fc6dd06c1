"""Of a lexicon's words, those that take fewest changes to sound like what was heard."""

import random
from itertools import product

import numpy as np
import pytest

from asr.decoding.pronunciation_index import PronunciationIndex
from asr.decoding.tokens import Tokens

PHONES = ("", " ", "a", "bb", "c", "d")
IDS = {phone: token for token, phone in enumerate(PHONES)}


def sounds_of(lexicon: dict[str, list[str]]) -> PronunciationIndex:
    return PronunciationIndex(Tokens(PHONES, " ", lexicon))


def test_the_first_of_words_that_sound_alike_stands_for_all() -> None:
    sounds = sounds_of({"two": ["a bb"], "to": ["a bb", "a"], "zoo": ["zz a"], "tool": ["a bb c"]})
    assert sounds.words == ["two", "to", "tool"]  # no token says zz
    assert sounds.lengths.tolist() == [2, 1, 3]
    assert sounds.token_ids.tolist() == [[2, 3, 1, 1], [2, 1, 1, 1], [2, 3, 4, 1]]


def test_usual_words_cost_less_and_all_shares_make_a_whole() -> None:
    costs = sounds_of({f"{n}": ["a " * n + "c"] for n in range(1, 200)}).costs
    assert (np.diff(costs) > 0).all()
    assert np.exp(-costs / 0.75).sum() == pytest.approx(1.0)
    assert np.exp((costs[60] - costs[9]) / 0.75) == pytest.approx((61 + 50) / (10 + 50))


def test_the_nearest_words_by_a_distance_computed_plainly() -> None:
    rng = random.Random(1)
    lexicon = {
        f"word{n}": [" ".join(rng.choices(["a", "bb", "c"], k=rng.randint(1, 6)))]
        for n in range(300)
    }
    sounds = sounds_of(lexicon)
    said = [lexicon[word][0].split() for word in sounds.words]
    runs = list(product(["a", "bb", "c", "d"], repeat=3))
    found = sounds.nearest([np.array([IDS[phone] for phone in run]) for run in runs])
    for run, rows in zip(runs, found, strict=True):
        changes = [_distance(run, tuple(phones)) for phones in said]
        near = [n for n in range(len(said)) if changes[n] < min(changes) + 4]
        near.sort(key=lambda n: 5 * changes[n] + sounds.costs[n])
        assert rows.tolist() == near[:40]


def _distance(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    if not a or not b:
        return len(a) + len(b)
    put_in, left_out = _distance(a[1:], b) + 1, _distance(a, b[1:]) + 1
    return min(put_in, left_out, _distance(a[1:], b[1:]) + (a[0] != b[0]))
