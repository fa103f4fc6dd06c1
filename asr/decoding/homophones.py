"""Which homophones a result is written with: the words that are likeliest as a whole; compiled.

The search scores a word at its end and knows only the words before it. The words after it tell
more: "their" or "there" is decided by the next word. A result of the search is tokens, whose words
are chosen anew by Viterbi's algorithm over the contexts of the language model.

S paths that are kept, W words.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.decoding.lexicon import LM_NONE, LM_WORDS
from asr.decoding.prefix_scorer import PrefixScorer
from asr.decoding.tree import OUTSIDE, ROOT, child_of
from asr.lm.ngram import score_next_word
from asr.util.native import native, njit_no_alloc

#: Paths kept after a word, each in another context, and nats that one may lie below the best. A
#: farther path hardly ever wins, and words of streams are committed once the others are dropped.
MOST, FARTHEST = 8, 6.0


class Trellis(NamedTuple):
    """Paths through the words, by how many words they have; 0 to W.

    Attributes:
        context: (W + 1, S) int64, state of the language model, no two alike.
        score: (W + 1, S) float64, nats.
        entry: (W + 1, S) int64, the last word's entry in the lexicon's `words`.
        before: (W + 1, S) int64, the path that this one continues.
        size: (W + 1,) int64, how many paths there are.
    """

    context: NDArray[np.int64]
    score: NDArray[np.float64]
    entry: NDArray[np.int64]
    before: NDArray[np.int64]
    size: NDArray[np.int64]


def choose_words(scorer: PrefixScorer, token_ids: NDArray[np.int32]) -> NDArray[np.int64]:
    """Choose the likeliest words of a result: their entries in the lexicon's `words`, (W,)."""
    trellis, count = _fill(scorer, token_ids, len(token_ids), ended=True)
    entries = np.empty(count, np.int64)
    slot = int(np.argmax(trellis.score[count, : trellis.size[count]]))
    for number in range(count, 0, -1):
        entries[number - 1] = trellis.entry[number, slot]
        slot = trellis.before[number, slot]
    return entries


def count_settled(scorer: PrefixScorer, token_ids: NDArray[np.int32], complete: int) -> int:
    """Count the words of a prefix that will be chosen whatever follows.

    Args:
        scorer: of the search.
        token_ids: of the prefix.
        complete: its words that no later token makes longer; the others are not read.
    """
    trellis, count = _fill(scorer, token_ids, complete, ended=False)
    slots = np.arange(trellis.size[count])
    while len(slots) > 1:
        slots = np.unique(trellis.before[count, slots])
        count -= 1
    return count


def _fill(
    scorer: PrefixScorer, token_ids: NDArray[np.int32], most: int, *, ended: bool
) -> tuple[Trellis, int]:
    shape = (len(token_ids) + 1, MOST)
    context, entry, before = np.empty((3, *shape), np.int64)
    trellis = Trellis(context, np.empty(shape), entry, before, np.empty(shape[0], np.int64))
    return trellis, _choose(scorer, np.ascontiguousarray(token_ids, np.int32), most, ended, trellis)


@native
def _choose(
    scorer: PrefixScorer, token_ids: NDArray[np.int32], most: int, ended: int, trellis: Trellis
) -> int:
    """Fill the trellis by the first `most` words of a result; return how many there are."""
    trellis.context[0, 0], trellis.score[0, 0], trellis.size[0] = scorer.lm_begin, 0.0, 1
    count, node = 0, np.int64(ROOT)
    for token in token_ids:
        if scorer.starts_word[token] and node != ROOT:
            if count == most:
                break
            _add_word(scorer, trellis, count, node)
            count += 1
            node = np.int64(ROOT)
        for at in range(scorer.spelling_offsets[token], scorer.spelling_offsets[token + 1]):
            letter = scorer.spelling_letters[at]
            if node != OUTSIDE:
                node = np.int64(child_of(scorer.words.tree, node, letter))
    if node != ROOT and count < most:
        _add_word(scorer, trellis, count, node)
        count += 1
    if ended and scorer.lm_unit != LM_NONE:
        for slot in range(trellis.size[count]):
            end = score_next_word(scorer.lm, trellis.context[count, slot], scorer.lm_end)[0]
            trellis.score[count, slot] += scorer.lm_weight * end
    return count


@njit_no_alloc
def _add_word(scorer: PrefixScorer, trellis: Trellis, number: int, node: int) -> None:
    """Continue every path by every word that ends at a node of the lexicon."""
    words, size, best = scorer.words, np.int64(0), -np.inf
    at = len(words.end_score) - 1 if node == OUTSIDE else node
    for slot in range(trellis.size[number]):
        for entry in range(words.first[at], words.first[at + 1]):
            if words.homophone_score[entry] == -np.inf:
                continue
            score = trellis.score[number, slot] + words.homophone_score[entry]
            context = trellis.context[number, slot]
            if scorer.lm_unit == LM_WORDS:
                log_prob, after = score_next_word(scorer.lm, context, words.word_ids[entry])
                score += scorer.lm_weight * log_prob
                context = np.int64(after)
            best = max(best, score)
            size = _offer(trellis, number + 1, size, score, context, entry, slot)
    kept = np.int64(0)
    for slot in range(size):
        if trellis.score[number + 1, slot] >= best - FARTHEST:
            _write(
                trellis, number + 1, kept, trellis.score[number + 1, slot],
                trellis.context[number + 1, slot], trellis.entry[number + 1, slot],
                trellis.before[number + 1, slot],
            )  # fmt: skip
            kept += 1
    trellis.size[number + 1] = kept


@njit_no_alloc
def _offer(
    trellis: Trellis, number: int, size: int, score: float, context: int, entry: int, before: int
) -> int:
    """Add a path, where it is the best in its context and among the best; return how many."""
    place, least = np.int64(size), np.inf
    for slot in range(size):
        if trellis.context[number, slot] == context:
            place, least = np.int64(slot), trellis.score[number, slot]
            break
        if size == MOST and trellis.score[number, slot] < least:
            place, least = np.int64(slot), trellis.score[number, slot]
    if place < size and score <= least:
        return size
    _write(trellis, number, place, score, context, entry, before)
    return size + 1 if place == size else size


@njit_no_alloc
def _write(
    trellis: Trellis, number: int, place: int, score: float, context: int, entry: int, before: int
) -> None:
    trellis.score[number, place], trellis.context[number, place] = score, context
    trellis.entry[number, place], trellis.before[number, place] = entry, before
