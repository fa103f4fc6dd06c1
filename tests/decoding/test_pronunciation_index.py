"""The words near a run of phones equal those by plain edit distances to all words."""

import random
from itertools import product

import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from asr.decoding import pronunciation_index
from asr.decoding.edit_distance import LONGEST, edit_distances
from asr.decoding.pronunciation_index import PronunciationIndex
from asr.decoding.tokens import Tokens

ABSTRACT = ("", " ", "a", "bb", "c", "d")
IDS = {phone: token for token, phone in enumerate(ABSTRACT)}


def index_of(lexicon: dict[str, list[str]]) -> PronunciationIndex:
    return PronunciationIndex(Tokens(ABSTRACT, " ", lexicon))


def test_the_first_of_homophones_stands_for_all() -> None:
    index = index_of({"two": ["a bb"], "to": ["a bb", "a"], "zoo": ["zz a"], "tool": ["a bb c"]})
    assert [*index.words] == ["two", "to", "tool"]  # no token says zz
    assert index.lengths.tolist() == [2, 1, 3]
    assert index.token_ids.tolist() == [[2, 3, 1, 1], [2, 1, 1, 1], [2, 3, 4, 1]]


def test_common_words_cost_less_and_all_frequencies_sum_to_one() -> None:
    costs = index_of({f"{n}": ["a " * n + "c"] for n in range(1, 200)}).costs
    assert (np.diff(costs) > 0).all()
    assert np.exp(-costs / 0.75).sum() == pytest.approx(1.0)
    assert np.exp((costs[60] - costs[9]) / 0.75) == pytest.approx((61 + 50) / (10 + 50))


def test_the_nearest_words_are_those_by_a_plain_edit_distance() -> None:
    rng = random.Random(1)
    lexicon = {
        f"word{n}": [" ".join(rng.choices(["a", "bb", "c"], k=rng.randint(1, 6)))]
        for n in range(300)
    }
    index = index_of(lexicon)
    pronunciations = [lexicon[word][0].split() for word in index.words]
    runs = list(product(["a", "bb", "c", "d"], repeat=3))
    found = index.nearest([np.array([IDS[phone] for phone in run]) for run in runs])
    for run, rows in zip(runs, found, strict=True):
        changes = [Levenshtein.distance(run, phones) for phones in pronunciations]
        near = [n for n in range(len(pronunciations)) if changes[n] < min(changes) + 4]
        near.sort(key=lambda n: 5 * changes[n] + index.costs[n])
        assert rows.tolist() == near[:40]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_word_is_left_out_of_a_large_lexicon(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words are skipped by bounds, in several rounds; runs of one phone are bounded worst."""
    monkeypatch.setattr(pronunciation_index, "_COMMON", 300)
    monkeypatch.setattr(pronunciation_index, "_TRIED", 45)
    rng = np.random.default_rng(seed)
    phones = [f"p{n}" for n in range((4, 12, 40)[seed])]
    lengths = rng.integers(1, 12, 6000)
    spelled = {" ".join(rng.choice(phones, length)): None for length in lengths}
    words = {f"word{n}": [phones] for n, phones in enumerate(spelled)}
    index = PronunciationIndex(Tokens(("", " ", *phones), " ", words))
    token_ids = [row[:n].tolist() for row, n in zip(index.token_ids, index.lengths, strict=True)]
    runs = [rng.integers(2, 2 + len(phones), n) for n in (*range(1, 20), LONGEST)]
    runs += [np.array(token_ids[row]) for row in (5, -1)] + [np.full(6, 2), np.full(30, 3)]
    for _ in range(2):  # the second time from memory
        for run, rows in zip(runs, index.nearest(runs), strict=True):
            changes = np.array([Levenshtein.distance(run.tolist(), one) for one in token_ids])
            near = np.flatnonzero(changes < changes.min() + 4)
            order = np.argsort(5.0 * changes[near] + index.costs[near], kind="stable")
            assert rows.tolist() == near[order][:40].tolist()


@pytest.mark.parametrize("longest", [3, 16, 17, 40, LONGEST])
def test_edit_distances_equal_those_of_rapidfuzz(longest: int) -> None:
    rng = np.random.default_rng(longest)
    texts = [rng.integers(1, 5, length) for length in (1, longest, *rng.integers(1, longest, 20))]
    others = [rng.integers(1, 5, length) for length in (0, 300, *rng.integers(1, 30, 50))]
    columns = np.full((300, len(others)), 9, np.int16)
    for number, other in enumerate(others):
        columns[: len(other), number] = other
    numbers, rows = np.indices((len(texts), len(others))).reshape(2, -1)
    lengths = np.array([len(other) for other in others], np.uint16)[rows]
    expected = [
        Levenshtein.distance(texts[number].tolist(), others[row].tolist())
        for number, row in zip(numbers, rows, strict=True)
    ]
    assert edit_distances(texts, numbers, columns, rows, lengths).tolist() == expected
