"""Words with their times and a confidence, from any path of tokens."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asr.decoding.path import TokenPath
from asr.transcript import Word

#: CTC writes a token in one frame or few, somewhere within its sound, the rest being blank. So a
#: word begins up to so much before its first token and ends up to so much after its last one ...
BEFORE_S, AFTER_S = 0.1, 0.24
#: ... and of a shorter gap between two words the earlier one has this share. All three were chosen
#: on AN4's dev set against pocketsphinx's alignment (`benchmarks/word_times.py`).
EARLIER_FRACTION = 0.6


#: A word's text, and the positions of the tokens it took on a path, as `Tokens.words` finds them.
FoundWord = tuple[str, list[int]]


def words_of(
    path: TokenPath,
    found: Sequence[FoundWord],
    frame_s: float,
    log_confidence: NDArray[np.floating],
    temperature: float = 1.0,
) -> list[Word]:
    """Give words their times and confidences.

    The last word may end past the last frame: what the audio's end is, the caller knows.

    Args:
        path: tokens and frames, from greedy search or from the alignment of a beam's best.
        found: W words in order.
        frame_s: seconds from one encoder frame to the next.
        log_confidence: (W,) natural log of how sure each word is, as `log_spelled` has it, or better.
        temperature: above 0; more than 1 makes confidences higher. Fitted on held-out speech
            (`asr.inference.calibration`), it makes up for a network that is too sure of itself.
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
    """How probable it is that all tokens of each word are right: (W,), natural logs.

    That is the product of their posteriors, each at its peak, were these honest and independent.
    """
    return np.array([path.log_scores[positions].sum() for _, positions in found], np.float64)


def _widen(
    starts_s: NDArray[np.float64], ends_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bring words from their tokens' peaks to where they begin and end."""
    meet_s = ends_s[:-1] + EARLIER_FRACTION * (starts_s[1:] - ends_s[:-1])
    return (
        np.maximum(starts_s - BEFORE_S, np.append(0.0, meet_s)),
        np.minimum(ends_s + AFTER_S, np.append(meet_s, np.inf)),
    )
