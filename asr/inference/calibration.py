"""Calibration of confidence: fitting its temperature, and measuring the result.

N words.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asr.util.errors import UserError

CERTAIN = 1e-6  # confidences are clipped this far from 0 and 1, where one mistake costs infinity


def fit_temperature(confidences: ArrayLike, correct: ArrayLike) -> float:
    """Fit the temperature by maximum likelihood on held-out words.

    Raising a confidence to the power 1 / temperature keeps the order of words and changes only
    the level of confidence. The mean negative log-likelihood of right and wrong words is minimized
    over temperatures from 1/50 to 50.

    Args:
        confidences: (N,) at temperature 1, in 0..1.
        correct: (N,) whether each word was right.

    Raises:
        UserError: no words.

    Source: Guo et al., "On Calibration of Modern Neural Networks", 2017, the idea of one scalar.
    """
    logs, right = np.log(_inside(confidences)), np.asarray(correct, dtype=bool)
    if right.size == 0:
        raise UserError("confidence: no words to fit it on; tune on speech that has some")
    low, high = -np.log(50.0), np.log(50.0)
    for _ in range(4):  # each grid is finer, around the best of the one before
        grid = np.linspace(low, high, 41)
        losses = [_loss(np.exp(logs / temperature), right) for temperature in np.exp(grid)]
        best = int(np.argmin(losses))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    return float(np.exp(grid[best]))


def normalized_cross_entropy(confidences: ArrayLike, correct: ArrayLike) -> float:
    """Measure how much confidences tell beyond the overall fraction of right words.

    NCE = 1 - H(correct | confidence) / H(correct), with H(correct) the entropy of a constant
    confidence, the fraction of right words. 1 is perfect, 0 tells nothing, below 0 misleads.

    Args:
        confidences: (N,) in 0..1.
        correct: (N,) whether each word was right.

    Returns:
        At most 1; not a number where all words are right, or all wrong, or none are given.

    Source: NIST, "The 2001 Hub-5 evaluation plan", appendix on confidence.
    """
    right = np.asarray(correct, dtype=bool)
    if right.size == 0 or right.all() or not right.any():
        return float("nan")
    without = _loss(np.full(right.size, right.mean()), right)
    return float(1.0 - _loss(_inside(confidences), right) / without)


def _inside(confidences: ArrayLike) -> NDArray[np.float64]:
    return np.clip(np.asarray(confidences, dtype=np.float64), CERTAIN, 1.0 - CERTAIN)


def _loss(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Compute the mean negative natural log-likelihood of right and wrong words."""
    clipped = _inside(confidences)
    return float(-np.where(right, np.log(clipped), np.log1p(-clipped)).mean())
