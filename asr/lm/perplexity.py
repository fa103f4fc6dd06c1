"""How well a model predicts a text."""

from dataclasses import dataclass

import numpy as np

from asr.lm.ngram import BEGIN, LN_10, NGram, score_words
from asr.lm.vocabulary import END_ID, TokenizedText
from asr.util.errors import UserError


@dataclass(frozen=True)
class Perplexity:
    """A model's scores of a text. Perplexities count a sentence's end as a token."""

    sentences: int
    tokens: int  # words and sentence ends
    oov_tokens: int  # words that the model does not know
    log10_probability: float  # of the whole text
    perplexity: float
    perplexity_without_oov: float  # over the tokens that the model knows; nan without any


def measure_perplexity(lm: NGram, text: TokenizedText) -> Perplexity:
    """Score a text sentence by sentence, each from <s> to </s>.

    Raises:
        UserError: the text is empty.
    """
    if not len(text.tokens):
        raise UserError(f"{text.name}: the text is empty; give one with a sentence a line")
    ids = lm.ids(text.vocabulary.decode().split("\n"))[text.tokens]
    # <s> after every end brings the state back to a sentence's start, and its score is left out
    ends = np.flatnonzero(text.tokens == END_ID)
    with_begins = np.insert(ids, ends[:-1] + 1, lm.id(BEGIN))
    scores = np.delete(
        score_words(lm.arrays, lm.begin, with_begins), ends[:-1] + 1 + np.arange(len(ends) - 1)
    )
    scores /= LN_10
    oov = ids == lm.unk_id
    known = int(np.count_nonzero(~oov))
    return Perplexity(
        sentences=len(ends),
        tokens=len(ids),
        oov_tokens=len(ids) - known,
        log10_probability=float(scores.sum()),
        perplexity=_perplexity(scores),
        perplexity_without_oov=_perplexity(scores[~oov]) if known else float("nan"),
    )


def _perplexity(scores: np.ndarray) -> float:
    """10 to the mean of (N,) negative log10 probabilities; infinite where no float holds it."""
    with np.errstate(over="ignore"):
        return float(10.0 ** -scores.mean())
