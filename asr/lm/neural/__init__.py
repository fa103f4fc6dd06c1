"""Neural language models over subwords: their tokens, and the scores they give to sentences.

In: sentences of words. Out: subword ids, natural log-probabilities. Public: `subwords.Subwords`,
`subwords.learn_subwords`, `scores.score_sentences` and `perplexity.measure_perplexity`.
`asr.training.neural_lm` trains such models, and `asr.onnx.language_model` runs them.
"""
