"""N-gram language models: estimated from text, read, stored, and asked for probabilities.

In: texts with a sentence a line, and ARPA files.
Out: ARPA files, and `NGramArrays`, which compiled code scores word by word.
Public: `NGram` and `score_next_word`; `store.open_ngram`; `estimate.train` and `perplexity.info`,
which the verb `asr lm` runs; `sentences.read_sentences` and `tokenize_lines`, which read texts.

In reading order: `ngram` is a model in memory and `tree` builds it; `sentences` and `vocabulary`
turn texts into word ids; `arpa` and `arpa_lines` read and write files, `store` caches them parsed;
`counting`, `kneser_ney`, `pruning` and `estimate` make a model, `perplexity` evaluates it.
"""

from asr.lm.ngram import NGram, NGramArrays, score_next_word

__all__ = ["NGram", "NGramArrays", "score_next_word"]
