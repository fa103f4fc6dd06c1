"""Pruning: which n-grams a model keeps, by their counts and by relative entropy.

Letters: n n-grams of one order, c n-grams of the order below (their contexts).
"""

from collections.abc import Sequence

import numpy as np

from asr.lm.counting import OrderCounts
from asr.lm.kneser_ney import Level
from asr.lm.tokenized_text import END_ID
from asr.util.compiled import compiled
from asr.util.errors import UserError


def count_thresholds(order: int, prune: Sequence[int]) -> list[int]:
    """Extend `prune`, a count an order, to all orders by its last count.

    Raises:
        UserError: there are more counts than orders, a count is negative, or counts fall.
    """
    given = " ".join(map(str, prune))
    if len(prune) > order:
        raise UserError(
            f"prune has {len(prune)} counts ({given}) for a model of order {order}; "
            "give one an order at most"
        )
    if any(count < 0 for count in prune) or list(prune) != sorted(prune):
        raise UserError(
            f"prune is {given}, expected counts of 0 or more that never fall; "
            "a longer n-gram cannot stay where its parts go"
        )
    last = prune[-1] if prune else 0
    return [*prune, *[last] * (order - len(prune))]


def keep_by_count(counts: Sequence[OrderCounts], thresholds: Sequence[int]) -> list[np.ndarray]:
    """Keep n-grams that occur more often than their order's threshold, and reserved words.

    Returns a mask (n,) for each order.
    """
    kept = [level.occurrences > least for level, least in zip(counts, thresholds, strict=True)]
    kept[0][: END_ID + 1] = True
    return kept


def keep_by_entropy(levels: Sequence[Level], threshold: float) -> list[np.ndarray]:
    """Prune n-grams of two words and more by relative entropy.

    An n-gram is removed if the relative entropy between the models with it and without it is below
    `threshold`, in nats a word (Stolcke 1998, "Entropy-based pruning of backoff language models",
    equation 3), and no kept longer n-gram begins with it. The probability of a context is its
    relative frequency in the text: Kneser-Ney's lower orders are made for backing off, and give no
    estimate of it (Chelba 2010, "Study on interaction between entropy pruning and Kneser-Ney
    smoothing"). Returns a mask (n,) for each order.
    """
    tokens = int(levels[0].counts.occurrences.sum())
    kept = [levels[0].kept]
    continued = np.zeros(0, np.int64)  # rows of this order that longer ones begin with
    for below, level in zip(levels[-2::-1], levels[:0:-1], strict=True):
        keep = level.kept & (
            _losses(level.counts, level.kept, level.probability, below.probability) / tokens
            >= threshold
        )
        keep[continued] = True
        continued = level.counts.context[keep]
        kept.insert(1, keep)
    return kept


@compiled
def _losses(
    counts: OrderCounts, kept: np.ndarray, probability: np.ndarray, lower: np.ndarray
) -> np.ndarray:
    """Loss in nats (n,) of the text's log-probability where one n-gram is removed.

    `lower` (c,) are the probabilities of the order below.
    """
    seen = np.zeros(len(lower), np.float64)
    unlisted, backed_off = np.ones(len(lower), np.float64), np.ones(len(lower), np.float64)
    for i in range(len(kept)):
        context = counts.context[i]
        seen[context] += counts.occurrences[i]
        if kept[i]:
            unlisted[context] -= probability[i]
            backed_off[context] -= lower[counts.suffix[i]]
    losses = np.zeros(len(kept), np.float64)
    for i in range(len(kept)):
        if kept[i]:
            context, p, q = counts.context[i], probability[i], lower[counts.suffix[i]]
            rest, behind = max(unlisted[context], 0.0), max(backed_off[context], 1e-12)
            weight = (rest + p) / (behind + q)
            loss = p * np.log(p / (weight * q))
            if rest > 0.0:
                loss += rest * np.log(rest / behind / weight)
            losses[i] = seen[context] * loss
    return losses
