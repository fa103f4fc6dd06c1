"""A sequence of tokens with the frames that it takes, as greedy search and alignment return it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class TokenPath(NamedTuple):
    """The tokens of one utterance, blanks removed, in order.

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
