"""Forced alignment of a token sequence with log-probabilities: the Viterbi path, compiled.

Tracing the path back takes a byte for every frame and place, and an hour of speech with its text
has ten thousand million of them. So long speech is passed twice: forwards, keeping the scores at
the start of every stretch; then from the last stretch to the first, computing each stretch again
from its kept scores. (The checkpoints of Grice, Hughey and Speck, "Reduced space sequence
alignment", 1997.)

U encoder frames, V tokens, L tokens of the hypothesis, S = 2 L + 1 places: the tokens with an
optional blank before, between and after them.
"""

import numpy as np
from numpy.typing import NDArray

from asr.decoding.greedy import TokenPath
from asr.text.tokenizer import BLANK_ID
from asr.util.native import native, njit_no_alloc
from asr.util.progress import LateBar

#: Frames of a stretch: 40 s at 20 ms, so that an utterance is one stretch and is passed once.
STRETCH = 2048


def align(log_probs: NDArray[np.floating], token_ids: NDArray[np.integer]) -> TokenPath:
    """Find the likeliest of all paths that spell the tokens.

    It takes U S steps, twice as many where U is more than `STRETCH`, and S (U / 256 + `STRETCH`)
    bytes.

    Args:
        log_probs: (U, V) natural log posteriors.
        token_ids: (L,) tokens without blanks; U frames must be enough for them, with one more for
            the blank between two equal neighbors.

    Returns:
        The tokens with the frames they took on that path.

    Source: the Viterbi form of Graves et al., 2006, section 4.1.
    """
    scores = np.ascontiguousarray(log_probs, dtype=np.float32)
    tokens = np.ascontiguousarray(token_ids, dtype=np.int64)
    frames, count = len(scores), len(tokens)
    path = TokenPath(
        tokens,
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.full(count, -np.inf, np.float32),
    )
    if count == 0:
        return path
    spelled = np.append(BLANK_ID, tokens)  # the last token, by the number of tokens so far
    steps = np.empty((min(frames, STRETCH), 2, count + 1), np.int8)
    best = np.full((2, count + 1), -np.inf)
    best[0, 0] = 0.0  # as if the frame before the first had been blank
    stretches = range(0, frames, STRETCH)
    with LateBar(2 * len(stretches) - 1, desc="aligning") as bar:
        kept = []
        for first in stretches:
            kept.append(best)
            best = _pass_stretch(scores[first : first + STRETCH], spelled, best, steps)
            bar.update()
        place = 2 * count if best[0, count] >= best[1, count] else 2 * count - 1
        for first in reversed(stretches):
            stretch, before = scores[first : first + STRETCH], kept.pop()
            if first != stretches[-1]:
                _pass_stretch(stretch, spelled, before, steps)
                bar.update()
            place = _trace_back(stretch, first, steps, place, path)
    return path


def _pass_stretch(
    log_probs: NDArray[np.float32],
    spelled: NDArray[np.int64],
    before: NDArray[np.float64],
    steps: NDArray[np.int8],
) -> NDArray[np.float64]:
    """Compute the best scores (2, L + 1) after a stretch's frames from the best scores before them.

    Column k is for paths of k tokens: the first row for those in the blank behind the tokens, the
    second for those within the last token. `steps` receives for each frame and place how many
    places back the best path to it comes from.
    """
    scores = np.stack([before, before])
    return scores[_pass_frames(log_probs, spelled, scores, steps)].copy()


@native
def _pass_frames(log_probs, spelled, scores, steps):  # type: ignore[no-untyped-def]
    """Turn scores[0] (2, L + 1) into those after all frames; return which scores these are."""
    for frame in range(len(log_probs)):
        _step(log_probs[frame], spelled, scores[frame & 1], scores[~frame & 1], steps[frame])
    return len(log_probs) & 1


@njit_no_alloc
def _step(scores, spelled, before, best, steps):  # type: ignore[no-untyped-def]
    blanks, tokens = before[0], before[1]
    for count in range(len(blanks)):
        steps[0, count] = tokens[count] > blanks[count]
        best[0, count] = max(tokens[count], blanks[count]) + scores[BLANK_ID]
    for count in range(1, len(tokens)):
        token, last, blank = spelled[count], tokens[count - 1], blanks[count - 1]
        here, step = max(blank, tokens[count]), np.int8(blank > tokens[count])
        skips = (last > here) & (spelled[count - 1] != token)  # `and` would not be vectorized
        steps[1, count] = 2 if skips else step
        best[1, count] = (last if skips else here) + scores[token]


@native
def _trace_back(log_probs, first, steps, place, path):  # type: ignore[no-untyped-def]
    """Write the frames of tokens in a stretch that ends at `place`; return the place before it."""
    token_ids, starts, ends, peaks = path
    for row in range(len(log_probs) - 1, -1, -1):
        count = (place + 1) // 2
        if place % 2:
            token, frame = count - 1, first + row
            starts[token] = frame
            ends[token] = max(ends[token], frame + 1)
            peaks[token] = max(peaks[token], log_probs[row, token_ids[token]])
        place -= steps[row, place % 2, count]
    return place
