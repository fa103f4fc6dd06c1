from dataclasses import replace

import numpy as np
import pytest

from asr.decoding.lexicon import Lexicon
from asr.decoding.options import DecodingOptions
from asr.decoding.tokens import Tokens
from asr.inference.tuning import Tuner
from asr.lm.ngram import NGram
from asr.util.errors import UserError

ALPHABET = ("", "A", "B", " ")
TOKENS = Tokens(ALPHABET)


def noisy(text: str, seed: int) -> np.ndarray:
    ids = [i for c in text for i in (ALPHABET.index(c), 0)]
    logits = 1.2 * np.random.default_rng(seed).normal(size=(len(ids), 4))
    logits[np.arange(len(ids)), ids] += 2.0
    return (logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)).astype(np.float32)


def test_the_best_trial_is_returned_and_beats_no_weights(lm: NGram) -> None:
    references = ["A BA A", "AB", "A BA", "BA A", "A BA A"] * 4
    log_probs = [noisy(text, seed) for seed, text in enumerate(references)]
    start = DecodingOptions(search="beam", beam_size=16)
    best, trials = Tuner(log_probs, references, Lexicon(TOKENS, lm), start).tune()
    assert trials == sorted(trials, key=lambda trial: trial.rank)
    assert len({trial.options for trial in trials}) == len(trials)
    assert replace(best, confidence_temperature=1.0) == trials[0].options
    without = next(trial for trial in trials if trial.options == replace(start, lm_weight=0))
    assert trials[0].wer < without.wer
    assert best.beam_size == 16
    assert best.confidence_temperature != 1.0


def test_without_a_model_its_weight_stays_for_one_given_later() -> None:
    references = ["A BA A", "AB", "A BA"]
    log_probs = [noisy(text, seed) for seed, text in enumerate(references)]
    start = DecodingOptions(search="beam", beam_size=4, lm_weight=0.3)
    best, trials = Tuner(log_probs, references, Lexicon(TOKENS), start).tune()
    assert best.lm_weight == 0.3
    assert {trial.options.lm_weight for trial in trials} == {0.3}


def test_a_prior_is_fitted_where_the_model_holds_one() -> None:
    references = ["A BA A", "AB", "A BA", "BA A", "A BA A"] * 4
    log_probs = [noisy(text, seed) for seed, text in enumerate(references)]
    counted = replace(TOKENS, counts=(0, 100, 10, 50))
    tilt = np.array([0, 1.5, -1.5, 0], dtype=np.float32)  # rare B is decoded as A
    tilted = [row + tilt for row in log_probs]
    start = DecodingOptions(search="beam", beam_size=4)

    best, _ = Tuner(tilted, references, Lexicon(counted), start).tune()
    _, trials = Tuner(tilted, references, Lexicon(TOKENS), start).tune()

    assert best.prior_weight > 0
    assert {trial.options.prior_weight for trial in trials} == {0.0}


def test_no_words_to_tune_on_are_refused() -> None:
    with pytest.raises(UserError, match="no reference has a word"):
        Tuner([np.zeros((2, 4))], [""], Lexicon(TOKENS), DecodingOptions())
