"""Segmental lexicon decoding: the words of a greedy path of phones, without a language model.

A best path of phones seldom spells words. So the frames are cut at each likely space. Every segment
from a cut to one of the next cuts is read as the word of the lexicon that is most probable given
its frames, weighed by how common the word is. The text is the most probable chain of segments.

U encoder frames, V tokens, N pronunciations or texts, L phones or tokens of the longest one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.decoding.edit_distance import LONGEST
from asr.decoding.greedy import TokenPath
from asr.decoding.pronunciation_index import PronunciationIndex
from asr.text.tokenizer import BLANK_ID

# All numbers were chosen on a quarter of LibriSpeech's dev set.
#: A word may begin where p(space) > `_MAY`, and must where p(space) > `_MUST`; a segment ends at
#: one of the next `_REACH` such places.
_MAY, _MUST, _REACH = 0.1, 0.9, 3
#: A segment with more than so many times the phones of the longest word is no word, nor is one with
#: more phones than the index takes.
_TOO_LONG = 2
#: Texts whose likelihoods are computed together; only the speed depends on it.
_AT_ONCE = 1024


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


class _Segment(NamedTuple):
    """A part of an utterance that may be a word.

    Attributes:
        log_probs: (U, V) of its frames.
        after_space: whether it begins with a space.
        phones: the positions of the path's phones in it.
        rows: the words that it may be, in the index.
    """

    log_probs: NDArray[np.floating]
    after_space: bool
    phones: NDArray[np.intp]
    rows: NDArray[np.intp]


class SegmentalDecoder:
    """Reads words off best paths of phones.

    Args:
        index: the words that it may read.
    """

    def __init__(self, index: PronunciationIndex) -> None:
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
        bounds = list(_segments(space[peaks]))
        phones = [self._phones(path, cuts[first], cuts[last]) for first, last in bounds]
        segments = [
            _Segment(log_probs[cuts[first] : cuts[last]], first > 0, positions, rows)
            for (first, last), positions, rows in zip(
                bounds, phones, self._candidates(path, phones), strict=True
            )
        ]
        chains = [_Chain(0.0)]  # the best that ends at each cut
        for (first, last), segment, scores in zip(
            bounds, segments, self._score(segments), strict=True
        ):
            score, reading = self._read_segment(segment, scores, path)
            chain = _Chain(chains[first].score + score, chains[first], reading)
            if last == len(chains):
                chains.append(chain)
            elif chain.score > chains[last].score:
                chains[last] = chain
        return chains[-1].readings()

    def _phones(self, path: TokenPath, start: int, end: int) -> NDArray[np.intp]:
        """List the positions of the path's phones that begin in these frames."""
        low, high = np.searchsorted(path.start_frames, (start, end))
        return low + np.flatnonzero(path.token_ids[low:high] != self._index.space)

    def _candidates(
        self, path: TokenPath, phones: list[NDArray[np.intp]]
    ) -> list[NDArray[np.intp]]:
        """For each segment, the rows of the words that it may be; none where it has no phones."""
        longest = min(_TOO_LONG * self._index.lengths.max(initial=0), LONGEST)
        readable = [number for number, one in enumerate(phones) if 0 < len(one) <= longest]
        candidates = [np.zeros(0, dtype=np.intp)] * len(phones)
        nearest = self._index.nearest([path.token_ids[phones[number]] for number in readable])
        for number, rows in zip(readable, nearest, strict=True):
            candidates[number] = rows
        return candidates

    def _read_segment(
        self, segment: "_Segment", scores: NDArray[np.float64], path: TokenPath
    ) -> tuple[float, Reading | None]:
        """Choose a segment's word, or None where no word is possible, and its score in nats."""
        best = int(scores.argmax()) if len(scores) else 0
        if len(scores) and scores[best] > -np.inf:
            log_posterior = -np.log(np.exp(scores - scores[best]).sum())
            log_confidence = float(log_posterior + path.log_scores[segment.phones].mean())
            word = self._index.words[segment.rows[best]]
            return float(scores[best]), Reading(word, segment.phones.tolist(), log_confidence)
        space, once = np.array([[self._index.space]]), np.array([1])
        optional = not segment.after_space
        return float(log_likelihoods([segment.log_probs], once - 1, space, once, optional)[0]), None

    def _score(self, segments: Sequence["_Segment"]) -> list[NDArray[np.float64]]:
        """Score each segment's words: nats, by frames and frequency.

        A segment begins at the peak of its space, which may have begun in the segment before. So a
        word is read after its space, with or without the next one.
        """
        counts = np.array([len(segment.rows) for segment in segments])
        ends = counts.cumsum()[:-1]
        places = np.repeat(np.arange(len(segments)), counts)
        rows = np.concatenate([segment.rows for segment in segments])
        late = np.array([segment.after_space for segment in segments])[places]
        texts = np.full((len(rows), self._index.token_ids.shape[1] + 1), self._index.space)
        texts[~late, :-1], texts[late, 1:] = (
            self._index.token_ids[rows[one]] for one in (~late, late)
        )
        found = log_likelihoods(
            [segment.log_probs for segment in segments],
            places,
            texts,
            self._index.lengths[rows] + 1 + late,
            last_is_optional=True,
        )
        return np.split(found - self._index.costs[rows], ends)


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


def log_likelihoods(
    log_probs: Sequence[NDArray[np.floating]],
    places: NDArray[np.integer],
    token_ids: NDArray[np.integer],
    lengths: NDArray[np.integer],
    last_is_optional: bool = False,
) -> NDArray[np.float64]:
    """Compute CTC's log-likelihood of many short texts, in plain array operations.

    Args:
        log_probs: natural log posteriors of some segments, (U, V) each; U may be 0.
        places: (N,) the number of the segment that a text may be in.
        token_ids: (N, L), tokens past a text's length are not read.
        lengths: (N,) tokens of each text; 0 is silence.
        last_is_optional: add the likelihood of the text without its last token; then all lengths
            must be 1 or more.

    Returns:
        (N,) natural logs; minus infinity for a text that its frames are too few for.

    Source: Graves et al., "Connectionist Temporal Classification", 2006, equations 6 to 8.
    """
    found = np.empty(len(lengths))
    frames = np.array([len(one) for one in log_probs])
    order = np.argsort(-frames[places], kind="stable")  # together, frames of a number need no pads
    for start in range(0, len(order), _AT_ONCE):
        rows = order[start : start + _AT_ONCE]
        used, local = np.unique(places[rows], return_inverse=True)
        segments = [np.exp(log_probs[one]) for one in used]
        texts = token_ids[rows, : lengths[rows].max()].T
        found[rows] = _forward(segments, local, texts, lengths[rows], last_is_optional)
    return found


def _forward(
    segments: Sequence[NDArray[np.floating]],
    places: NDArray[np.integer],
    texts: NDArray[np.integer],
    lengths: NDArray[np.integer],
    last_is_optional: bool,
) -> NDArray[np.float64]:
    """Run the forward algorithm; as `log_likelihoods`, but of (L, N) texts, longest segment first.

    The sums over paths are kept apart by their last place: a blank's, or a token's. Each text's
    sums are divided by the highest of them in every frame.
    """
    count, frames = len(lengths), np.array([len(one) for one in segments])
    probs = np.zeros((frames.max(), len(segments), segments[0].shape[1]))
    for number, one in enumerate(segments):
        probs[: len(one), number] = one
    columns = texts + places * probs.shape[2]
    skips = texts[1:] != texts[:-1]  # from a token to the next, unless the two are equal
    active = np.searchsorted(-frames[places], -np.arange(len(probs)))  # texts in each frame
    blanks = np.zeros((len(texts) + 1, count))
    tokens = np.zeros((len(texts) + 1, count))  # the first stands for a token before the first
    blanks[0] = 1.0  # as if the frame before the first had been blank
    scale = np.zeros(count)
    for frame, number in zip(probs, active, strict=True):
        blank, token = blanks[:, :number], tokens[:, :number]
        after = token[1:] + blank[:-1]
        after[1:] += skips[:, :number] * token[1:-1]
        blank += token
        blank *= frame[places[:number], BLANK_ID]
        np.multiply(after, frame.ravel().take(columns[:, :number]), out=token[1:])
        highest = np.maximum(blank.max(axis=0), token.max(axis=0))
        highest[highest == 0] = 1.0  # no path is left
        blank /= highest
        token /= highest
        scale[:number] += np.log(highest)
    rows = np.arange(count)
    found = blanks[lengths, rows] + tokens[lengths, rows]
    if last_is_optional:
        found += blanks[lengths - 1, rows] + tokens[lengths - 1, rows]
    with np.errstate(divide="ignore"):
        return np.log(found) + scale
