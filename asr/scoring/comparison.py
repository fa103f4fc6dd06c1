"""`compare`: is the second recogniser really better than the first, or was it luck?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.scoring.alignment import align_words, count_words
from asr.scoring.bootstrap import (
    FEWEST_UNITS,
    Interval,
    percentile_interval,
    resampled_sums,
    sum_by_label,
)
from asr.scoring.counts import ErrorCounts
from asr.scoring.pairing import pair_up, require_speakers
from asr.util.errors import UserError

#: That all of five favour one side happens by chance in 6 of 100 comparisons, of six in 3.
FEWEST_TO_TELL = 6


@dataclass(frozen=True)
class Comparison:
    """Two sets of hypotheses, A and B, against the same references.

    Rates are fractions. `interval` is the 95 % bootstrap interval of `difference` by resampling
    utterances, None of one alone; `interval_by_speaker` that by resampling whole speakers, as in a
    `Report`; it and `speakers`, their number, are None where fewer than two are known.
    `probability_of_improvement` is the share of resamples, of speakers where they are known, in
    which B makes fewer word errors than A; None of fewer than `FEWEST_TO_TELL` utterances.
    """

    utterances: int
    speakers: int | None
    words_a: ErrorCounts
    words_b: ErrorCounts
    interval: Interval | None
    interval_by_speaker: Interval | None
    probability_of_improvement: float | None

    @property
    def difference(self) -> float:
        """WER of B less WER of A: negative where B is better."""
        return self.words_b.rate - self.words_a.rate

    @property
    def beyond_chance(self) -> bool:
        """Whether the interval of the difference, or each of two, leaves out zero.

        That of few speakers can come out narrower than that of the utterances, by chance alone.
        Of fewer than `FEWEST_TO_TELL` utterances nothing is.
        """
        if self.interval is None or self.utterances < FEWEST_TO_TELL:
            return False
        intervals = [self.interval, self.interval_by_speaker or self.interval]
        return all(one.low > 0 or one.high < 0 for one in intervals)

    def to_dict(self) -> dict[str, Any]:
        """JSON data."""
        return {
            "utterances": self.utterances,
            "speakers": self.speakers,
            "words_a": self.words_a.to_dict(),
            "words_b": self.words_b.to_dict(),
            "wer_difference": self.difference,
            "wer_difference_interval": self.interval,
            "wer_difference_interval_by_speaker": self.interval_by_speaker,
            "probability_of_improvement": self.probability_of_improvement,
        }


def compare(
    references: Mapping[str, str],
    hypotheses_a: Mapping[str, str],
    hypotheses_b: Mapping[str, str],
    *,
    speakers: Mapping[str, str] | None = None,
    normalize: Callable[[str], str] | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare the word error rates of A and B by the paired bootstrap.

    Both are scored on the same drawn utterances each time, so that what makes an utterance hard
    for both cancels out, and much smaller differences show than two separate intervals would
    tell apart (Bisani and Ney, ICASSP 2004). A draw in which both make equally many errors
    counts half here, not zero as in the paper: two equal recognisers get 0.5.

    Where two speakers or more are known, whole speakers are drawn besides, as `score` does: the
    probability is by speakers then, and the difference is beyond chance if it is so by both.

    Args:
        references: utterance id to what was said.
        hypotheses_a: utterance id to what A recognised, for the same ids.
        hypotheses_b: the same of B.
        speakers: utterance id to speaker, for those ids at least.
        normalize: applied to every reference and hypothesis before they are compared.
        seed: of the bootstrap.

    Raises:
        UserError: no utterances; ids differ; no word in any reference; the speaker of an
            utterance is not given.
    """
    pairs_a = pair_up(references, hypotheses_a, normalize, "hypotheses A")
    pairs_b = pair_up(references, hypotheses_b, normalize, "hypotheses B")
    if speakers is not None:
        require_speakers(references, speakers)
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
    interval, probability = _resample(counts, seed)
    names = [] if speakers is None else [speakers[pair.utterance_id] for pair in pairs_a]
    by_speaker = None
    if len(set(names)) >= FEWEST_UNITS:
        by_speaker, probability = _resample(sum_by_label(counts, names), seed)
    return Comparison(
        utterances=len(references),
        speakers=None if by_speaker is None else len(set(names)),
        words_a=ErrorCounts.total(words_a),
        words_b=ErrorCounts.total(words_b),
        interval=interval if len(counts) >= FEWEST_UNITS else None,
        interval_by_speaker=by_speaker,
        probability_of_improvement=probability if len(counts) >= FEWEST_TO_TELL else None,
    )


def _resample(counts: NDArray[np.float64], seed: int) -> tuple[Interval, float]:
    """Interval of the difference, and probability of improvement.

    Args:
        counts: (N, 3), errors of A, of B and reference words, one row a unit.
        seed: of the bootstrap.
    """
    errors_a, errors_b, lengths = resampled_sums(counts, seed).T
    said = lengths > 0
    improved = (errors_b < errors_a).mean() + 0.5 * (errors_b == errors_a).mean()
    return percentile_interval((errors_b - errors_a)[said] / lengths[said]), float(improved)
