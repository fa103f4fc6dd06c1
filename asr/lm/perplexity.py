"""What a model holds, and how well it predicts a text."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.lm.ngram import BEGIN, LN_10, NGram, score_words
from asr.lm.store import open_ngram
from asr.lm.tokenized_text import END_ID, TokenizedText
from asr.util.errors import UserError


@dataclass(frozen=True)
class Perplexity:
    """A model's score of a text. Perplexities count a sentence's end as a token."""

    sentences: int
    tokens: int  # words and sentence ends
    oov_tokens: int  # words that the model does not know
    log10_probability: float  # of the whole text
    perplexity: float
    perplexity_without_oov: float  # over the tokens that the model knows; nan without any


@dataclass(frozen=True)
class ModelInfo:
    """The sizes of an n-gram model, and its perplexity on a text."""

    path: Path
    order: int
    counts: tuple[int, ...]  # n-grams of each order
    vocabulary_size: int  # words, with <unk>, <s> and </s>
    file_bytes: int
    text: Perplexity | None


def info(model: Path, text: TokenizedText | None = None) -> ModelInfo:
    """Describe a model, and how well it predicts a text where one is given.

    Raises:
        UserError: the file cannot be read or is damaged, or the text has no words.
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


def measure_perplexity(lm: NGram, text: TokenizedText) -> Perplexity:
    """Score a text sentence by sentence, each from <s> to </s>.

    Raises:
        UserError: the text has no words.
    """
    if not np.any(text.tokens != END_ID):
        raise UserError(f"{text.name}: the text has no words; give one with a sentence a line")
    ids = lm.ids(text.vocabulary.decode().split("\n"))[text.tokens]
    # <s> after every sentence end resets the state; the scores of these <s> are deleted
    ends = np.flatnonzero(text.tokens == END_ID)
    with_begins = np.insert(ids, ends[:-1] + 1, lm.id(BEGIN))
    scores = np.delete(
        score_words(lm.arrays, lm.begin, with_begins), ends[:-1] + 1 + np.arange(len(ends) - 1)
    )
    scores /= LN_10
    return from_scores(scores, ids == lm.unk_id, len(ends))


def from_scores(scores: np.ndarray, oov: np.ndarray, sentences: int) -> Perplexity:
    """Sum up a text of N tokens.

    Args:
        scores: (N,) log10 probabilities of words and sentence ends.
        oov: (N,) which tokens the model does not know.
        sentences: how many.
    """
    known = int(np.count_nonzero(~oov))
    return Perplexity(
        sentences=sentences,
        tokens=len(scores),
        oov_tokens=len(scores) - known,
        log10_probability=float(scores.sum()),
        perplexity=_perplexity(scores),
        perplexity_without_oov=_perplexity(scores[~oov]) if known else float("nan"),
    )


def _perplexity(scores: np.ndarray) -> float:
    """10 to the mean of (N,) negative log10 probabilities; infinite where no float holds it."""
    with np.errstate(over="ignore"):
        return float(10.0 ** -scores.mean())
