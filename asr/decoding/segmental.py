"""Greedy decoding of phones: the words that the frames of a best path say.

A best path of phones seldom spells words. So the frames are cut where a word may begin, at each
likely space; every span from a cut to one of the next is read as the word that its frames say most
probably, usual words before rare ones; and the most probable chain of spans is the text. Words are
weighed on their own, without a language model or a beam.

U encoder frames, V tokens, N words that a span may be.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.decoding.likelihood import log_likelihoods
from asr.decoding.path import TokenPath
from asr.decoding.pronunciation_index import PronunciationIndex
from asr.decoding.tokens import Tokens

#: A word may begin where p(space) > `_MAY`, and must where p(space) > `_MUST`; a span ends at one
#: of the next `_REACH` such places. Chosen on a quarter of LibriSpeech's dev set.
_MAY, _MUST, _REACH = 0.1, 0.9, 3
#: More than so many times the phones of the longest word are no word.
_TOO_LONG = 2


@dataclass(frozen=True)
class Reading:
    """A word, read off a best path.

    Attributes:
        text: the word.
        positions: of the path's tokens that were heard instead, at least one.
        log_confidence: nats, at most 0, how sure it is: its probability among the words that its frames
            might be, times the geometric mean of the posteriors of what was heard, at their peaks.
    """

    text: str
    positions: list[int]
    log_confidence: float


class _Chain(NamedTuple):
    """Spans from the first frame on: the last one's reading, and the chain it goes on from."""

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
        tokens: of phones, with a space between words.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._sounds = PronunciationIndex(tokens)

    def read(self, log_probs: NDArray[np.floating], path: TokenPath) -> list[Reading]:
        """Find the words of one utterance.

        Args:
            log_probs: (U, V) natural log posteriors.
            path: their best path.
        """
        space = log_probs[:, self._sounds.space]
        peaks = _peaks(space)
        cuts = np.array([0, *peaks, len(log_probs)])
        spans = list(_spans(space[peaks]))
        heard = [self._heard(path, cuts[first], cuts[last]) for first, last in spans]
        words = self._candidates(path, heard)
        chains = [_Chain(0.0)]  # the best that ends at each cut
        for (first, last), positions, rows in zip(spans, heard, words, strict=True):
            frames = log_probs[cuts[first] : cuts[last]]
            score, reading = self._read_span(frames, first > 0, path, positions, rows)
            chain = _Chain(chains[first].score + score, chains[first], reading)
            if last == len(chains):
                chains.append(chain)
            elif chain.score > chains[last].score:
                chains[last] = chain
        return chains[-1].readings()

    def _heard(self, path: TokenPath, start: int, end: int) -> list[int]:
        """List the positions of the phones that begin in these frames."""
        low, high = np.searchsorted(path.start_frames, (start, end))
        return [at for at in range(low, high) if path.token_ids[at] != self._sounds.space]

    def _candidates(self, path: TokenPath, heard: list[list[int]]) -> list[NDArray[np.intp]]:
        """For each span, the rows of the words that it may be; of none where nothing is heard."""
        longest = _TOO_LONG * self._sounds.lengths.max(initial=0)
        spoken = [number for number, one in enumerate(heard) if 0 < len(one) <= longest]
        words = [np.zeros(0, dtype=np.intp)] * len(heard)
        nearest = self._sounds.nearest([path.token_ids[heard[number]] for number in spoken])
        for number, rows in zip(spoken, nearest, strict=True):
            words[number] = rows
        return words

    def _read_span(
        self,
        frames: NDArray[np.floating],
        after_space: bool,
        path: TokenPath,
        heard: list[int],
        rows: NDArray[np.intp],
    ) -> tuple[float, Reading | None]:
        """Choose a span's word, or none where no word is possible, and its score in nats."""
        if len(rows):
            scores = self._score(frames, after_space, rows) - self._sounds.costs[rows]
            best = int(scores.argmax())
            if scores[best] > -np.inf:
                log_share = -np.log(np.exp(scores - scores[best]).sum())
                log_confidence = float(log_share + path.log_scores[heard].mean())
                word = self._sounds.words[rows[best]]
                return float(scores[best]), Reading(word, heard, log_confidence)
        space = np.array([[self._sounds.space]]), np.array([1])
        return float(log_likelihoods(frames, *space, last_may_lack=not after_space)[0]), None

    def _score(
        self, frames: NDArray[np.floating], after_space: bool, rows: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Log-likelihoods of words, each after its space, with or without the next one.

        A span begins at the peak of its space, which may have begun in the span before.
        """
        lengths = self._sounds.lengths[rows] + 1
        said = self._sounds.token_ids[rows, : lengths.max()]
        if after_space:
            said, lengths = np.insert(said, 0, self._sounds.space, axis=1), lengths + 1
        return log_likelihoods(frames, said, lengths, last_may_lack=True)


def _peaks(log_probs: NDArray[np.floating]) -> NDArray[np.intp]:
    """Find the frames where a token (U,) may be, one of each rise and fall."""
    beside = np.pad(log_probs, 1, constant_values=-np.inf)
    highest = (log_probs >= beside[:-2]) & (log_probs > beside[2:])
    return np.flatnonzero(highest & (log_probs > np.log(_MAY)))


def _spans(peaks: NDArray[np.floating]) -> Iterator[tuple[int, int]]:
    """Number the first and the last cut of each span: the start, the spaces' peaks, and the end.

    They come by the last cut, and those of one last cut from the shortest on.
    """
    for last in range(1, len(peaks) + 2):
        for first in range(last - 1, max(last - _REACH, 0) - 1, -1):
            if first < last - 1 and peaks[first] > np.log(_MUST):  # the cut first + 1
                break
            yield first, last
