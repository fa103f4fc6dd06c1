"""`compare`: whether the difference between two recognizers is larger than chance explains."""

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
    sum_by_label,
    sum_resamples,
)
from asr.scoring.counts import ErrorCounts
from asr.scoring.pairing import pair_up, require_speakers
from asr.util.errors import UserError

#: By chance, all of five utterances favor one side in 6 of 100 comparisons, all of six in 3.
FEWEST_TO_TELL = 6


@dataclass(frozen=True)
class Comparison:
    """Two sets of hypotheses, A and B, against the same references.

    Rates are fractions. `interval` is the 95 % bootstrap interval of `difference` by resampling
    utterances, None of one utterance. `interval_by_speaker` is the interval by resampling whole
    speakers; it and `speakers`, the number of speakers, are None where fewer than two are known.
    `probability_of_improvement` is the fraction of resamples, of speakers where two are known, in
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
        """Whether the interval of the difference, or both intervals, exclude zero.

        Both, since the interval by few speakers can be the narrower one by chance alone. False of
        fewer than `FEWEST_TO_TELL` utterances.
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
    references_b: Mapping[str, str] | None = None,
    speakers: Mapping[str, str] | None = None,
    normalize: Callable[[str], str] | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare the word error rates of A and B by the paired bootstrap.

    A and B are scored on the same utterances in each resample, so that the difficulty of an
    utterance cancels out, and much smaller differences show than in two separate intervals (Bisani
    and Ney, ICASSP 2004). A resample in which A and B make equally many errors counts half here,
    not zero as in the paper, so that two equal recognizers get 0.5.

    Where two speakers or more are known, whole speakers are drawn too, as in `score`: the
    probability is by speakers then, and a difference is beyond chance if both intervals tell so.

    Args:
        references: utterance id to reference text.
        hypotheses_a: utterance id to the text that A recognized, for the same ids.
        hypotheses_b: utterance id to the text that B recognized, for the same ids.
        references_b: of B where they differ, as those with alternatives do, which are read as is
            nearest to each hypothesis.
        speakers: utterance id to speaker, for those ids at least.
        normalize: applied to every reference and hypothesis before they are compared.
        seed: of the bootstrap.

    Raises:
        UserError: no utterances; ids differ; no word in any reference; the speaker of an
            utterance is not given; an utterance is too long, as in `pair_up`.
    """
    pairs_a = pair_up(references, hypotheses_a, normalize, "hypotheses A")
    pairs_b = pair_up(references_b or references, hypotheses_b, normalize, "hypotheses B")
    if speakers is not None:
        require_speakers(references, speakers)
    words_a = [count_words(alignment) for alignment in align_words(pairs_a)]
    words_b = [count_words(alignment) for alignment in align_words(pairs_b)]
    counts = np.array(
        [
            (a.errors, b.errors, a.reference_length, b.reference_length)
            for a, b in zip(words_a, words_b, strict=True)
        ],
        dtype=np.float64,
    )
    if not (counts[:, 2].any() and counts[:, 3].any()):
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
    """Compute the interval of the difference, and the probability of improvement.

    Args:
        counts: (N, 4), errors of A and of B, and reference words of each, one row a unit.
        seed: of the bootstrap.
    """
    errors_a, errors_b, lengths_a, lengths_b = sum_resamples(counts, seed).T
    has_rate = (lengths_a > 0) & (lengths_b > 0)
    rates_a, rates_b = (
        errors_a[has_rate] / lengths_a[has_rate],
        errors_b[has_rate] / lengths_b[has_rate],
    )
    improved = (errors_b < errors_a).mean() + 0.5 * (errors_b == errors_a).mean()
    return percentile_interval(rates_b - rates_a), float(improved)
