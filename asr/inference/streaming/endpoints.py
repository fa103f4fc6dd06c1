"""When an utterance of a stream is over.

Source: the rules, their names and their numbers are Kaldi's (`online2/online-endpoint.h`).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

from asr.util.errors import UserError


@dataclass(frozen=True)
class EndpointRule:
    """One rule. An utterance ends where everything that the rule asks for is there.

    Attributes:
        must_contain_nonsilence: whether there must be a word.
        min_trailing_silence_s: least time since the end of the last word.
        max_relative_cost: most nats by which the best text that may end here is worse than the best
            one that goes on; greedy search cannot tell, and has 0.
        min_utterance_length_s: least length of the utterance.

    Raises:
        UserError: a number below 0, or none.
    """

    must_contain_nonsilence: bool
    min_trailing_silence_s: float
    max_relative_cost: float = math.inf
    min_utterance_length_s: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            if not value >= 0:
                raise UserError(f"endpoints: {field.name} is {value:g}, expected 0 or more")


@dataclass(frozen=True)
class EndpointRules:
    """Five rules, of which one is enough.

    Attributes:
        rule1: nobody speaks.
        rule2: a short pause, after which the text is likely to be complete.
        rule3: a longer pause, after which it may be.
        rule4: a long pause.
        rule5: a long utterance, even in the middle of a word.
    """

    rule1: EndpointRule = EndpointRule(False, 5.0)
    rule2: EndpointRule = EndpointRule(True, 0.5, 2.0)
    rule3: EndpointRule = EndpointRule(True, 1.0, 8.0)
    rule4: EndpointRule = EndpointRule(True, 2.0)
    rule5: EndpointRule = EndpointRule(False, 0.0, math.inf, 20.0)

    def is_end(
        self, length_s: float, silence_s: float, speech: bool, relative_cost: Callable[[], float]
    ) -> bool:
        """Tell whether an utterance is over.

        Args:
            length_s: of the utterance so far.
            silence_s: since the end of its last word, or of all of it without one.
            speech: whether it has a word.
            relative_cost: computes what `EndpointRule.max_relative_cost` bounds; called only where
                a rule needs it.
        """
        for rule in self._rules():
            if (
                (speech or not rule.must_contain_nonsilence)
                and silence_s >= rule.min_trailing_silence_s
                and length_s >= rule.min_utterance_length_s
            ):
                limit = rule.max_relative_cost
                if math.isinf(limit) or relative_cost() <= limit:
                    return True
        return False

    def _rules(self) -> Iterator[EndpointRule]:
        """List the rules, those without a cost first."""
        rules = [getattr(self, field.name) for field in fields(self)]
        yield from sorted(rules, key=lambda rule: not math.isinf(rule.max_relative_cost))
