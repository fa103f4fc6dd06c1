"""A trained model in use.

Recordings or cut manifests come in; transcripts, forced alignments, error rates, tuned decoding
options and pictures go out. Public, by `asr`: `recognizer.Recognizer` and `load`,
`alignment.align`, `evaluation.evaluate`. Every model runs through `log_probs`.
"""
