"""The results of a prefix beam search: every prefix of the last beam as a sentence; compiled.

U encoder frames, K beam size.
"""

# mypy: disallow-untyped-defs=False, check-untyped-defs=False
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.decoding.prefix_state import end_sentence
from asr.decoding.prefixes import depth_of, insert, read_state
from asr.decoding.tree import ROOT
from asr.util.native import njit_no_alloc


class Results(NamedTuple):
    """Room for the results of a search.

    Attributes:
        leaves: (K,) int64, the last node of each prefix of the last beam.
        order: (K,) int64, places in the beam, best first.
        unordered: (K, 3) float64, scores by the place in the beam.
        scores: (K, 3) float64, the same in order.
        offsets: (K + 1,) int64 into the tokens.
        tokens: (K U,) int32.
    """

    leaves: NDArray[np.int64]
    order: NDArray[np.int64]
    unordered: NDArray[np.float64]
    scores: NDArray[np.float64]
    offsets: NDArray[np.int64]
    tokens: NDArray[np.int32]


def make_results(beam_size: int, frames: int) -> Results:
    """Make room for the results of a beam after so many frames; none for a beam of 0."""
    return Results(
        np.empty(beam_size, np.int64),
        np.empty(beam_size, np.int64),
        np.empty((beam_size, 3)),
        np.empty((beam_size, 3)),
        np.zeros(beam_size + 1, np.int64),
        np.empty(beam_size * frames, np.int32),
    )


@njit_no_alloc
def finish(nodes, beam, scorer, results):
    """End the sentence on every prefix of the beam and spell out those that may end there."""
    leaves, order, offsets, tokens = results.leaves, results.order, results.offsets, results.tokens
    for slot in range(len(beam)):
        leaves[slot] = beam[slot].node
    if not _score_ends(nodes, beam, leaves, scorer, results.unordered):  # all cut within a word
        for slot in range(len(beam)):
            leaves[slot] = _before_word(nodes, leaves[slot], scorer)
        _score_ends(nodes, beam, leaves, scorer, results.unordered)
    found = 0
    for slot in range(len(beam)):
        insert(order, slot, results.unordered[:, 0], slot)
        found += results.unordered[slot, 0] > -np.inf
    for place in range(found):
        node = leaves[order[place]]
        offsets[place + 1] = offsets[place] + depth_of(nodes, node)
        for at in range(offsets[place + 1] - 1, offsets[place] - 1, -1):
            tokens[at] = nodes[node].token
            node = nodes[node].parent
        for column in range(3):
            results.scores[place, column] = results.unordered[order[place], column]
    return found


@njit_no_alloc
def _before_word(nodes, node, scorer):
    """Go up to where the word under way begins: to the space, or past its first token."""
    while nodes[node].word != ROOT:
        begins = scorer.starts_word[nodes[node].token]
        node = nodes[node].parent
        if begins:
            break
    return node


@njit_no_alloc
def _score_ends(nodes, beam, leaves, scorer, results):
    """Fill the results, one a leaf; return whether the lexicon allows any of them to end there."""
    best = -np.inf
    for slot in range(len(beam)):
        state = end_sentence(scorer, read_state(nodes[leaves[slot]]))
        acoustic = beam[slot].total
        results[slot, 0] = acoustic + scorer.lm_weight * state.lm_score + state.bonus
        results[slot, 1] = acoustic
        results[slot, 2] = state.lm_score
        best = max(best, results[slot, 0])
    return best > -np.inf
