"""When each token of a hypothesis was spoken: its likeliest alignment, compiled.

U encoder frames, V tokens, L tokens of the hypothesis, S = 2 L + 1 places: the tokens with an
optional blank before, between and after them.
"""

import numpy as np
from numpy.typing import NDArray

from asr.compiled import borrowing, compiled
from asr.decoding.path import TokenPath
from asr.text import BLANK_ID


def align(log_probs: NDArray[np.floating], token_ids: NDArray[np.integer]) -> TokenPath:
    """Find the likeliest of all paths that spell the tokens.

    Args:
        log_probs: (U, V) natural log posteriors.
        token_ids: (L,) tokens without blanks; U frames must be enough for them, with one more for
            the blank between two equal neighbours.

    Returns:
        The tokens with the frames they took on that path.

    Source: the Viterbi form of Graves et al., 2006, section 4.1.
    """
    scores = np.ascontiguousarray(log_probs, dtype=np.float32)
    starts, ends, peaks = _align(scores, np.ascontiguousarray(token_ids, dtype=np.int64))
    return TokenPath(np.asarray(token_ids, dtype=np.int64), starts, ends, peaks)


@compiled
def _align(log_probs, token_ids):  # type: ignore[no-untyped-def]
    frames, count = len(log_probs), len(token_ids)
    starts, ends = np.zeros(count, np.int64), np.zeros(count, np.int64)
    peaks = np.full(count, np.float32(-np.inf))
    if count == 0:
        return starts, ends, peaks
    steps = np.zeros((frames, 2 * count + 1), np.int8)
    best = np.full(2 * count + 1, -np.inf)
    best[0] = 0.0  # as if the frame before the first had been blank
    for frame in range(frames):
        _advance(log_probs[frame], token_ids, best, steps[frame])
    place = 2 * count if best[2 * count] >= best[2 * count - 1] else 2 * count - 1
    for frame in range(frames - 1, -1, -1):
        if place % 2:
            token = place // 2
            starts[token] = frame
            ends[token] = max(ends[token], frame + 1)
            peaks[token] = max(peaks[token], log_probs[frame, token_ids[token]])
        place -= steps[frame, place]
    return starts, ends, peaks


@borrowing
def _advance(scores, token_ids, best, steps):  # type: ignore[no-untyped-def]
    """Take one frame: `steps` says for each place how far back the best way to it comes from."""
    for place in range(len(best) - 1, -1, -1):  # downwards: below, `best` is the last frame's
        step, token = 0, token_ids[place // 2] if place % 2 else BLANK_ID
        if place >= 1 and best[place - 1] > best[place]:
            step = 1
        skips = place >= 3 and place % 2 and token_ids[place // 2 - 1] != token
        if skips and best[place - 2] > best[place - step]:
            step = 2
        steps[place] = step
        best[place] = best[place - step] + scores[token]
