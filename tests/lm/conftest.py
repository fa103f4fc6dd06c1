"""The n-grams of a model as a dictionary, for the tests of language models."""

from collections.abc import Callable

import pytest

from asr.lm.ngram import LN_10, NGram

Entries = dict[tuple[str, ...], tuple[float, float]]


def entries_of(lm: NGram) -> Entries:
    """Every n-gram of a model with its log10 probability and back-off (0 at the highest order)."""
    found: Entries = {}
    arrays, level = lm.arrays, {0: ()}
    for _ in range(lm.order):
        following: dict[int, tuple[str, ...]] = {}
        for parent, context in level.items():
            for entry in range(arrays.first_child[parent], arrays.first_child[parent + 1]):
                gram = (*context, lm.words[arrays.word[entry]])
                back_off = arrays.back_off[entry] if entry < len(arrays.back_off) else 0.0
                found[gram] = (float(arrays.log_prob[entry]) / LN_10, float(back_off) / LN_10)
                following[entry] = gram
        level = following
    return found


@pytest.fixture(scope="session")
def entries() -> Callable[[NGram], Entries]:
    """The function `entries_of`."""
    return entries_of
