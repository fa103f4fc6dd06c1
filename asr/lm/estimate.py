"""Interpolated modified Kneser-Ney estimation, as KenLM's lmplz does it.

Chen and Goodman 1998, "An empirical study of smoothing techniques for language modeling", section
3; equation numbers are of that report. Every order interpolates with the one below, and the
unigrams with the uniform distribution over all words but <s>, so that <unk> has a probability.

Letters: n n-grams of one order, c n-grams of the order below (their contexts), V words.
"""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from asr.compiled import compiled
from asr.errors import UserError
from asr.lm.counting import OrderCounts, count_ngrams
from asr.lm.ngram import NGram
from asr.lm.tree import TreeBuilder
from asr.lm.vocabulary import BEGIN_ID, END_ID, TokenisedText

MAX_ORDER = 6
FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)
_LEAST = 1e-99  # what a back-off weight of 0 is written as; a D3+ of 0 makes some
_MAX_TOKENS = 2**31 - 2  # counts are int32


class Estimate(NamedTuple):
    """A model and the discounts D1, D2, D3+ of each of its orders."""

    ngram: NGram
    discounts: tuple[tuple[float, float, float], ...]


class _Level(NamedTuple):
    """An order's probabilities, with those that pruning takes out."""

    counts: OrderCounts
    kept: np.ndarray  #        (n,) bool
    probability: np.ndarray  # (n,) float64
    gamma: np.ndarray  #       (c,) float64, the back-off weights of the contexts


def estimate(text: TokenisedText, order: int, prune: Sequence[int] = ()) -> Estimate:
    """Estimate a back-off model of `order` from a text.

    `prune` lists a count for each order, the last one meant for the orders above too: n-grams that
    occur no more often are left out, and what they took goes to their contexts' back-off. Where
    counts are too few for discounts (an order without n-grams of adjusted count 1, 2 or 3), lmplz
    refuses; here a warning tells that it fell back to 0.5, 1 and 1.5, those of lmplz's
    --discount_fallback.

    Raises:
        UserError: the text has no words or too many, or order or pruning are out of range.
    """
    thresholds = _thresholds(order, prune)
    vocabulary = text.vocabulary.split(b"\n")
    if not (text.tokens != END_ID).any():
        raise UserError(f"{text.name}: the text has no words; give one with a sentence a line")
    if len(text.tokens) > _MAX_TOKENS:
        raise UserError(
            f"{text.name}: {len(text.tokens)} words and line ends are more than the {_MAX_TOKENS} "
            "that can be counted; take a part of the text"
        )
    counts = count_ngrams(text.tokens, len(vocabulary), order)
    discounts = [_discounts(level.adjusted, k) for k, level in enumerate(counts, 1)]
    levels: list[_Level] = []
    for level, threshold, found in zip(counts, thresholds, discounts, strict=True):
        levels.append(_interpolate(level, threshold, np.array(found), levels))
    kept_words = [vocabulary[i] for i in np.flatnonzero(levels[0].kept)]
    return Estimate(_assemble(b"\n".join(kept_words), levels), tuple(discounts))


def _thresholds(order: int, prune: Sequence[int]) -> list[int]:
    """One pruning count an order."""
    if not 1 <= order <= MAX_ORDER:
        raise UserError(f"order is {order}, expected 1 to {MAX_ORDER}; choose one in between")
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


def _discounts(adjusted: np.ndarray, order: int) -> tuple[float, float, float]:
    """D1, D2, D3+ from how many n-grams have an adjusted count of 1, 2, 3, 4 (equation 26)."""
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


@compiled
def _share(
    context: np.ndarray, adjusted: np.ndarray, kept: np.ndarray, discounts: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sum of adjusted counts after each context, and the share of it that its n-grams give up.

    A context that nothing follows gives up all, weight 1.
    """
    total, given_up = np.zeros(size, np.float64), np.zeros(size, np.float64)
    for i in range(len(context)):
        count = adjusted[i]
        total[context[i]] += count
        if not kept[i]:
            given_up[context[i]] += count
        elif count > 0:
            given_up[context[i]] += discounts[min(count, 3) - 1]
    for c in range(size):
        given_up[c] = given_up[c] / total[c] if total[c] > 0.0 else 1.0
    return total, given_up


def _interpolate(
    counts: OrderCounts, threshold: int, discounts: np.ndarray, below: list[_Level]
) -> _Level:
    """Probabilities and back-off weights of one order, given the orders below (eqs 25 and 27)."""
    kept = counts.occurrences > threshold
    if below:
        lower = below[-1].probability
    else:
        kept[: END_ID + 1] = True
        lower = np.full(1, 1.0 / (np.count_nonzero(kept) - 1))
    total, gamma = _share(counts.context, counts.adjusted, kept, discounts, len(lower))
    discount = np.append(0.0, discounts)[np.minimum(counts.adjusted, 3)]
    probability = (counts.adjusted - discount) / total[counts.context]
    probability += gamma[counts.context] * lower[counts.suffix]
    if not below:
        probability[BEGIN_ID] = 1.0  # as lmplz has it; nothing predicts <s>
    return _Level(counts, kept, probability, gamma)


def _assemble(vocabulary: bytes, levels: list[_Level]) -> NGram:
    """The tree of what is kept."""
    sizes = [int(np.count_nonzero(level.kept)) for level in levels]
    builder = TreeBuilder(sizes)
    new_id = np.cumsum(levels[0].kept, dtype=np.int32) - 1
    entry_of_context = np.zeros(1, np.int32)
    weights = [*(above.gamma for above in levels[1:]), np.empty(0)]  # none of the highest order
    for level, gamma in zip(levels, weights, strict=True):
        kept = np.flatnonzero(level.kept)
        parent = entry_of_context[level.counts.context[kept]]
        start = builder.level_end
        entry_of_context = start - 1 + np.cumsum(level.kept, dtype=np.int32)
        back_off = np.log(np.maximum(gamma[kept], _LEAST)) if len(gamma) else gamma
        word = new_id[level.counts.word[kept]]
        log_prob = np.minimum(np.log(level.probability[kept]), 0.0)
        builder.append(parent, word, log_prob, back_off)
    return NGram(vocabulary, sizes, builder.finish())
