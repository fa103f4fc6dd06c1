"""An n-gram language model in memory, and the function that scores a next word.

The n-grams form a tree laid out breadth first: entry 0 is the root (the empty n-gram), then come
the words, then the bigrams, and so on, each order sorted by its parent and then by its last word.
The children of an entry are therefore neighbors in order of word, and one array of first children
describes the whole tree. An entry below the highest order is a context too, so the language-model
state of a hypothesis is one integer, an entry.

Letters: E entries of every order and the root, C entries below the highest order (with the root).
"""

from collections.abc import Sequence
from functools import cached_property
from math import log
from typing import NamedTuple

import numpy as np

from asr.util.native import native, njit_no_alloc

LN_10 = log(10.0)
UNKNOWN, BEGIN, END = "<unk>", "<s>", "</s>"


class NGramArrays(NamedTuple):
    """The model as plain read-only arrays, which compiled code takes.

    Word `w` is entry `w + 1`. Logarithms are natural.
    """

    word: np.ndarray  #        (E,) int32, last word of the entry's n-gram; -1 for the root
    log_prob: np.ndarray  #    (E,) float32, log p(last word | the words before it)
    suffix: np.ndarray  #      (E,) int32, the context to back off to: the longest proper suffix
    #                                      that `state_after` keeps
    back_off: np.ndarray  #    (C,) float32, log weight of leaving this context for its suffix
    first_child: np.ndarray  # (C + 1,) int32, children of c are first_child[c]:first_child[c + 1]


@njit_no_alloc
def find_child(lm: NGramArrays, state: int, word: int) -> int:
    """Entry of the n-gram `state + word`, or -1 where the model does not list it.

    The binary search has no branch on the words, which no processor could predict.
    """
    entry = int(lm.first_child[state])
    count = int(lm.first_child[state + 1]) - entry
    if count == 0:
        return -1
    while count > 1:
        half = count >> 1
        entry = entry + half if lm.word[entry + half] <= word else entry
        count -= half
    return entry if lm.word[entry] == word else -1


@njit_no_alloc
def state_after(lm: NGramArrays, entry: int) -> int:
    """The longest suffix of an entry's n-gram, itself included, that later scores depend on.

    An n-gram without extensions and with a back-off weight of 1 scores every word as its suffix
    does. With the suffix as state, more hypotheses of a beam share a state.
    """
    if entry < len(lm.back_off) and (
        lm.first_child[entry] < lm.first_child[entry + 1] or lm.back_off[entry] != 0.0
    ):
        return entry
    return lm.suffix[entry]


@njit_no_alloc
def score_next_word(lm: NGramArrays, state: int, word: int) -> tuple[float, int]:
    """Natural log p(word | state) with back-off, and the state after the word.

    `state` is a context (`NGram.begin`, `NGram.empty` or a returned state) and `word` an id in
    [0, V); both are int64 and unchecked. Katz-style back-off as ARPA files define it:
    the longest listed n-gram's probability times the weights of the contexts left on the way.
    """
    left = 0.0
    while state > 0:
        entry = find_child(lm, state, word)
        if entry > 0:
            return left + lm.log_prob[entry], state_after(lm, entry)
        left += lm.back_off[state]
        state = int(lm.suffix[state])
    return left + lm.log_prob[word + 1], state_after(lm, word + 1)


@native
def _score_words(lm: NGramArrays, state: int, words: np.ndarray, log_probs: np.ndarray) -> int:
    """Write the log-probability of each word in turn; return the state after them."""
    for i in range(len(words)):
        log_probs[i], state = score_next_word(lm, state, int(words[i]))
    return state


def score_words(lm: NGramArrays, state: int, words: np.ndarray) -> np.ndarray:
    """Natural log-probability (N,) float64 of each of `words` (N,) int32 in turn from `state`."""
    log_probs = np.empty(len(words), np.float64)
    _score_words(lm, state, np.ascontiguousarray(words), log_probs)
    return log_probs


class NGram:
    """A back-off n-gram model: its vocabulary, its arrays and its first states.

    Attributes:
        order: longest n-gram's length, 1 or more.
        counts: number of n-grams of each order; includes the <unk> added to a file without one.
        arrays: the model as `score_next_word` takes it.
        begin: the state after <s>.
        empty: the state without history.
        digest: hexadecimal SHA-256 of the file that the model was read from, or None.
        unk_id: id of <unk>, always 0; its entry scores every word outside the vocabulary.
        end_id: id of </s>.
    """

    empty = 0
    unk_id = 0

    def __init__(
        self,
        vocabulary: bytes,
        counts: Sequence[int],
        arrays: NGramArrays,
        digest: str | None = None,
    ) -> None:
        """Wrap finished arrays; `vocabulary` is the words in order of id, one a line, UTF-8."""
        self.vocabulary, self.digest = vocabulary, digest
        self.counts = tuple(int(count) for count in counts)
        self.order = len(self.counts)
        self.arrays = arrays
        self.end_id = _find_line(vocabulary, END)
        self.begin = int(state_after(arrays, _find_line(vocabulary, BEGIN) + 1))

    @cached_property
    def words(self) -> list[str]:
        """All words in order of id; `words[0]` is <unk>."""
        return self.vocabulary.decode().split("\n")

    def likeliest_words(self) -> list[str]:
        """All words but <unk>, <s> and </s>, by falling unigram probability."""
        order = np.argsort(-self.arrays.log_prob[1 : len(self.words) + 1], kind="stable")
        reserved = (UNKNOWN, BEGIN, END)
        return [self.words[index] for index in order if self.words[index] not in reserved]

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(self.words)}

    def __contains__(self, word: str) -> bool:
        return word in self._ids

    def id(self, word: str) -> int:
        """The word's id, or `unk_id` for a word outside the vocabulary."""
        return self._ids.get(word, self.unk_id)

    def ids(self, words: Sequence[str]) -> np.ndarray:
        """Ids (N,) int32 of N words."""
        return np.array([self._ids.get(word, self.unk_id) for word in words], dtype=np.int32)

    def score(self, words: Sequence[str], *, begin: bool = True, end: bool = True) -> list[float]:
        """Natural log-probability of each word of a sentence, and of </s> last where `end`.

        With `begin` the first word follows <s>, otherwise it has no history.
        """
        ids = self.ids([*words, END] if end else words)
        return score_words(self.arrays, self.begin if begin else self.empty, ids).tolist()


def _find_line(vocabulary: bytes, word: str) -> int:
    """Find a word's id without splitting the vocabulary; `NGram.unk_id` for one outside it."""
    lines = b"\n%b\n" % vocabulary
    at = lines.find(f"\n{word}\n".encode())
    return NGram.unk_id if at < 0 else lines.count(b"\n", 0, at)
