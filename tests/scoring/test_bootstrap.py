"""Resampling, and intervals from resamples."""

import numpy as np

from asr.scoring.bootstrap import (
    RESAMPLES,
    Interval,
    percentile_interval,
    rate_interval,
    sum_by_label,
    sum_resamples,
)


def test_each_resample_draws_as_many_units_as_there_are() -> None:
    sums = sum_resamples(np.eye(7), seed=0)
    assert sums.shape == (RESAMPLES, 7)
    assert (sums.sum(axis=1) == 7).all()
    np.testing.assert_allclose(sums.mean(axis=0), 1, atol=0.06)
    np.testing.assert_allclose(sums.var(axis=0), 6 / 7, atol=0.06)  # binomial(7, 1/7)


def test_counts_of_a_label_are_added_up() -> None:
    counts = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    np.testing.assert_array_equal(sum_by_label(counts, ["b", "a", "b"]), [[2, 20], [5, 50]])


def test_interval_holds_the_middle_95_percent() -> None:
    assert percentile_interval(np.arange(1001.0)) == Interval(25.0, 975.0)


def test_resamples_of_empty_references_are_left_out() -> None:
    assert rate_interval(np.array([3.0, 1.0]), np.array([0.0, 2.0])) == Interval(0.5, 0.5)
    assert rate_interval(np.array([3.0]), np.array([0.0])) is None
