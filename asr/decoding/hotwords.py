"""Hot words: phrases that earn a bonus, with a look-ahead score while their letters come in.

All phrases stand in one Aho-Corasick automaton over letters, so that following ten thousand costs
as much as following one. A phrase is anchored at word boundaries, `_ann_`: ANNUAL earns nothing
for its first three letters once the fourth has come. The look-ahead score is a function of the
automaton's state, so it is gone from a prefix that leaves a phrase incomplete.

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
from asr.util.errors import UserError
from asr.util.native import native, njit_no_alloc
from asr.util.printable import quoted

MOST_PRONUNCIATIONS = 1000  # of a phrase, as the pronunciations of its words multiply
BOUNDARY = 0  # the letter number that stands between words


class Hotwords(NamedTuple):
    """The automaton; its states are the nodes of `tree`.

    Attributes:
        tree: all phrases, each spelled with a boundary before, between and after its words.
        fail: (nodes,) int32, where the longest proper suffix that is itself in the tree ends.
        look_ahead: (nodes,) float64, nats for the letters of the phrase that is under way.
        done: (nodes,) float64, nats that the phrases ending here earn on arrival, for good.
        step_bound: (nodes,) float64, upper bound on what the next letter or boundary can earn.
        largest_step_bound: the largest of these.
        start: the state at the start of an utterance, which is a boundary.
    """

    tree: Tree
    fail: NDArray[np.int32]
    look_ahead: NDArray[np.float64]
    done: NDArray[np.float64]
    step_bound: NDArray[np.float64]
    largest_step_bound: float
    start: int


def build_hotwords(phrases: Sequence[str], tokens: Tokens, boost: float) -> Hotwords:
    """Build the automaton; a finished phrase has earned `boost` nats for each of its letters.

    Raises:
        UserError: a phrase that is empty, that the tokens cannot spell, or that has more than
            `MOST_PRONUNCIATIONS`.
    """
    spellings = [one for phrase in dict.fromkeys(phrases) for one in _spell(phrase, tokens)]
    tree, ends = build_tree(spellings)
    nodes = len(tree.label)
    fail, letters = np.zeros(nodes, np.int32), np.zeros(nodes, np.int32)
    look_ahead, done, step_bound = np.zeros(nodes), np.zeros(nodes), np.zeros(nodes)
    for spelling, end in zip(spellings, ends, strict=True):
        done[end] = boost * (len(spelling) - spelling.count(BOUNDARY))
    if spellings:
        _link(tree, float(boost), letters, fail, look_ahead, done)
        _bound_steps(tree, fail, look_ahead, done, step_bound)
    start = ROOT + 1 if spellings else ROOT  # every spelling begins with a boundary
    return Hotwords(tree, fail, look_ahead, done, step_bound, float(step_bound.max()), start)


def _spell(phrase: str, tokens: Tokens) -> list[list[int]]:
    """Spell a phrase, once for every combination of its words' pronunciations."""
    words = tokens.split(phrase)
    if not words:
        raise UserError(f"hot word {quoted(phrase)}: it is empty; remove it")
    spellings = [tokens.spell(word) for word in words]
    if not all(spellings):
        odd = "".join(word for word, found in zip(words, spellings, strict=True) if not found)
        if tokens.pronunciations is not None:
            raise UserError(
                f"hot word {quoted(phrase)}: the model has no pronunciation of {quoted(odd)}; "
                "decode with a lexicon that has one"
            )
        odd = "".join(sorted(set(odd) - set(tokens.letter_ids)))
        raise UserError(
            f"hot word {quoted(phrase)}: the model cannot write {quoted(odd)}; "
            f"spell it with {''.join(tokens.letter_ids)!r}"
        )
    if (count := prod(map(len, spellings))) > MOST_PRONUNCIATIONS:
        raise UserError(
            f"hot word {quoted(phrase)}: it has {count:,} pronunciations, expected "
            f"{MOST_PRONUNCIATIONS:,} at most; part it into shorter phrases"
        )
    return [
        [BOUNDARY, *(letter for word in combination for letter in (*word, BOUNDARY))]
        for combination in product(*spellings)
    ]


@native
def _link(tree, boost, letters, fail, look_ahead, done):  # type: ignore[no-untyped-def]
    """Fill the automaton's arrays in place; a node's parent and its `fail` come before it."""
    for node in range(1, len(fail)):
        parent, label = tree.parent[node], tree.label[node]
        letters[node] = letters[parent] + (label != BOUNDARY)
        if parent != ROOT:
            fail[node] = _step(tree, fail, np.int64(fail[parent]), label)
        if tree.first[node] < tree.first[node + 1]:  # a leaf has nothing more under way
            look_ahead[node] = boost * letters[node]
        look_ahead[node] = max(look_ahead[node], look_ahead[fail[node]])
        done[node] += done[fail[node]]
    return len(fail)


@native
def _bound_steps(tree, fail, look_ahead, done, step_bound):  # type: ignore[no-untyped-def]
    """Fill `step_bound` in place: a step leads to a child of node, `fail` or root."""
    for node in range(1, len(fail)):
        parent = tree.parent[node]
        step_bound[parent] = max(step_bound[parent], look_ahead[node] + done[node])
    for node in range(1, len(fail)):
        step_bound[node] = max(step_bound[node], step_bound[fail[node]])
    for node in range(len(fail)):
        step_bound[node] -= look_ahead[node]
    return len(fail)


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
    """Follow one letter, or a boundary, from a state."""
    return _step(hotwords.tree, hotwords.fail, np.int64(state), np.int32(letter))
