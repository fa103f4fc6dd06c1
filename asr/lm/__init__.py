"""N-gram language models: reading, storing, estimating and asking them."""

from asr.lm.ngram import NGram, NGramArrays, advance

__all__ = ["NGram", "NGramArrays", "advance"]
