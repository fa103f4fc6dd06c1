"""What is taken off posteriors before a search."""

import numpy as np
import pytest
from brute_force import ALPHABET

from asr.decoding.beam import BeamSearch
from asr.decoding.fusion import Fusion
from asr.decoding.options import DecodingOptions
from asr.decoding.penalties import token_penalties
from asr.decoding.tokens import Tokens
from asr.util.errors import UserError

COUNTED = Tokens(ALPHABET, counts=(0, 800, 200, 0))


def test_nothing_is_taken_by_default() -> None:
    assert not token_penalties(COUNTED, DecodingOptions()).any()
    assert not token_penalties(Tokens(ALPHABET), DecodingOptions()).any()


def test_frequent_tokens_lose_more_and_the_blank_only_its_own() -> None:
    options = DecodingOptions(blank_penalty=1.5, prior_weight=0.5)

    blank, frequent, rare, never = token_penalties(COUNTED, options)

    assert blank == 1.5
    assert frequent - rare == pytest.approx(0.5 * np.log(4))
    assert rare - never == pytest.approx(0.5 * np.log(200))
    assert frequent + rare + never == pytest.approx(0, abs=1e-6)


def test_the_search_reads_posteriors_less_what_is_taken() -> None:
    rng = np.random.default_rng(1)
    log_probs = np.log(rng.dirichlet(np.ones(4), size=7)).astype(np.float32)
    options = DecodingOptions(search="beam", blank_penalty=1.0, prior_weight=0.7)
    plain = DecodingOptions(search="beam")

    found = BeamSearch(Fusion(COUNTED), options).decode_one(log_probs)
    taken = log_probs - token_penalties(COUNTED, options)
    expected = BeamSearch(Fusion(COUNTED), plain).decode_one(taken)

    assert [list(f.token_ids) for f in found] == [list(e.token_ids) for e in expected]
    assert [f.score for f in found] == [e.score for e in expected]
    unchanged = BeamSearch(Fusion(COUNTED), plain).decode_one(log_probs)
    assert found[0].score != unchanged[0].score


def test_a_prior_that_the_model_does_not_hold_is_refused() -> None:
    with pytest.raises(UserError, match=r"decoding\.prior_weight: this model does not hold"):
        BeamSearch(Fusion(Tokens(ALPHABET)), DecodingOptions(prior_weight=0.1))
