"""How well a neural language model predicts a text, in the numbers of `asr.lm.perplexity`."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from asr.lm.neural.subwords import Subwords
from asr.lm.ngram import LN_10
from asr.lm.perplexity import Perplexity, from_scores
from asr.lm.tokenized_text import END_ID, TokenizedText
from asr.util.errors import UserError

_AT_ONCE = 64  # sentences


def measure_perplexity(
    score: Callable[[Sequence[Sequence[str]]], list[NDArray[np.float64]]],
    subwords: Subwords,
    text: TokenizedText,
) -> Perplexity:
    """Score a text sentence by sentence.

    The model can spell every word, so its perplexity counts rare words at the cost of their
    spelling, where an n-gram model has one score for all words that it does not know. Unknown words
    here are those with a character that no subword has.

    Args:
        score: from sentences of words to the natural log-probability of each subword and of the
            end, such as `asr.onnx.language_model.OnnxLanguageModel.score_subwords`.
        subwords: of the model.
        text: of words.

    Raises:
        UserError: the text has no words.
    """
    if not np.any(text.tokens != END_ID):
        raise UserError(f"{text.name}: the text has no words; give one with a sentence a line")
    words = text.vocabulary.decode().split("\n")
    ends = np.flatnonzero(text.tokens == END_ID)
    sentences = [
        [words[token] for token in sentence[:-1]]
        for sentence in np.split(text.tokens, ends + 1)[: len(ends)]
    ]
    scores: list[NDArray[np.float64]] = []
    for first in range(0, len(sentences), _AT_ONCE):
        scores += score(sentences[first : first + _AT_ONCE])
    ids, places = subwords.encode_text(text)
    by_token = np.add.reduceat(np.concatenate(scores), places[:-1])
    unknown = np.add.reduceat(ids == len(subwords) - 1, places[:-1]) > 0
    return from_scores(by_token / LN_10, unknown, len(ends))
