"""Neural language models over subwords: their tokens, and the scores they give to sentences.

In: sentences of words. Out: subword ids, natural log-probabilities of whole sentences. Public:
`subwords.Subwords`, `subwords.learn_subwords`, and `scores.SentenceScorer`, the interface that
`asr.onnx.language_model` implements and `asr.decoding.rescoring` uses.
"""
