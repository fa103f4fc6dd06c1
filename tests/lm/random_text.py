"""Random texts of a few words, and models estimated from them."""

import random
import warnings

from asr.lm import NGram
from asr.lm.estimate import estimate
from asr.lm.vocabulary import tokenize

Gram = tuple[str, ...]


def random_text(seed: int, sentences: int = 60, words: int = 7) -> str:
    """Draw sentences of 0 to 8 words, the first letters of the alphabet more often."""
    draw = random.Random(seed)
    weights = [1.0 / (i + 1) for i in range(words)]
    return "".join(
        " ".join(draw.choices("abcdefghijkl"[:words], weights, k=draw.randint(0, 8))) + "\n"
        for _ in range(sentences)
    )


def estimated(text: str, order: int, prune: tuple[int, ...] = (), entropy: float = 0.0) -> NGram:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimate(tokenize(text.encode(), "text"), order, prune, entropy).ngram
