"""Endpoints: each rule alone, and Kaldi's five on made log-probabilities."""

import math

import pytest

from asr.inference.streaming import EndpointRule, EndpointRules
from asr.util.errors import UserError

RULES = EndpointRules()


@pytest.mark.parametrize(
    ("length_s", "silence_s", "speech", "cost", "rule"),
    [
        (4.9, 4.9, False, 0.0, None),
        (5.0, 5.0, False, 0.0, 1),
        (3.0, 0.4, True, 0.0, None),
        (3.0, 0.5, True, 2.0, 2),
        (3.0, 0.5, True, 2.1, None),
        (3.0, 1.0, True, 8.0, 3),
        (3.0, 1.9, True, 8.1, None),
        (3.0, 2.0, True, math.inf, 4),
        (3.0, 2.0, False, 0.0, None),
        (19.9, 0.0, True, 0.0, None),
        (20.0, 0.0, True, math.inf, 5),
    ],
)
def test_rules_are_kaldis(length_s, silence_s, speech, cost, rule) -> None:
    assert RULES.is_end(length_s, silence_s, speech, lambda: cost) == (rule is not None)
    never = EndpointRule(False, math.inf)
    alone = {f"rule{n}": never for n in range(1, 6) if n != rule}
    if rule is not None:
        assert EndpointRules(**alone).is_end(length_s, silence_s, speech, lambda: cost)


def test_the_cost_is_computed_where_a_rule_needs_it() -> None:
    def fail() -> float:
        pytest.fail("computed")

    assert RULES.is_end(3.0, 2.0, True, fail)
    assert not RULES.is_end(3.0, 0.3, True, fail)


@pytest.mark.parametrize("value", [-1.0, math.nan])
def test_numbers_below_0_are_refused(value: float) -> None:
    with pytest.raises(UserError, match="min_trailing_silence_s"):
        EndpointRule(True, value)
