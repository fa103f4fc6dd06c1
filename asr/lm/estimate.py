"""Estimating a back-off model from a text, with the figures of KenLM's lmplz.

Letters: n n-grams of one order, c n-grams of the order below (their contexts), V words.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from asr.lm.counting import count_ngrams
from asr.lm.kneser_ney import Discounts, Level, find_discounts, interpolate
from asr.lm.ngram import NGram
from asr.lm.pruning import count_thresholds, keep_by_count, keep_by_entropy
from asr.lm.tree import TreeBuilder
from asr.lm.vocabulary import END_ID, TokenizedText
from asr.util.errors import UserError

MAX_ORDER = 6
_LEAST = 1e-99  # what a back-off weight of 0 is written as; a D3+ of 0 makes some
_MAX_TOKENS = 2**31 - 2  # counts are int32


class Estimate(NamedTuple):
    """A model and the discounts of each of its orders."""

    ngram: NGram
    discounts: tuple[Discounts, ...]


def estimate(
    text: TokenizedText, order: int, prune: Sequence[int] = (), entropy: float = 0.0
) -> Estimate:
    """Estimate a back-off model by interpolated, modified Kneser-Ney smoothing.

    `find_discounts` warns where counts are too few.

    Args:
        text: what it is estimated from.
        order: the longest n-grams have so many words.
        prune: a count for each order, the last one meant for the orders above too; n-grams that
            occur no more often are left out, and their contexts' back-off takes what they had.
        entropy: n-grams are left out too whose loss costs less, in nats a word (`asr.lm.pruning`).

    Raises:
        UserError: the text has no words or too many, or order or pruning are out of range.
    """
    if not 1 <= order <= MAX_ORDER:
        raise UserError(f"order is {order}, expected 1 to {MAX_ORDER}; choose one in between")
    if not entropy >= 0:
        raise UserError(f"entropy is {entropy}, expected 0 or more; take 1e-7 for a small model")
    thresholds = count_thresholds(order, prune)
    vocabulary = text.vocabulary.split(b"\n")
    if not (text.tokens != END_ID).any():
        raise UserError(f"{text.name}: the text has no words; give one with a sentence a line")
    if len(text.tokens) > _MAX_TOKENS:
        raise UserError(
            f"{text.name}: {len(text.tokens)} words and line ends are more than the {_MAX_TOKENS} "
            "that can be counted; take a part of the text"
        )
    counts = count_ngrams(text.tokens, len(vocabulary), order)
    discounts = [find_discounts(level.adjusted, k) for k, level in enumerate(counts, 1)]
    levels = interpolate(counts, keep_by_count(counts, thresholds), discounts)
    if entropy > 0:
        levels = interpolate(counts, keep_by_entropy(levels, entropy), discounts)
    kept_words = [vocabulary[i] for i in np.flatnonzero(levels[0].kept)]
    return Estimate(_assemble(b"\n".join(kept_words), levels), tuple(discounts))


def _assemble(vocabulary: bytes, levels: list[Level]) -> NGram:
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
