"""Intervals, paired tests and Holm's adjustment, against scipy and hand-made numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from hpstudy.results.inference import holm, holm_levels, mean_interval, paired_test

ONE = [0.912, 0.915, 0.909, 0.918, 0.911]
OTHER = [0.905, 0.911, 0.907, 0.908, 0.906]


def test_mean_interval_is_students() -> None:
    low, high = mean_interval(ONE)
    # mean 0.913, s = 0.0035355, t(0.975, 4) = 2.776445, so ± 0.0043899
    assert (low, high) == pytest.approx((0.9086101, 0.9173899), abs=1e-7)


def test_mean_interval_of_one_value_and_of_equal_values() -> None:
    assert mean_interval([0.9]) is None
    assert mean_interval([0.1, 0.1, 0.1]) == pytest.approx((0.1, 0.1))


def test_paired_test_is_scipys() -> None:
    found = paired_test(np.subtract(ONE, OTHER))
    reference = stats.ttest_rel(ONE, OTHER)
    assert found.n == 5
    assert found.mean == pytest.approx(0.0056)
    assert found.p == pytest.approx(reference.pvalue, rel=1e-9)
    interval = reference.confidence_interval(0.95)
    assert found.interval() == pytest.approx((interval.low, interval.high))


@pytest.mark.parametrize(
    ("differences", "p", "interval"),
    [
        ([0.01], math.nan, None),
        ([0.0, 0.0, 0.0], 1.0, (0.0, 0.0)),
        ([0.91 - 0.90, 0.92 - 0.91, 0.93 - 0.92], math.nan, None),  # equal but for the rounding of floats
    ],
)
def test_pairs_without_a_spread_claim_nothing(differences, p, interval) -> None:
    found = paired_test(differences)
    assert (found.p, found.interval()) == (pytest.approx(p, nan_ok=True), interval)


def test_holm_on_the_textbook_case() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.5, 0.9]) == pytest.approx((1.0, 1.0))
    assert holm([]) == ()


def test_holm_counts_what_cannot_be_tested() -> None:
    adjusted = holm([0.02, math.nan, 0.9])
    assert adjusted == pytest.approx((0.06, math.nan, 1.0), nan_ok=True)


def test_levels_agree_with_the_adjusted_values() -> None:
    generator = np.random.default_rng(3)
    for _ in range(200):
        p_values = generator.uniform(0, 0.05, size=5)
        rejected = np.array(holm(p_values)) <= 0.05
        assert list(p_values <= np.array(holm_levels(p_values))) == list(rejected)
    assert holm_levels([0.001, 0.04, 0.02]) == pytest.approx((0.05 / 3, 0.05, 0.05 / 2))
    assert holm_levels([0.001, 0.04, 0.03]) == pytest.approx((0.05 / 3, 0.025, 0.025))
