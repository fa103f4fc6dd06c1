"""Count n-grams by sorting them, packed into integers, so that equal n-grams are neighbors.

The word ids of an n-gram are packed most significant first, as many to a 64-bit integer as fit: one
integer holds a trigram of a vocabulary of two million. Packed from the last word backwards, sorted
n-grams are in suffix order: n-grams that end in one (n-1)-gram are neighbors, and one sort gives
the counts of every order (Heafield et al. 2013, "Scalable modified Kneser-Ney language model
estimation", section 3). Packed forwards, n-grams of one context are neighbors.

Letters: N tokens, n distinct n-grams of a length k, m integers for each.
"""

from typing import NamedTuple

import numpy as np

from asr.lm.tokenized_text import BEGIN_ID, END_ID
from asr.util.compiled import compiled

WORD_BITS = 64


class Packing(NamedTuple):
    """The layout of word ids in 64-bit integers."""

    bits: int  # of a word id

    @property
    def per_integer(self) -> int:
        """Words that one integer holds."""
        return WORD_BITS // self.bits

    def integers(self, length: int) -> int:
        """Integers that an n-gram of `length` words takes."""
        return -(-length // self.per_integer)

    def mask(self, length: int) -> np.ndarray:
        """(m,) uint64 of ones where the first `length` packed words lie."""
        fill = [
            min(self.per_integer, length - i * self.per_integer)
            for i in range(self.integers(length))
        ]
        ones = [((1 << self.bits * n) - 1) << (WORD_BITS - self.bits * n) for n in fill]
        return np.array(ones, np.uint64)


class OrderCounts(NamedTuple):
    """The distinct n-grams of one length with their counts, sorted by context and last word.

    Unigrams are all words by id, with or without occurrences.
    """

    word: np.ndarray  #        (n,) int32, last word
    context: np.ndarray  #     (n,) int32, row of all but the last word in the order below
    suffix: np.ndarray  #      (n,) int32, row of all but the first word in the order below
    occurrences: np.ndarray  # (n,) int32
    adjusted: np.ndarray  #    (n,) int32, distinct words before the n-gram; its occurrences where
    #                                      it begins with <s> or has the highest length


class _Sorted(NamedTuple):
    """Distinct n-grams in suffix order, packed from the last word backwards."""

    rows: np.ndarray  #        (n, m) uint64
    occurrences: np.ndarray  # (n,) int32
    adjusted: np.ndarray  #    (n,) int32
    suffix: np.ndarray  #      (n,) int32, row of all but the first word in the order below


@compiled
def _field(rows: np.ndarray, i: int, j: int, bits: int) -> int:
    """The j-th packed word of row i."""
    per_integer = 64 // bits
    shift = np.uint64(64 - bits * (j % per_integer + 1))
    return int((rows[i, j // per_integer] >> shift) & np.uint64((1 << bits) - 1))


@compiled
def _put_field(rows: np.ndarray, i: int, j: int, bits: int, word: int) -> None:
    per_integer = 64 // bits
    shift = np.uint64(64 - bits * (j % per_integer + 1))
    rows[i, j // per_integer] |= np.uint64(word) << shift


@compiled
def _equal(a: np.ndarray, i: int, b: np.ndarray, j: int, mask: np.ndarray) -> bool:
    """Compare row i of `a` with row j of `b` within the mask."""
    equal = True
    for k in range(len(mask)):
        equal &= (a[i, k] ^ b[j, k]) & mask[k] == 0
    return equal


@compiled
def _pack(tokens: np.ndarray, order: int, bits: int, rows: np.ndarray) -> None:
    """Pack the n-gram that ends at each token, backwards; <s> fills places before a sentence."""
    history = np.full(order, BEGIN_ID, np.int64)
    for i in range(len(tokens)):
        for j in range(order - 1, 0, -1):
            history[j] = history[j - 1]
        history[0] = tokens[i]
        for j in range(order):
            _put_field(rows, i, j, bits, history[j])
        if tokens[i] == END_ID:
            history[:] = BEGIN_ID


@compiled
def _count_runs(rows: np.ndarray, mask: np.ndarray, count: np.ndarray) -> int:
    """Move one of each run of equal rows to the front, fill `count`, return the number of runs."""
    last = -1
    for i in range(len(rows)):
        if last < 0 or not _equal(rows, i, rows, last, mask):
            last += 1
            rows[last] = rows[i]
            count[last] = 0
        count[last] += 1
    return last + 1


@compiled
def _shorten(longer: _Sorted, mask: np.ndarray, bits: int, length: int, shorter: _Sorted) -> int:
    """Group n-grams by their last `length` words; return how many groups.

    Fills `shorter`, and in `longer` the links to it.
    """
    last = -1
    for i in range(len(longer.rows)):
        if last < 0 or not _equal(longer.rows, i, shorter.rows, last, mask):
            last += 1
            for k in range(len(mask)):
                shorter.rows[last, k] = longer.rows[i, k] & mask[k]
            shorter.occurrences[last] = 0
            shorter.adjusted[last] = 0
        longer.suffix[i] = last
        shorter.occurrences[last] += longer.occurrences[i]
        if _field(longer.rows, i, length - 1, bits) == BEGIN_ID:
            shorter.adjusted[last] = shorter.occurrences[last]  # no word precedes a sentence
        else:
            shorter.adjusted[last] += 1
    return last + 1


@compiled
def _reverse(rows: np.ndarray, length: int, bits: int, reversed_rows: np.ndarray) -> None:
    for i in range(len(rows)):
        for j in range(length):
            _put_field(reversed_rows, i, length - 1 - j, bits, _field(rows, i, j, bits))


@compiled
def _is_padding(rows: np.ndarray, length: int, bits: int, result: np.ndarray) -> None:
    """Mark n-grams whose second word is <s>, which begin before their sentence."""
    for i in range(len(rows)):
        result[i] = _field(rows, i, length - 2, bits) == BEGIN_ID


@compiled
def _last_words(rows: np.ndarray, length: int, bits: int, words: np.ndarray) -> None:
    for i in range(len(rows)):
        words[i] = _field(rows, i, length - 1, bits)


@compiled
def _match_contexts(
    rows: np.ndarray, contexts: np.ndarray, mask: np.ndarray, matched: np.ndarray
) -> None:
    """Find the row of each n-gram's context; both lists are packed forwards and sorted."""
    at = 0
    for i in range(len(rows)):
        while not _equal(rows, i, contexts, at, mask):
            at += 1
        matched[i] = at


def _sort(rows: np.ndarray) -> np.ndarray:
    """Sort rows, in place where a row is one integer."""
    if rows.shape[1] == 1:
        rows[:, 0].sort()
        return rows
    return rows[np.lexsort(rows.T[::-1])]


def _rank(rows: np.ndarray) -> np.ndarray:
    return np.argsort(rows[:, 0]) if rows.shape[1] == 1 else np.lexsort(rows.T[::-1])


def _highest(tokens: np.ndarray, order: int, packing: Packing) -> _Sorted:
    """Find the distinct n-grams of the highest order."""
    rows = np.zeros((len(tokens), packing.integers(order)), np.uint64)
    _pack(tokens, order, packing.bits, rows)
    rows = _sort(rows)
    count = np.empty(len(rows), np.int32)
    distinct = _count_runs(rows, packing.mask(order), count)
    # copies free the memory of repeated rows
    rows, count = rows[:distinct].copy(), count[:distinct].copy()
    return _Sorted(rows, count, count, np.empty(distinct, np.int32))


def _shorter(longer: _Sorted, length: int, packing: Packing) -> _Sorted:
    """Find the distinct suffixes of `length` words, and link the longer n-grams to them."""
    size = len(longer.rows)
    rows = np.empty((size, packing.integers(length)), np.uint64)
    occurrences, adjusted = np.empty(size, np.int32), np.empty(size, np.int32)
    shorter = _Sorted(rows, occurrences, adjusted, np.empty(size, np.int32))
    n = _shorten(longer, packing.mask(length), packing.bits, length, shorter)
    return _Sorted(*(array[:n].copy() for array in shorter))


def _unigrams(counted: _Sorted, words: int, packing: Packing) -> OrderCounts:
    seen = (counted.rows[:, 0] >> np.uint64(WORD_BITS - packing.bits)).astype(np.int64)
    count, adjusted = np.zeros(words, np.int32), np.zeros(words, np.int32)
    count[seen], adjusted[seen] = counted.occurrences, counted.adjusted
    root = np.zeros(words, np.int32)
    return OrderCounts(np.arange(words, dtype=np.int32), root, root, count, adjusted)


def _by_context(
    counted: _Sorted, length: int, packing: Packing, contexts: np.ndarray, places: np.ndarray
) -> tuple[OrderCounts, np.ndarray, np.ndarray]:
    """Sort an order by context, given the packed rows and the places of the order below.

    A place is the row, sorted by context, of an n-gram in suffix order. Returns the counts, rows
    and places of this order.
    """
    bits = packing.bits
    padding = np.empty(len(counted.rows), np.bool_)
    _is_padding(counted.rows, length, bits, padding)
    kept = np.flatnonzero(~padding)
    rows = np.zeros((len(kept), packing.integers(length)), np.uint64)
    _reverse(counted.rows[kept], length, bits, rows)
    rank = _rank(rows)
    rows, kept = rows[rank], kept[rank]
    own_places = np.full(len(counted.rows), -1, np.int32)
    own_places[kept] = np.arange(len(kept))
    context, word = np.empty(len(kept), np.int32), np.empty(len(kept), np.int32)
    _match_contexts(rows, contexts, packing.mask(length - 1), context)
    _last_words(rows, length, bits, word)
    counts = OrderCounts(
        word=word,
        context=context,
        suffix=places[counted.suffix[kept]],
        occurrences=counted.occurrences[kept],
        adjusted=counted.adjusted[kept],
    )
    return counts, rows, own_places


def count_ngrams(tokens: np.ndarray, words: int, order: int) -> list[OrderCounts]:
    """Count the n-grams of lengths 1 to `order`.

    `tokens` (N,) int32 are ids in [0, `words`), each sentence ended by </s>. The <s> before each
    sentence is implied: it counts as a context, never as an occurrence of its own.
    """
    packing = Packing(max(words - 1, 1).bit_length())
    levels = [_highest(tokens, order, packing)]
    for length in range(order - 1, 0, -1):
        levels.append(_shorter(levels[-1], length, packing))
    unigrams = levels.pop()
    counts = [_unigrams(unigrams, words, packing)]
    shift = np.uint64(WORD_BITS - packing.bits)
    places = (unigrams.rows[:, 0] >> shift).astype(np.int32)
    rows = (np.arange(words, dtype=np.uint64) << shift)[:, None]
    for length in range(2, order + 1):
        level, rows, places = _by_context(levels.pop(), length, packing, rows, places)
        counts.append(level)
    return counts
