"""The words of a lexicon by their sound, and which of them come near to what was heard.

N sounds, L phones of the longest.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from asr.decoding.tokens import Tokens

#: How many words are taken of each number of phones changed, from the least on, and of them all.
_NEAREST, _CHANGES = 40, 4
#: Nats that a phone more, fewer or another makes a word less likely, before its frames are asked.
_CHANGE = 5.0
#: Of this many words, the most usual ones, none is much more usual than another.
_ALIKE = 50
#: How far a word's frequency counts beside its frames, which know something of it too. These were
#: chosen on a quarter of LibriSpeech's dev set and on AN4's.
_WEIGHT = 0.75


class PronunciationIndex:
    """What the words of a lexicon sound like.

    Args:
        tokens: of phones and a space between words, with a lexicon whose most usual word comes
            first.

    Attributes:
        words: (N,) for each sound the most usual word of it.
        token_ids: (N, L + 1) int16, its phones, and spaces behind them.
        lengths: (N,) how many phones it has.
        space: the space's token id.
        costs: (N,) nats, how unusual the word is: its rank's share by Zipf's law as Mandelbrot
            ("An informational theory of the statistical structure of language", 1953) wrote it,
            1 / (rank + constant), weighed.
    """

    def __init__(self, tokens: Tokens) -> None:
        self.space = tokens.tokens.index(tokens.boundary or "")
        ids = {phone: token for token, phone in enumerate(tokens.spellings) if phone}
        said = ((phones.split(), word) for phones, word in tokens.by_sound.items())
        known = [(phones, word) for phones, word in said if ids.keys() >= set(phones)]
        self.words = [word for _, word in known]
        # each phone a character, as edit distances of strings want it
        self._sounds = ["".join(chr(ids[phone]) for phone in phones) for phones, _ in known]
        self.lengths = np.array([len(sound) for sound in self._sounds], dtype=np.int64)
        width = self.lengths.max(initial=0) + 1
        self.token_ids = np.full((len(known), width), self.space, dtype=np.int16)
        filled = np.arange(width) < self.lengths[:, None]
        self.token_ids[filled] = [*map(ord, "".join(self._sounds))]
        ranks = np.arange(1, len(known) + 1) + _ALIKE
        self.costs = _WEIGHT * (np.log(ranks) + np.log((1 / ranks).sum()))

    def nearest(self, heard: Sequence[NDArray[np.integer]]) -> list[NDArray[np.intp]]:
        """Find the words that each of several runs of phones may have been.

        Args:
            heard: token ids, at least one in each run.

        Returns:
            For each run the rows of `_NEAREST` words at most, by the phones to be put in, left out
            or exchanged, and by their costs.
        """
        runs = ["".join(map(chr, one)) for one in heard]
        changes = cdist(runs, self._sounds, scorer=Levenshtein.distance, dtype=np.uint8)
        return [self._likeliest(row) for row in changes]

    def _likeliest(self, changes: NDArray[np.uint8]) -> NDArray[np.intp]:
        least = int(changes.min())
        rows = np.concatenate(
            [np.flatnonzero(changes == n)[:_NEAREST] for n in range(least, least + _CHANGES)]
        )
        costs = _CHANGE * changes[rows] + self.costs[rows]
        return rows[np.argsort(costs, kind="stable")[:_NEAREST]]
