"""How far chance reaches: the bootstrap over the utterances of a test set.

A test set is itself a draw; another would have given another rate. The bootstrap plays this
through: it draws as many utterances as there are, with replacement, again and again, and looks
how the rate spreads (Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR
performance evaluation", ICASSP 2004).

Utterances of one speaker go wrong together, so drawing utterances as if they were independent
gives too narrow an interval for speakers not yet heard. Drawing whole speakers mends that (Liu
and Peng, "Statistical testing on ASR performance via blockwise bootstrap", arXiv:1912.09508):
add up the counts of each speaker first (`sum_by_label`), and draw from those. With fewer than
some ten speakers this too comes out narrow.

Letters: R resamples, N units (utterances or speakers), K counts a unit.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 5000
#: Of one unit every resample is the same.
FEWEST_UNITS = 2
CONFIDENCE_PERCENT = 95.0


class Interval(NamedTuple):
    """Two bounds that hold the true value in 95 of 100 such test sets; of few units, in fewer."""

    low: float
    high: float


def resampled_sums(counts: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Totals of each count over every resample.

    Which unit is drawn how often follows a multinomial distribution. Counting N drawn indices
    gives that some eight times faster than numpy's own multinomial, and holds one resample in
    memory at a time.

    Args:
        counts: (N, K), N at least 1, one row a unit.
        seed: the same seed and N draw the same units.

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
    """The 95 % interval (percentiles) of errors over reference lengths, both (R,).

    Resamples in which nothing was said have no rate and are left out; None where all are such.
    """
    said = lengths > 0
    if not said.any():
        return None
    return percentile_interval(errors[said] / lengths[said])


def percentile_interval(values: NDArray[np.float64]) -> Interval:
    """The range that holds the middle 95 % of the values."""
    tail = (100 - CONFIDENCE_PERCENT) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return Interval(float(low), float(high))


def sum_by_label(counts: NDArray[np.float64], labels: Sequence[str]) -> NDArray[np.float64]:
    """Add up the rows (N, K) that share a label, such as the speaker: (number of labels, K)."""
    names, rows = np.unique(np.asarray(labels), return_inverse=True)
    sums = np.zeros((len(names), counts.shape[1]))
    np.add.at(sums, rows, counts)
    return sums
