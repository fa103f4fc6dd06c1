"""Modified Kneser-Ney: discounts, probabilities and back-off weights of counted n-grams.

Chen and Goodman 1998, "An empirical study of smoothing techniques for language modeling", section
3; equation numbers are of that report. Every order interpolates with the one below, and the
unigrams with the uniform distribution over all words but <s>, so that <unk> has a probability.

Letters: n n-grams of one order, c n-grams of the order below (their contexts).
"""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from asr.lm.counting import OrderCounts
from asr.lm.tokenized_text import BEGIN_ID
from asr.util.compiled import compiled

FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)

Discounts = tuple[float, float, float]


class Level(NamedTuple):
    """The probabilities of an order's n-grams, pruned ones included."""

    counts: OrderCounts
    kept: np.ndarray  #        (n,) bool
    probability: np.ndarray  # (n,) float64; of pruned n-grams by back-off
    gamma: np.ndarray  #       (c,) float64, the back-off weights of the contexts


def find_discounts(adjusted: np.ndarray, order: int) -> Discounts:
    """D1, D2, D3+ from how many n-grams have an adjusted count of 1, 2, 3, 4 (equation 26).

    Without n-grams of adjusted count 1, 2 and 3, lmplz refuses; here they are
    `FALLBACK_DISCOUNTS`, lmplz's own fallback, with a warning.
    """
    n = np.bincount(np.minimum(adjusted, 5), minlength=6).astype(np.float64)
    if n[1:4].all():
        y = n[1] / (n[1] + 2.0 * n[2])
        found = [float(i - (i + 1) * y * n[i + 1] / n[i]) for i in (1, 2, 3)]
        if all(0.0 <= value <= i for i, value in enumerate(found, 1)):
            return found[0], found[1], found[2]
    warnings.warn(
        f"too little text, or of too regular a kind, for the discounts of {order}-grams; "
        f"they are set to {', '.join(map(str, FALLBACK_DISCOUNTS))}",
        stacklevel=2,
    )
    return FALLBACK_DISCOUNTS


def interpolate(
    counts: Sequence[OrderCounts], kept: Sequence[np.ndarray], discounts: Sequence[Discounts]
) -> list[Level]:
    """Probabilities and back-off weights of every order, unigrams first (equations 25 and 27)."""
    levels: list[Level] = []
    for level, keep, found in zip(counts, kept, discounts, strict=True):
        levels.append(_interpolate(level, keep, np.array(found), levels))
    return levels


@compiled
def _free_mass(
    context: np.ndarray, adjusted: np.ndarray, kept: np.ndarray, discounts: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sum of adjusted counts after each context, and the fraction freed by discounts and pruning.

    The fraction is the context's back-off weight: 1 where no n-gram follows the context.
    """
    total, freed = np.zeros(size, np.float64), np.zeros(size, np.float64)
    for i in range(len(context)):
        count = adjusted[i]
        total[context[i]] += count
        if not kept[i]:
            freed[context[i]] += count
        elif count > 0:
            freed[context[i]] += discounts[min(count, 3) - 1]
    for c in range(size):
        freed[c] = freed[c] / total[c] if total[c] > 0.0 else 1.0
    return total, freed


def _interpolate(
    counts: OrderCounts, kept: np.ndarray, discounts: np.ndarray, below: list[Level]
) -> Level:
    """Interpolate one order with the orders below."""
    lower = below[-1].probability if below else np.full(1, 1.0 / (np.count_nonzero(kept) - 1))
    total, gamma = _free_mass(counts.context, counts.adjusted, kept, discounts, len(lower))
    discount = np.append(0.0, discounts)[np.minimum(counts.adjusted, 3)]
    probability = (counts.adjusted - discount) / total[counts.context]
    probability[~kept] = 0.0
    probability += gamma[counts.context] * lower[counts.suffix]
    if not below:
        probability[BEGIN_ID] = 1.0  # as in lmplz; no context predicts <s>
    return Level(counts, kept, probability, gamma)
