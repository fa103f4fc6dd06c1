"""A search among numbers of decoding options, downhill and one number at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from asr.decoding.options import RANGES, DecodingOptions

#: First steps of the search for the weights of a beam search, the most important weight first.
STEPS = {
    "lm_weight": 0.125,
    "blank_penalty": 0.5,
    "prior_weight": 0.2,
    "word_score": 0.5,
    "unk_score": 2.0,
}
#: Those for the weights of the second pass.
SECOND_PASS_STEPS = {
    "neural_lm_weight": 0.125,
    "second_pass_lm_weight": 0.125,
    "second_pass_word_score": 0.5,
}
HALVINGS = 2


@dataclass(frozen=True)
class Trial:
    """Decoding options and their error rates on the held-out speech, as fractions."""

    options: DecodingOptions
    wer: float
    cer: float

    @property
    def rank(self) -> tuple[float, ...]:
        """The key that is minimized: WER, then CER, then the size of the weights."""
        weights = (getattr(self.options, name) for name in (*STEPS, *SECOND_PASS_STEPS))
        return self.wer, self.cer, *(abs(weight) for weight in weights)


def descend(
    best: DecodingOptions,
    steps: Mapping[str, float],
    scale: float,
    rank: Callable[[DecodingOptions], tuple[float, ...]],
) -> DecodingOptions:
    """Step along one number after the other, for as long as it helps, until none does.

    Args:
        best: where to start.
        steps: by the names of options.
        scale: of the steps.
        rank: the key that is minimized.
    """
    signed = [(name, sign * scale * step) for name, step in steps.items() for sign in (1, -1)]
    start = None
    while start != best:
        start = best
        for name, step in signed:
            least, most = RANGES[name]
            while least <= getattr(best, name) + step <= most:
                further = replace(best, **{name: getattr(best, name) + step})
                if rank(further) >= rank(best):
                    break
                best = further
    return best
