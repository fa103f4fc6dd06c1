"""Segmental lexicon decoding: the words of a greedy path of phones, without a language model.

A best path of phones seldom spells words. So the frames are cut at each likely space. Every segment
from a cut to one of the next cuts is read as the word of the lexicon that is most probable given
its frames, weighed by how common the word is. The text is the most probable chain of segments.

U encoder frames, V tokens, N pronunciations or texts, L phones or tokens of the longest one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from asr.decoding.greedy import TokenPath
from asr.decoding.tokens import Tokens
from asr.text.tokenizer import BLANK_ID
from asr.util.array_file import read_only
from asr.util.strings import Strings

# All numbers were chosen on a quarter of LibriSpeech's dev set, those of candidates on AN4's too.
#: A word may begin where p(space) > `_MAY`, and must where p(space) > `_MUST`; a segment ends at
#: one of the next `_REACH` such places.
_MAY, _MUST, _REACH = 0.1, 0.9, 3
#: A segment with more than so many times the phones of the longest word is no word.
_TOO_LONG = 2
#: Candidates for each edit distance and in all, and how many distances from the least on.
_NEAREST, _CHANGES = 40, 4
#: Nats that each inserted, deleted or substituted phone costs a candidate.
_CHANGE = 5.0
#: Mandelbrot's constant: the ranks up to about this one differ little in frequency.
_RANK_OFFSET = 50
#: What the log of a word's frequency is multiplied by.
_WEIGHT = 0.75


@dataclass(frozen=True)
class Reading:
    """A word, read off a best path.

    Attributes:
        text: the word.
        positions: of the path's tokens that it replaces, at least one.
        log_confidence: nats, at most 0: the word's probability among the candidates of its
            segment, times the geometric mean of the replaced tokens' posteriors at their peaks.
    """

    text: str
    positions: list[int]
    log_confidence: float


class _Chain(NamedTuple):
    """Segments from the first frame on: the last one's reading, and the chain before it."""

    score: float
    before: "_Chain | None" = None
    reading: Reading | None = None

    def readings(self) -> list[Reading]:
        found, chain = [], self
        while chain.before is not None:
            found += [chain.reading] if chain.reading else []
            chain = chain.before
        return found[::-1]


class SegmentalDecoder:
    """Reads words off best paths of phones.

    Args:
        index: the words that it may read.
    """

    def __init__(self, index: "PronunciationIndex") -> None:
        self._index = index

    def read(self, log_probs: NDArray[np.floating], path: TokenPath) -> list[Reading]:
        """Find the words of one utterance.

        Args:
            log_probs: (U, V) natural log posteriors.
            path: their best path.
        """
        space = log_probs[:, self._index.space]
        peaks = _peaks(space)
        cuts = np.array([0, *peaks, len(log_probs)])
        segments = list(_segments(space[peaks]))
        phones = [self._phones(path, cuts[first], cuts[last]) for first, last in segments]
        candidates = self._candidates(path, phones)
        chains = [_Chain(0.0)]  # the best that ends at each cut
        for (first, last), positions, rows in zip(segments, phones, candidates, strict=True):
            frames = log_probs[cuts[first] : cuts[last]]
            score, reading = self._read_segment(frames, first > 0, path, positions, rows)
            chain = _Chain(chains[first].score + score, chains[first], reading)
            if last == len(chains):
                chains.append(chain)
            elif chain.score > chains[last].score:
                chains[last] = chain
        return chains[-1].readings()

    def _phones(self, path: TokenPath, start: int, end: int) -> list[int]:
        """List the positions of the path's phones that begin in these frames."""
        low, high = np.searchsorted(path.start_frames, (start, end))
        return [at for at in range(low, high) if path.token_ids[at] != self._index.space]

    def _candidates(self, path: TokenPath, phones: list[list[int]]) -> list[NDArray[np.intp]]:
        """For each segment, the rows of the words that it may be; none where it has no phones."""
        longest = _TOO_LONG * self._index.lengths.max(initial=0)
        readable = [number for number, one in enumerate(phones) if 0 < len(one) <= longest]
        candidates = [np.zeros(0, dtype=np.intp)] * len(phones)
        nearest = self._index.nearest([path.token_ids[phones[number]] for number in readable])
        for number, rows in zip(readable, nearest, strict=True):
            candidates[number] = rows
        return candidates

    def _read_segment(
        self,
        frames: NDArray[np.floating],
        after_space: bool,
        path: TokenPath,
        positions: list[int],
        rows: NDArray[np.intp],
    ) -> tuple[float, Reading | None]:
        """Choose a segment's word, or None where no word is possible, and its score in nats."""
        if len(rows):
            scores = self._score(frames, after_space, rows) - self._index.costs[rows]
            best = int(scores.argmax())
            if scores[best] > -np.inf:
                log_posterior = -np.log(np.exp(scores - scores[best]).sum())
                log_confidence = float(log_posterior + path.log_scores[positions].mean())
                word = self._index.words[rows[best]]
                return float(scores[best]), Reading(word, positions, log_confidence)
        space = np.array([[self._index.space]]), np.array([1])
        return float(log_likelihoods(frames, *space, last_is_optional=not after_space)[0]), None

    def _score(
        self, frames: NDArray[np.floating], after_space: bool, rows: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Log-likelihoods of words, each after its space, with or without the next one.

        A segment begins at the peak of its space, which may have begun in the segment before.
        """
        lengths = self._index.lengths[rows] + 1
        texts = self._index.token_ids[rows, : lengths.max()]
        if after_space:
            texts, lengths = np.insert(texts, 0, self._index.space, axis=1), lengths + 1
        return log_likelihoods(frames, texts, lengths, last_is_optional=True)


def _peaks(log_probs: NDArray[np.floating]) -> NDArray[np.intp]:
    """Find the frames where a token (U,) may be, one of each rise and fall."""
    beside = np.pad(log_probs, 1, constant_values=-np.inf)
    highest = (log_probs >= beside[:-2]) & (log_probs > beside[2:])
    return np.flatnonzero(highest & (log_probs > np.log(_MAY)))


def _segments(peaks: NDArray[np.floating]) -> Iterator[tuple[int, int]]:
    """Number the first and the last cut of each segment: the start, the spaces' peaks, the end.

    Segments are in order of their last cut, those with one last cut from the shortest on.
    """
    for last in range(1, len(peaks) + 2):
        for first in range(last - 1, max(last - _REACH, 0) - 1, -1):
            if first < last - 1 and peaks[first] > np.log(_MUST):  # the cut first + 1
                break
            yield first, last


class IndexArrays(NamedTuple):
    """What a `PronunciationIndex` is made of.

    Attributes:
        words: N, the most common word of each pronunciation, the most common one first.
        token_ids: (N, L + 1) int16, its phones, padded with spaces.
        lengths: (N,) int64, how many phones it has.
    """

    words: Strings
    token_ids: NDArray[np.int16]
    lengths: NDArray[np.int64]


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
    token_ids = np.full((len(known), width), _space_of(tokens), dtype=np.int16)
    token_ids[np.arange(width) < lengths[:, None]] = [one for row, _ in known for one in row]
    words = Strings.pack(word for _, word in known)
    return IndexArrays(words, read_only(token_ids), read_only(lengths))


def _space_of(tokens: Tokens) -> int:
    return tokens.tokens.index(tokens.boundary or "")


class PronunciationIndex:
    """Words of a lexicon, to be found by phones near their pronunciations.

    Args:
        tokens: of phones and a space between words, with a lexicon.
        arrays: of these tokens, from the cache; built where not given.

    Attributes:
        words, token_ids, lengths: as in `IndexArrays`.
        space: the space's token id.
        costs: (N,) nats, how rare the word is: the weighed log of its relative frequency by
            Mandelbrot's form of Zipf's law, 1 / (rank + constant) ("An informational theory of the
            statistical structure of language", 1953).
    """

    def __init__(self, tokens: Tokens, arrays: IndexArrays | None = None) -> None:
        self.space = _space_of(tokens)
        self.words, self.token_ids, self.lengths = arrays or build_index(tokens)
        ranks = np.arange(1, len(self.words) + 1) + _RANK_OFFSET
        self.costs = _WEIGHT * (np.log(ranks) + np.log((1 / ranks).sum()))

    @cached_property
    def _strings(self) -> list[str]:
        """Each pronunciation with a character a phone, since edit distances are of strings."""
        phones = self.token_ids[np.arange(self.token_ids.shape[1]) < self.lengths[:, None]]
        text = phones.astype("<u4").tobytes().decode("utf-32-le")
        return [text[start:end] for start, end in pairwise([0, *self.lengths.cumsum().tolist()])]

    def nearest(self, runs: Sequence[NDArray[np.integer]]) -> list[NDArray[np.intp]]:
        """Find the words whose pronunciations are nearest to runs of phones.

        Args:
            runs: token ids, at least one in each run.

        Returns:
            For each run the rows of `_NEAREST` words at most, by their edit distance and costs.
        """
        strings = ["".join(map(chr, run)) for run in runs]
        distances = cdist(strings, self._strings, scorer=Levenshtein.distance, dtype=np.uint8)
        return [self._nearest_rows(row) for row in distances]

    def _nearest_rows(self, distances: NDArray[np.uint8]) -> NDArray[np.intp]:
        least = int(distances.min())
        rows = np.concatenate(
            [np.flatnonzero(distances == n)[:_NEAREST] for n in range(least, least + _CHANGES)]
        )
        costs = _CHANGE * distances[rows] + self.costs[rows]
        return rows[np.argsort(costs, kind="stable")[:_NEAREST]]


def log_likelihoods(
    log_probs: NDArray[np.floating],
    token_ids: NDArray[np.integer],
    lengths: NDArray[np.integer],
    last_is_optional: bool = False,
) -> NDArray[np.float64]:
    """Compute CTC's log-likelihood of several short texts, in plain array operations.

    Args:
        log_probs: (U, V) natural log posteriors; U may be 0.
        token_ids: (N, L), tokens past a text's length are not read.
        lengths: (N,) tokens of each text; 0 is silence.
        last_is_optional: add the likelihood of the text without its last token; then all lengths
            must be 1 or more.

    Returns:
        (N,) natural logs; minus infinity for a text that the frames are too few for, or that is
        e^700 times less probable than another.

    Source: Graves et al., "Connectionist Temporal Classification", 2006, equations 6 to 8.
    """
    count, longest = token_ids.shape
    places = np.full((count, 2 * longest + 1), BLANK_ID, dtype=np.intp)
    places[:, 1::2] = token_ids
    skips = np.zeros(places.shape)  # from a token to the next, unless the two are equal
    skips[:, 3::2] = token_ids[:, 1:] != token_ids[:, :-1]
    emitted = np.exp(log_probs)[:, places]
    # two columns in front stand for places before the first
    paths = np.zeros((count, 2 + places.shape[1]))
    paths[:, 2] = 1.0  # as if the frame before the first had been blank
    scale = 0.0
    for frame in emitted:
        paths[:, 2:] = (paths[:, 2:] + paths[:, 1:-1] + skips * paths[:, :-2]) * frame
        highest = paths.max(initial=0.0)
        if highest == 0:
            break
        paths /= highest
        scale += np.log(highest)
    rows, last = np.arange(count), 2 * lengths + 2  # the blank behind a text
    found = paths[rows, last] + paths[rows, last - 1]
    if last_is_optional:
        found += paths[rows, last - 2] + paths[rows, last - 3]
    with np.errstate(divide="ignore"):
        return np.log(found) + scale
