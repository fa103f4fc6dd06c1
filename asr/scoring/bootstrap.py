"""Confidence intervals of error rates, by the bootstrap over the utterances of a test set.

A test set is a sample; another sample would have given another rate. The bootstrap draws as many
utterances as there are, with replacement, many times, and takes the spread of the rate (Bisani and
Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP 2004).

The errors of one speaker's utterances are correlated, so that drawing utterances independently
gives too narrow an interval for new speakers. The remedy is to draw whole speakers (Liu and Peng,
"Statistical testing on ASR performance via blockwise bootstrap", arXiv:1912.09508): the counts of
each speaker are added up first (`sum_by_label`). With fewer than about ten speakers the interval is
still too narrow.

Letters: R resamples, N units (utterances or speakers), K counts a unit.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 5000
#: One unit has no interval, since all its resamples are equal.
FEWEST_UNITS = 2
CONFIDENCE_PERCENT = 95.0


class Interval(NamedTuple):
    """Bounds around the true value in 95 of 100 test sets; in fewer if the units are few."""

    low: float
    high: float


def sum_resamples(counts: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Sum each count over every resample.

    How often each unit is drawn follows a multinomial distribution. Counting N drawn indices is
    about eight times as fast as numpy's multinomial, and needs memory for one resample at a time.

    Args:
        counts: (N, K), N at least 1, one row a unit.
        seed: equal seeds draw equal units for equal N.

    Returns:
        (R, K), R = `RESAMPLES`.
    """
    generator = np.random.default_rng(seed)
    units = len(counts)
    sums = np.empty((RESAMPLES, counts.shape[1]))
    for row in sums:
        weights = np.bincount(generator.integers(units, size=units), minlength=units)
        row[:] = weights @ counts
    return sums


def rate_interval(errors: NDArray[np.float64], lengths: NDArray[np.float64]) -> Interval | None:
    """Compute the 95 % percentile interval of errors over reference lengths, both (R,).

    Resamples of empty references have no rate and are left out; None if all references are empty.
    """
    has_rate = lengths > 0
    if not has_rate.any():
        return None
    return percentile_interval(errors[has_rate] / lengths[has_rate])


def percentile_interval(values: NDArray[np.float64]) -> Interval:
    """Find the range of the middle 95 % of the values."""
    tail = (100 - CONFIDENCE_PERCENT) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return Interval(float(low), float(high))


def sum_by_label(counts: NDArray[np.float64], labels: Sequence[str]) -> NDArray[np.float64]:
    """Add up the rows (N, K) of equal label, such as the speaker: (number of labels, K)."""
    names, rows = np.unique(np.asarray(labels), return_inverse=True)
    sums = np.zeros((len(names), counts.shape[1]))
    np.add.at(sums, rows, counts)
    return sums
