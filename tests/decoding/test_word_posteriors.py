import numpy as np
import pytest
from brute_force import ALPHABET

from asr.decoding.beam import Hypothesis
from asr.decoding.tokens import Tokens
from asr.decoding.word_posteriors import SCALE, word_posteriors

TOKENS = Tokens(ALPHABET)


def found(text: str, probability: float) -> Hypothesis:
    ids = np.array([ALPHABET.index(character) for character in text], dtype=np.int32)
    return Hypothesis(ids, float(np.log(probability)) / SCALE, 0.0, 0.0)


def test_a_word_has_the_probability_of_the_results_that_match_it() -> None:
    results = [found("A AB", 0.4), found("A BA", 0.2), found("B A AB", 0.1), found("A B AB", 0.1)]
    assert word_posteriors(results, TOKENS) == pytest.approx([1.0, 0.75])


def test_results_that_differ_in_spaces_only_agree() -> None:
    assert word_posteriors([found("A B", 0.5), found(" A B ", 0.3)], TOKENS) == pytest.approx(
        [1, 1]
    )


def test_one_result_agrees_with_itself() -> None:
    assert word_posteriors([found("A B", 1e-300)], TOKENS).tolist() == [1.0, 1.0]
    assert word_posteriors([found("", 1.0), found("A", 0.5)], TOKENS).size == 0
