"""From log-probabilities to words, without torch.

In: arrays (B, U, V) of log posteriors, the model's `Tokens`, and `DecodingOptions`. Out: `Decoded`
text and words with times and confidence. Public: `options.DecodingOptions`; `decoder.Decoder` does
everything in one call. The tower below it is `tokens.Tokens`, `lexicon.Lexicon` (cached by
`lexicon_store`), `prefix_scorer.PrefixScorer` and `beam.BeamSearch`; greedy search takes `greedy`
and `segmental`.

Nothing is imported here, so that greedy decoding never waits for numba.
"""
