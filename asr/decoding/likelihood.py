"""How probable each of several short texts is, by CTC, in plain array operations.

U encoder frames, V tokens, N texts, L tokens of the longest, S = 2 L + 1 places: the tokens with an
optional blank before, between and after them.
"""

import numpy as np
from numpy.typing import NDArray

from asr.text.tokenizer import BLANK_ID


def log_likelihoods(
    log_probs: NDArray[np.floating],
    token_ids: NDArray[np.integer],
    lengths: NDArray[np.integer],
    last_may_lack: bool = False,
) -> NDArray[np.float64]:
    """Sum the paths that spell each text.

    Args:
        log_probs: (U, V) natural log posteriors; U may be 0.
        token_ids: (N, L), what stands behind a text's length is not read.
        lengths: (N,) of each text, in tokens; 0 is silence.
        last_may_lack: sum also the paths that spell all but a text's last token; then all lengths
            must be 1 or more.

    Returns:
        (N,) natural logs; of texts that the frames are too few for, and of such as are e^700 times
        less probable than another, minus infinity.

    Source: Graves et al., "Connectionist Temporal Classification", 2006, equations 6 to 8.
    """
    count, longest = token_ids.shape
    places = np.full((count, 2 * longest + 1), BLANK_ID, dtype=np.intp)
    places[:, 1::2] = token_ids
    skips = np.zeros(places.shape)  # from a token to the next, unless the two are equal
    skips[:, 3::2] = token_ids[:, 1:] != token_ids[:, :-1]
    emitted = np.exp(log_probs)[:, places]
    # two columns in front for what comes from beyond the first place
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
    if last_may_lack:
        found += paths[rows, last - 2] + paths[rows, last - 3]
    with np.errstate(divide="ignore"):
        return np.log(found) + scale
