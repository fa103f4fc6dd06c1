"""`compare`: is the second recogniser really better than the first, or was it luck?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from asr.errors import UserError
from asr.scoring.alignment import align_words, count_words
from asr.scoring.bootstrap import Interval, percentile_interval, resampled_sums
from asr.scoring.counts import ErrorCounts
from asr.scoring.pairing import pair_up


@dataclass(frozen=True)
class Comparison:
    """Two sets of hypotheses, A and B, against the same references.

    Rates are fractions. `interval` is the 95 % bootstrap interval of `difference`.
    `probability_of_improvement` is the share of resamples in which B makes fewer word errors
    than A.
    """

    utterances: int
    words_a: ErrorCounts
    words_b: ErrorCounts
    interval: Interval
    probability_of_improvement: float

    @property
    def difference(self) -> float:
        """WER of B less WER of A: negative where B is better."""
        return self.words_b.rate - self.words_a.rate

    @property
    def beyond_chance(self) -> bool:
        """Whether the interval of the difference leaves out zero."""
        return self.interval.low > 0 or self.interval.high < 0

    def to_dict(self) -> dict[str, Any]:
        """JSON data."""
        return {
            "utterances": self.utterances,
            "words_a": self.words_a.to_dict(),
            "words_b": self.words_b.to_dict(),
            "wer_difference": self.difference,
            "wer_difference_interval": self.interval,
            "probability_of_improvement": self.probability_of_improvement,
        }


def compare(
    references: Mapping[str, str],
    hypotheses_a: Mapping[str, str],
    hypotheses_b: Mapping[str, str],
    *,
    normalise: Callable[[str], str] | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare the word error rates of A and B by the paired bootstrap over utterances.

    Both are scored on the same drawn utterances each time, so that what makes an utterance hard
    for both cancels out, and much smaller differences show than two separate intervals would
    tell apart (Bisani and Ney, ICASSP 2004). A draw in which both make equally many errors
    counts half here, not zero as in the paper: two equal recognisers get 0.5.

    Raises:
        UserError: no utterances; ids differ; no word in any reference.
    """
    pairs_a = pair_up(references, hypotheses_a, normalise, "hypotheses A")
    pairs_b = pair_up(references, hypotheses_b, normalise, "hypotheses B")
    words_a = [count_words(alignment) for alignment in align_words(pairs_a)]
    words_b = [count_words(alignment) for alignment in align_words(pairs_b)]
    counts = np.array(
        [(a.errors, b.errors, a.reference_length) for a, b in zip(words_a, words_b, strict=True)],
        dtype=np.float64,
    )
    if not counts[:, 2].any():
        raise UserError(
            f"references: none of the {len(references)} utterances has a word, so that there is no "
            "error rate to compare; give references with text"
        )
    errors_a, errors_b, lengths = resampled_sums(counts, seed).T
    said = lengths > 0
    improved = (errors_b < errors_a).mean() + 0.5 * (errors_b == errors_a).mean()
    return Comparison(
        utterances=len(references),
        words_a=ErrorCounts.total(words_a),
        words_b=ErrorCounts.total(words_b),
        interval=percentile_interval((errors_b - errors_a)[said] / lengths[said]),
        probability_of_improvement=float(improved),
    )
