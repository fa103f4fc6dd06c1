"""The fitted weights of the second pass."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from asr.decoding.beam import BeamSearch
from asr.decoding.lexicon import Lexicon
from asr.decoding.options import DecodingOptions
from asr.decoding.rescoring import rescore, score_texts
from asr.decoding.tokens import Tokens
from asr.inference.descent import SECOND_PASS_STEPS
from asr.inference.second_pass_tuning import SecondPassTuner
from asr.inference.tuning import Tuner
from asr.lm.ngram import NGram
from asr.scoring import Pair, count_errors

ALPHABET = ("", "A", "B", " ")
TOKENS = Tokens(ALPHABET)
REFERENCES = ["A BA A", "AB", "A BA", "BA A", "A BA A"] * 3


def noisy(text: str, seed: int) -> np.ndarray:
    ids = [i for c in text for i in (ALPHABET.index(c), 0)]
    logits = 1.2 * np.random.default_rng(seed).normal(size=(len(ids), 4))
    logits[np.arange(len(ids)), ids] += 1.5
    return (logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)).astype(np.float32)


def know_the_references(sentences: Sequence[Sequence[str]]) -> np.ndarray:
    return np.array([-1.0 if " ".join(words) in REFERENCES else -9.0 for words in sentences])


def test_a_good_model_gets_weight_and_each_trial_has_the_error_rates_of_its_ranking() -> None:
    options = DecodingOptions(search="beam", beam_size=16)
    search = BeamSearch(Lexicon(TOKENS), options)
    scored = [
        score_texts(search, found, know_the_references, options)
        for found in search.decode(noisy(text, seed) for seed, text in enumerate(REFERENCES))
    ]
    tuner = SecondPassTuner(scored, [text.split() for text in REFERENCES], TOKENS.join)
    best, trials = tuner.tune(options)
    assert best == trials[0].options
    assert best.neural_lm_weight > 0
    assert replace(best, **{name: getattr(options, name) for name in SECOND_PASS_STEPS}) == options
    assert trials == sorted(trials, key=lambda trial: trial.rank)
    for trial in (trials[0], trials[-1]):
        pairs = [
            Pair("", reference, TOKENS.text(rescore(one, trial.options)[0].token_ids))
            for reference, one in zip(REFERENCES, scored, strict=True)
        ]
        words, characters = count_errors(pairs)
        assert (trial.wer, trial.cer) == (words.rate, characters.rate)
    assert trials[0].wer < trials[-1].wer


def test_the_second_pass_is_fitted_after_the_first(lm: NGram) -> None:
    log_probs = [noisy(text, seed) for seed, text in enumerate(REFERENCES)]
    start = DecodingOptions(search="beam", beam_size=8)
    lexicon = Lexicon(TOKENS, lm)
    first, _ = Tuner(log_probs, REFERENCES, lexicon, start).tune()
    tuner = Tuner(log_probs, REFERENCES, lexicon, start, scorer=know_the_references)
    both, trials = tuner.tune()
    assert trials[0].options == replace(first, confidence_temperature=1.0)
    assert tuner.second_pass_trials[0].wer < trials[0].wer
    assert replace(both, confidence_temperature=1.0) == tuner.second_pass_trials[0].options
    assert both.confidence_temperature != first.confidence_temperature
