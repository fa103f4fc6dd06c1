"""Build the tree of n-grams order by order, from an ARPA file or from an estimate.

Letters: E entries, C contexts as in `asr.lm.ngram`; n the n-grams of one order, k its length.
"""

from collections.abc import Sequence

import numpy as np

from asr.lm.ngram import NGramArrays, find_child, score_next_word
from asr.util.array_file import read_only
from asr.util.compiled import compiled


@compiled
def _find_entries(lm: NGramArrays, words: np.ndarray, length: int, found: np.ndarray) -> None:
    """Entry of the first `length` words of each row, or -1."""
    for i in range(len(words)):
        entry = 0
        for j in range(length):
            entry = find_child(lm, entry, words[i, j])
            if entry < 0:
                break
        found[i] = entry


@compiled
def _link_suffixes(lm: NGramArrays, parent: np.ndarray, suffix: np.ndarray) -> None:
    """Fill `suffix`, whose read-only view the model holds, parents and shorter n-grams first.

    The longest suffix of `h w` is the state after word `w` from the suffix of `h` (Aho and Corasick
    1975).
    """
    for entry in range(1, len(parent)):
        if parent[entry] > 0:
            suffix[entry] = score_next_word(lm, int(suffix[parent[entry]]), int(lm.word[entry]))[1]


class TreeBuilder:
    """Makes `NGramArrays` of n-grams, which are appended order by order, unigrams first."""

    def __init__(self, counts: Sequence[int]) -> None:
        """Allocate arrays for the n-grams of each order; the highest order has no back-off."""
        entries, contexts = 1 + sum(counts), 1 + sum(counts[:-1])
        self.level_start, self.level_end = 0, 1  # the root is order 0
        self._word = np.full(entries, -1, np.int32)
        self._parent = np.zeros(entries, np.int32)
        self._suffix = np.zeros(entries, np.int32)
        self._log_prob = np.zeros(entries, np.float32)
        self._back_off = np.zeros(contexts, np.float32)
        self._first_child = np.zeros(contexts + 1, np.int32)
        self.arrays = NGramArrays(
            word=read_only(self._word),
            log_prob=read_only(self._log_prob),
            suffix=read_only(self._suffix),
            back_off=read_only(self._back_off),
            first_child=read_only(self._first_child),
        )

    def find(self, words: np.ndarray) -> np.ndarray:
        """Entry (n,) int32 of the first k - 1 words of each row of (n, k) int32, -1 for none."""
        found = np.empty(len(words), np.int32)
        _find_entries(self.arrays, words, words.shape[1] - 1, found)
        return found

    def append(
        self, parent: np.ndarray, word: np.ndarray, log_prob: np.ndarray, back_off: np.ndarray
    ) -> None:
        """Add one order, sorted by parent and word without repeats.

        `parent` (n,) are entries of the order before, `log_prob` and `back_off` (n,) natural
        logarithms; `back_off` is (0,) for the highest order.
        """
        start, end = self.level_end, self.level_end + len(word)
        self._word[start:end] = word
        self._parent[start:end] = parent
        self._log_prob[start:end] = log_prob
        self._back_off[start : start + len(back_off)] = back_off
        contexts = np.arange(self.level_start, self.level_end + 1)
        self._first_child[contexts] = start + np.searchsorted(parent, contexts)
        self.level_start, self.level_end = start, end

    def finish(self) -> NGramArrays:
        """Link every entry to its longest suffix, once all orders are in."""
        _link_suffixes(self.arrays, self._parent, self._suffix)
        return self.arrays
