"""What `asr lm train` and `asr lm info` do: a text becomes a model, a model and a text figures."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.lm.arpa import MAX_DECIMALS, check_decimals, write_arpa
from asr.lm.estimate import estimate
from asr.lm.perplexity import Perplexity, measure_perplexity
from asr.lm.store import open_ngram
from asr.lm.vocabulary import END_ID, TokenizedText, alphabetical


@dataclass(frozen=True)
class TrainedModel:
    """What `train` made."""

    path: Path
    counts: tuple[int, ...]  # n-grams of each order
    sentences: int
    tokens: int  # words (or characters) of the text, without the sentences' ends
    discounts: tuple[tuple[float, float, float], ...]  # D1, D2, D3+ of each order
    warnings: tuple[str, ...]  # discounts that could not be estimated


@dataclass(frozen=True)
class ModelInfo:
    """What an n-gram model holds."""

    path: Path
    order: int
    counts: tuple[int, ...]  # n-grams of each order
    vocabulary_size: int  # words, with <unk>, <s> and </s>
    file_bytes: int
    text: Perplexity | None


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

    `prune` and `entropy` are what `estimate` takes, `decimals` what `write_arpa` does.

    Raises:
        UserError: the file cannot be written, the text has no words, or a setting is out of range.
    """
    check_decimals(decimals)  # now, not after minutes
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model, discounts = estimate(alphabetical(text), order, prune, entropy)
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


def info(model: Path, text: TokenizedText | None = None) -> ModelInfo:
    """Describe a model, and how well it predicts a text where one is given.

    Raises:
        UserError: the file cannot be read or is damaged, or the text is empty.
    """
    lm = open_ngram(model)
    return ModelInfo(
        path=model,
        order=lm.order,
        counts=lm.counts,
        vocabulary_size=lm.counts[0],
        file_bytes=model.stat().st_size,
        text=None if text is None else measure_perplexity(lm, text),
    )
