"""The words of a lexicon, found by phones that are near their pronunciations.

N pronunciations, L phones of the longest one, V tokens.
"""

from collections.abc import Generator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.decoding.edit_distance import edit_distances
from asr.decoding.tokens import Tokens
from asr.text.tokenizer import BLANK_ID
from asr.util.array_file import read_only
from asr.util.strings import Strings

# All numbers were chosen on a quarter of LibriSpeech's dev set, those of candidates on AN4's too.
#: Candidates in all, and how many edit distances from the least on.
_NEAREST, _CHANGES = 40, 4
#: Nats that each inserted, deleted or substituted phone costs a candidate.
_CHANGE = 5.0
#: Mandelbrot's constant: the ranks up to about this one differ little in frequency.
_RANK_OFFSET = 50
#: What the log of a word's frequency is multiplied by.
_WEIGHT = 0.75
# Speed alone depends on these. Of the most common words, a search first computes the distances of
# so many, and of so many times more in each round that leaves many words possible.
_COMMON, _TRIED, _MORE = 8192, 192, 4
#: Runs of phones whose words are remembered, half a kilobyte each.
_REMEMBERED = 10_000
#: More nats than a cost is rounded by.
_ROUNDING = 1e-9

_Steps = Generator[NDArray[np.intp], NDArray[np.integer], NDArray[np.intp]]


class IndexArrays(NamedTuple):
    """What a `PronunciationIndex` is made of.

    Attributes:
        words: N, the most common word of each pronunciation, the most common one first.
        columns: (L + 1, N) int16, its phones, padded with spaces; a pronunciation is a column, as
            `edit_distances` reads them.
        lengths: (N,) int64, how many phones it has.
        counts: (V, N) how often it has each phone; uint8, or uint16 where the longest one has more
            than 63 phones.
    """

    words: Strings
    columns: NDArray[np.int16]
    lengths: NDArray[np.int64]
    counts: NDArray[np.unsignedinteger]


def build_index(tokens: Tokens) -> IndexArrays:
    """Spell the pronunciations of a lexicon whose most common word comes first.

    Args:
        tokens: of phones and a space between words. A pronunciation with another phone is left out.
    """
    ids = {phone: token for token, phone in enumerate(tokens.spellings) if phone}
    spelled = [
        ([ids.get(phone, BLANK_ID) for phone in phones.split()], word)
        for phones, word in tokens.by_pronunciation.items()
    ]
    known = [(phones, word) for phones, word in spelled if BLANK_ID not in phones]
    lengths = np.array([len(phones) for phones, _ in known], dtype=np.int64)
    width = lengths.max(initial=0) + 1
    token_ids = np.full((len(known), width), tokens.space or BLANK_ID, dtype=np.int16)
    token_ids[np.arange(width) < lengths[:, None]] = [one for row, _ in known for one in row]
    words = Strings.pack(word for _, word in known)
    counts = _count_phones(token_ids, lengths, len(tokens.tokens))
    columns = np.ascontiguousarray(token_ids.T)
    return IndexArrays(words, *map(read_only, (columns, lengths, counts)))


def _count_phones(
    token_ids: NDArray[np.int16], lengths: NDArray[np.int64], vocabulary: int
) -> NDArray[np.unsignedinteger]:
    """Count each pronunciation's phones, see `IndexArrays.counts`."""
    rows, width = token_ids.shape
    counts = np.zeros((vocabulary, rows), np.min_scalar_type(4 * width))
    for place in range(width):
        longer = np.flatnonzero(lengths > place)
        counts[token_ids[longer, place], longer] += 1
    return counts


class PronunciationIndex:
    """Words of a lexicon, to be found by phones near their pronunciations.

    Args:
        tokens: of phones and a space between words, with a lexicon.
        arrays: of these tokens, from the cache; built where not given.

    Attributes:
        words, lengths: as in `IndexArrays`.
        token_ids: (N, L + 1), the columns as rows.
        space: the space's token id.
        costs: (N,) nats, how rare the word is: the weighed log of its relative frequency by
            Mandelbrot's form of Zipf's law, 1 / (rank + constant) ("An informational theory of the
            statistical structure of language", 1953).
    """

    def __init__(self, tokens: Tokens, arrays: IndexArrays | None = None) -> None:
        self.space = tokens.space or BLANK_ID
        self.words, self._columns, self.lengths, self._counts = arrays or build_index(tokens)
        self.token_ids = self._columns.T
        self._short_lengths = self.lengths.astype(self._counts.dtype)
        self._remembered: dict[bytes, NDArray[np.intp]] = {}
        ranks = np.arange(1, len(self.words) + 1) + _RANK_OFFSET
        self.costs = _WEIGHT * (np.log(ranks) + np.log((1 / ranks).sum()))

    def nearest(self, runs: Sequence[NDArray[np.integer]]) -> list[NDArray[np.intp]]:
        """Find the words whose pronunciations are nearest to runs of phones.

        A word costs `_CHANGE` for each change of a phone, and its own cost.

        Args:
            runs: token ids, 1 to `LONGEST` in each run.

        Returns:
            For each run the rows of `_NEAREST` words at most, by their costs; those of fewer than
            `_CHANGES` changes more than the nearest word has.
        """
        keys = [run.tobytes() for run in runs]
        found = {  # other threads may forget
            key: rows for key in keys if (rows := self._remembered.get(key)) is not None
        }
        new = {key: run for key, run in zip(keys, runs, strict=True) if key not in found}
        found.update(zip(new, self._search([*new.values()]), strict=True))
        if len(self._remembered) > _REMEMBERED:
            self._remembered.clear()
        self._remembered.update(found)
        return [found[key] for key in keys]

    def _search(self, runs: list[NDArray[np.integer]]) -> list[NDArray[np.intp]]:
        """Search for all runs at once, since an operation on few words takes as long."""
        found = [np.zeros(0, np.intp)] * len(runs)
        searches = dict(enumerate(map(self._steps, runs)))
        wanted = {number: next(search) for number, search in searches.items()}
        while wanted:
            counts = [len(rows) for rows in wanted.values()]
            numbers, rows = np.repeat([*wanted], counts), np.concatenate([*wanted.values()])
            lengths = self._short_lengths[rows]
            distances = edit_distances(runs, numbers, self._columns[:-1], rows, lengths)
            parts = np.split(distances, np.cumsum(counts)[:-1])
            for number, part in zip([*wanted], parts, strict=True):
                try:
                    wanted[number] = searches[number].send(part)
                except StopIteration as finished:
                    found[number] = finished.value
                    del wanted[number]
        return found

    def _steps(self, run: NDArray[np.integer]) -> _Steps:
        """Search the nearest words of a run, by the edit distances of few words.

        The last of the best of some words that look near bounds what the best of all cost. That
        rules out most words, whose bounds say that they cost more.

        Yields:
            Rows, whose edit distances are to be sent.

        Returns:
            The nearest words, see `nearest`.
        """
        bounds = self._distance_bounds(run)
        common = np.arange(min(_COMMON, len(bounds)))
        tried = self._look_nearest(bounds, common, _TRIED)
        limit = self._rank(tried, (yield tried)).limit
        possible, count = self._within(bounds, limit), _TRIED
        while len(possible) > _MORE * count:
            tried = self._look_nearest(bounds, possible, count)
            limit = self._rank(tried, (yield tried)).limit
            possible = possible[self._least_costs(bounds, possible) <= limit + _ROUNDING]
            count *= _MORE
        best = self._rank(possible, (yield possible))
        farthest = int(best.distances.min()) + _CHANGES - 1
        if best.distances.max() > farthest:  # other words take the places of those too far
            possible = np.flatnonzero(bounds <= farthest)
            distances = yield possible
            near = distances <= farthest
            best = self._rank(possible[near], distances[near])
        return best.rows

    def _distance_bounds(self, run: NDArray[np.integer]) -> NDArray[np.unsignedinteger]:
        """Bound the edit distances to all words (N,) from below.

        A phone that the longer text has, and the other one lacks in whatever order, is inserted,
        deleted or substituted.
        """
        bounds = np.maximum(self._short_lengths, np.full_like(self._short_lengths, len(run)))
        for phone, count in zip(*np.unique(run, return_counts=True), strict=True):
            for number in range(1, count + 1):
                bounds -= self._counts[phone] >= number
        return bounds

    def _least_costs(
        self, bounds: NDArray[np.unsignedinteger], rows: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        return _CHANGE * bounds[rows] + self.costs[rows]

    def _look_nearest(
        self, bounds: NDArray[np.unsignedinteger], rows: NDArray[np.intp], count: int
    ) -> NDArray[np.intp]:
        """Choose the rows of the least costs, as far as the bounds tell."""
        if len(rows) <= count:
            return rows
        return rows[np.argpartition(self._least_costs(bounds, rows), count)[:count]]

    def _within(self, bounds: NDArray[np.unsignedinteger], limit: float) -> NDArray[np.intp]:
        """List the rows whose cost may be as low as the limit."""
        if limit == np.inf:
            return np.arange(len(bounds))
        found, start = [np.zeros(0, np.intp)], 0
        for changes in range(int((limit - self.costs[0]) / _CHANGE), -1, -1):
            rarest = limit - _CHANGE * changes + _ROUNDING
            end = int(np.searchsorted(self.costs, rarest, side="right"))
            found.append(start + np.flatnonzero(bounds[start:end] <= changes))
            start = end
        return np.concatenate(found)

    def _rank(self, rows: NDArray[np.intp], distances: NDArray[np.integer]) -> "_Ranked":
        """Choose the words of least costs; of equal ones the nearest, then the most common."""
        costs = _CHANGE * distances + self.costs[rows]
        if len(rows) > _NEAREST:
            low = costs <= np.partition(costs, _NEAREST - 1)[_NEAREST - 1]
            rows, distances, costs = rows[low], distances[low], costs[low]
        best = np.lexsort((rows, distances, costs))[:_NEAREST]
        limit = float(costs[best[-1]]) if len(best) == _NEAREST else np.inf
        return _Ranked(rows[best], distances[best], limit)


class _Ranked(NamedTuple):
    """Words in order of their costs; the limit is the last one's, or infinite if all were kept."""

    rows: NDArray[np.intp]
    distances: NDArray[np.integer]
    limit: float
