"""Estimate a back-off model from a text, with the probabilities of KenLM's lmplz.

Letters: n n-grams of one order, c n-grams of the order below (their contexts), V words.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from asr.lm.arpa import MAX_DECIMALS, check_decimals, write_arpa
from asr.lm.counting import count_ngrams
from asr.lm.kneser_ney import Discounts, Level, find_discounts, interpolate
from asr.lm.ngram import NGram
from asr.lm.pruning import count_thresholds, keep_by_count, keep_by_entropy
from asr.lm.tokenized_text import END_ID, TokenizedText
from asr.lm.tree import TreeBuilder
from asr.lm.vocabulary import sort_vocabulary
from asr.util.errors import UserError

MAX_ORDER = 6
_LEAST = 1e-99  # takes the place of a back-off weight of 0, whose cause is a D3+ of 0
_MAX_TOKENS = 2**31 - 2  # counts are int32


@dataclass(frozen=True)
class TrainedModel:
    """A model file that `train` wrote, and the size of its text."""

    path: Path
    counts: tuple[int, ...]  # n-grams of each order
    sentences: int
    tokens: int  # words (or characters) of the text, without sentence ends
    discounts: tuple[tuple[float, float, float], ...]  # D1, D2, D3+ of each order
    warnings: tuple[str, ...]  # of discounts that could not be estimated


class Estimate(NamedTuple):
    """A model and the discounts of each of its orders."""

    ngram: NGram
    discounts: tuple[Discounts, ...]


def train(
    text: TokenizedText,
    output: Path,
    *,
    order: int = 3,
    prune: Sequence[int] = (),
    entropy: float = 0.0,
    decimals: int = MAX_DECIMALS,
) -> TrainedModel:
    """Estimate a model from a text and write it as ARPA, gzipped where `output` ends in .gz.

    `prune` and `entropy` are as for `estimate`, `decimals` is as for `write_arpa`.

    Raises:
        UserError: the file cannot be written, the text has no words, or a setting is out of range.
    """
    check_decimals(decimals)  # before minutes of work
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model, discounts = estimate(sort_vocabulary(text), order, prune, entropy)
    write_arpa(model, output, decimals)
    sentences = int(np.count_nonzero(text.tokens == END_ID))
    return TrainedModel(
        path=output,
        counts=model.counts,
        sentences=sentences,
        tokens=len(text.tokens) - sentences,
        discounts=discounts,
        warnings=tuple(str(warning.message) for warning in caught),
    )


def estimate(
    text: TokenizedText, order: int, prune: Sequence[int] = (), entropy: float = 0.0
) -> Estimate:
    """Estimate a back-off model by interpolated, modified Kneser-Ney smoothing.

    `find_discounts` warns where counts are too few.

    Args:
        text: the training text.
        order: words of the longest n-grams.
        prune: a count for each order, the last one for all higher orders too. N-grams that occur
            no more often are left out; back-off of their contexts gets their probability.
        entropy: n-grams whose removal costs less, in nats a word, are left out (`asr.lm.pruning`).

    Raises:
        UserError: the text has no words or too many, or order or pruning are out of range.
    """
    if not 1 <= order <= MAX_ORDER:
        raise UserError(f"order is {order}, expected 1 to {MAX_ORDER}; choose one in between")
    if not 0 <= entropy < math.inf:
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
    """Build the tree of the kept n-grams."""
    sizes = [int(np.count_nonzero(level.kept)) for level in levels]
    builder = TreeBuilder(sizes)
    new_id = np.cumsum(levels[0].kept, dtype=np.int32) - 1
    entry_of_context = np.zeros(1, np.int32)
    weights = [*(above.gamma for above in levels[1:]), np.empty(0)]  # the highest order has none
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
