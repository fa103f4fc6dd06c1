"""Hot words: phrases that earn a bonus as their letters come in.

All phrases live in one Aho-Corasick automaton over letters, so that following ten thousand costs
as much as following one. A phrase is anchored at word boundaries, `_ann_`: ANNUAL earns nothing
for its first three letters once the fourth has come. The bonus is a function of the automaton's
state, so a phrase left incomplete gives back what it was advanced.

Source: Aho and Corasick, "Efficient string matching: an aid to bibliographic search", 1975.
"""

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.decoding.tokens import Tokens
from asr.decoding.tree import ROOT, Tree, build_tree, child_of
from asr.util.compiled import njit_no_alloc
from asr.util.errors import UserError
from asr.util.text_files import quoted

MOST_WAYS = 1000  # in which a phrase may be said, as the ways of its words multiply
BOUNDARY = 0  # the letter number that stands between words


class Hotwords(NamedTuple):
    """The automaton; its states are the nodes of `tree`.

    Attributes:
        tree: all phrases, each spelled with a boundary before, between and after its words.
        fail: (nodes,) int32, where the longest proper suffix that is itself in the tree ends.
        partial: (nodes,) float64, nats advanced for the phrase that is under way.
        done: (nodes,) float64, nats earned for good on arrival, by the phrases that end here.
        reach: (nodes,) float64, the most that the next letter, or the end of a word, can earn.
        largest_reach: the largest of these.
        start: the state at the start of an utterance, which is a boundary.
    """

    tree: Tree
    fail: NDArray[np.int32]
    partial: NDArray[np.float64]
    done: NDArray[np.float64]
    reach: NDArray[np.float64]
    largest_reach: float
    start: int


def build_hotwords(phrases: Sequence[str], tokens: Tokens, boost: float) -> Hotwords:
    """Build the automaton; a finished phrase has earned `boost` nats for each of its letters.

    Raises:
        UserError: a phrase with a character that no token writes, or without any, or one that is
            said in more than `MOST_WAYS` ways.
    """
    spellings = [way for phrase in dict.fromkeys(phrases) for way in _spell(phrase, tokens)]
    tree, ends = build_tree(spellings)
    nodes = len(tree.label)
    fail, letters = np.zeros(nodes, np.int32), np.zeros(nodes, np.int32)
    partial, done, reach = np.zeros(nodes), np.zeros(nodes), np.zeros(nodes)
    for spelling, end in zip(spellings, ends, strict=True):
        done[end] = boost * (len(spelling) - spelling.count(BOUNDARY))
    _link(tree, boost, letters, fail, partial, done)
    _look_ahead(tree, fail, partial, done, reach)
    start = max(ROOT, child_of(tree, ROOT, BOUNDARY))
    return Hotwords(tree, fail, partial, done, reach, float(reach.max()), start)


def _spell(phrase: str, tokens: Tokens) -> list[list[int]]:
    """Spell a phrase, in every way that its words are said."""
    words = tokens.split(phrase)
    if not words:
        raise UserError(f"hot word {quoted(phrase)}: it is empty; remove it")
    ways = [tokens.spell(word) for word in words]
    if not all(ways):
        odd = "".join(word for word, found in zip(words, ways, strict=True) if not found)
        if tokens.pronunciations is not None:
            raise UserError(
                f"hot word {quoted(phrase)}: the model has no pronunciation of {quoted(odd)}; give "
                "it a --lexicon that has one"
            )
        odd = "".join(sorted(set(odd) - set(tokens.letter_ids)))
        raise UserError(
            f"hot word {quoted(phrase)}: the model cannot write {quoted(odd)}; "
            f"spell it with {''.join(tokens.letter_ids)!r}"
        )
    if (count := prod(map(len, ways))) > MOST_WAYS:
        raise UserError(
            f"hot word {quoted(phrase)}: it is said in {count:,} ways, expected "
            f"{MOST_WAYS:,} at most; part it into shorter phrases"
        )
    return [
        [BOUNDARY, *(letter for word in said for letter in (*word, BOUNDARY))]
        for said in product(*ways)
    ]


@njit_no_alloc
def _link(tree, boost, letters, fail, partial, done):  # type: ignore[no-untyped-def]
    """Fill the automaton's arrays in place; a node's parent and its `fail` come before it."""
    for node in range(1, len(fail)):
        parent, label = tree.parent[node], tree.label[node]
        letters[node] = letters[parent] + (label != BOUNDARY)
        if parent != ROOT:
            fail[node] = _step(tree, fail, fail[parent], label)
        if tree.first[node] < tree.first[node + 1]:  # a leaf has nothing more under way
            partial[node] = boost * letters[node]
        partial[node] = max(partial[node], partial[fail[node]])
        done[node] += done[fail[node]]


@njit_no_alloc
def _look_ahead(tree, fail, partial, done, reach):  # type: ignore[no-untyped-def]
    """Fill `reach` in place: a step goes to a child of the node, of its `fail`, or to the root."""
    for node in range(1, len(fail)):
        parent = tree.parent[node]
        reach[parent] = max(reach[parent], partial[node] + done[node])
    for node in range(1, len(fail)):
        reach[node] = max(reach[node], reach[fail[node]])
    for node in range(len(fail)):
        reach[node] -= partial[node]


@njit_no_alloc
def _step(tree: Tree, fail: NDArray[np.int32], state: int, letter: int) -> int:
    while True:
        child = child_of(tree, state, letter)
        if child >= 0:
            return child
        if state == ROOT:
            return ROOT
        state = fail[state]


@njit_no_alloc
def hot_step(hotwords: Hotwords, state: int, letter: int) -> int:
    """Follow one letter from a state."""
    return _step(hotwords.tree, hotwords.fail, state, letter)
