"""Words with times and confidence from a path of tokens, and which words are right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.decoding.greedy import TokenPath
from asr.transcript import Word

#: CTC emits a token in one or a few of its frames, and blank in the others. So a word begins up to
#: so many seconds before its first token and ends up to so many after its last one ...
BEFORE_S, AFTER_S = 0.1, 0.24
#: ... and the earlier of two words has this fraction of a shorter gap. All three were chosen on
#: AN4's dev set against pocketsphinx's alignment (`benchmarks/word_times.py`).
EARLIER_FRACTION = 0.6

#: A word's text, and the positions of its tokens on a path, as `Tokens.words` finds them.
FoundWord = tuple[str, list[int]]


@dataclass(frozen=True)
class Decoded:
    """One utterance, decoded.

    Attributes:
        text: the best text.
        words: its words, with times and confidence.
    """

    text: str
    words: tuple[Word, ...]


def words_of(
    path: TokenPath,
    found: Sequence[FoundWord],
    frame_s: float,
    log_confidence: NDArray[np.floating],
    temperature: float = 1.0,
) -> list[Word]:
    """Compute the times and confidences of words.

    The last word may end past the last frame; the caller knows where the audio ends.

    Args:
        path: tokens and frames, from greedy search or from the alignment of a beam's best.
        found: W words in order.
        frame_s: seconds from one encoder frame to the next.
        log_confidence: (W,) natural log of each word's confidence, from `log_spelled` or a better
            estimate.
        temperature: above 0; more than 1 makes confidences higher. It is fitted on held-out
            speech (`asr.inference.calibration`) to calibrate the network's posteriors.
    """
    first = np.array([path.start_frames[positions[0]] for _, positions in found])
    last = np.array([path.end_frames[positions[-1]] for _, positions in found])
    starts_s, ends_s = _widen(first * frame_s, last * frame_s)
    confidences = np.exp(np.minimum(0.0, log_confidence / temperature))
    return [
        Word(
            text=text,
            start_s=float(start_s),
            end_s=float(end_s),
            confidence=float(confidence),
        )
        for (text, _), start_s, end_s, confidence in zip(
            found, starts_s, ends_s, confidences, strict=True
        )
    ]


def log_spelled(path: TokenPath, found: Sequence[FoundWord]) -> NDArray[np.float64]:
    """Multiply the posteriors of each word's tokens, each at its peak: (W,), natural logs.

    Were these calibrated and independent, it would be the probability that all tokens are right.
    """
    return np.array([path.log_scores[positions].sum() for _, positions in found], np.float64)


def _widen(
    starts_s: NDArray[np.float64], ends_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Widen words from the frames of their tokens to where the words begin and end."""
    meet_s = ends_s[:-1] + EARLIER_FRACTION * (starts_s[1:] - ends_s[:-1])
    return (
        np.maximum(starts_s - BEFORE_S, np.append(0.0, meet_s)),
        np.minimum(ends_s + AFTER_S, np.append(meet_s, np.inf)),
    )


def right_words(reference: Sequence[str], hypothesis: Sequence[str]) -> list[bool]:
    """Tell for each word of a hypothesis whether the best edit alignment matches it."""
    from rapidfuzz.distance import Levenshtein  # transcribing needs none

    right = [True] * len(hypothesis)
    for operation in Levenshtein.opcodes(reference, hypothesis):
        if operation.tag != "equal":
            for place in range(operation.dest_start, operation.dest_end):
                right[place] = False
    return right
