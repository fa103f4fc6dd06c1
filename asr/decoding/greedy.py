"""Best-path decoding: the likeliest token of every frame, repeats merged, blanks dropped.

B batch, U encoder frames, V tokens, L tokens of one path.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.text.tokenizer import BLANK_ID


class TokenPath(NamedTuple):
    """The tokens of one utterance, blanks removed, in order, with their frames.

    Attributes:
        token_ids: (L,) int64.
        start_frames: (L,) int64, the first frame of each token.
        end_frames: (L,) int64, one past the last frame of each token.
        log_scores: (L,) float32, the natural log of each token's highest posterior within its
            frames.
    """

    token_ids: NDArray[np.int64]
    start_frames: NDArray[np.int64]
    end_frames: NDArray[np.int64]
    log_scores: NDArray[np.float32]


def greedy_decode(log_probs: NDArray[np.floating], lengths: NDArray[np.integer]) -> list[TokenPath]:
    """Decode a batch by its best path, all utterances at once.

    The path's collapsed tokens need not be the likeliest sequence, whose probability is a sum
    over paths; the beam search looks for that sequence.

    Args:
        log_probs: (B, U, V) natural log posteriors.
        lengths: (B,) valid frames of each utterance; frames past them are not read.

    Returns:
        One path an utterance.

    Source: Graves et al., "Connectionist Temporal Classification", 2006, section 3.2.
    """
    batch, frames, _ = log_probs.shape
    if batch == 0 or frames == 0:
        return [_empty_path()] * batch
    best = np.asarray(log_probs.argmax(axis=-1), dtype=np.int64)
    best[np.arange(frames) >= np.asarray(lengths)[:, None]] = BLANK_ID
    scores = np.take_along_axis(log_probs, best[..., None], axis=-1).astype(np.float32)

    # Runs of one token over the flattened batch; the first frame of a row always opens a run.
    opens = np.ones((batch, frames), dtype=bool)
    opens[:, 1:] = best[:, 1:] != best[:, :-1]
    starts = np.flatnonzero(opens)
    ends = np.append(starts[1:], batch * frames)
    peaks = np.maximum.reduceat(scores.ravel(), starts)
    spoken = best.ravel()[starts] != BLANK_ID
    starts, ends, peaks = starts[spoken], ends[spoken], peaks[spoken]

    rows = starts // frames
    bounds = np.searchsorted(rows, np.arange(batch + 1))
    return [
        TokenPath(
            token_ids=best.ravel()[starts[low:high]],
            start_frames=starts[low:high] - row * frames,
            end_frames=ends[low:high] - row * frames,
            log_scores=peaks[low:high],
        )
        for row, (low, high) in enumerate(pairwise(bounds))
    ]


def _empty_path() -> TokenPath:
    none = np.zeros(0, dtype=np.int64)
    return TokenPath(none, none, none, np.zeros(0, dtype=np.float32))
