"""From log-probabilities to words: arrays in, arrays and plain types out, no torch.

In reading order: `tokens` (what a model's outputs spell), `path` and `greedy` (the best path),
`spans`, `sounds` and `likelihood` (its words, where tokens are phones), `beam` and its parts,
`word_posteriors` (how far its results agree), `words` (times and confidence), `options` and `decoder`
(one call for all of it), `tune` and `calibration` (fitting the numbers on held-out speech).

Nothing is imported here, so that greedy decoding never waits for numba.
"""
