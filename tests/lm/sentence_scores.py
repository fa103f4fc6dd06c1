"""The score of a sentence, as KenLM's `query` prints it."""

from collections.abc import Sequence

from asr.lm import NGram
from asr.lm.ngram import LN_10


def total_log10(lm: NGram, words: Sequence[str], *, begin: bool = True, end: bool = True) -> float:
    """Log10 probability of a sentence, which `query` calls Total."""
    return sum(lm.score(words, begin=begin, end=end)) / LN_10
