"""N-gram language models: reading, storing, estimating and asking them.

In reading order: `ngram` is a model in memory and the question a beam search asks of it, `tree`
builds it; `sentences` and `vocabulary` turn texts into numbers; `arpa` and `arpa_lines` read and
write the files; `store` caches what was read; `counting` and `estimate` make a model of a text, and
`perplexity` says how well it fits another; `commands` is what `asr lm` runs.
"""

from asr.lm.ngram import NGram, NGramArrays, score_next_word

__all__ = ["NGram", "NGramArrays", "score_next_word"]
