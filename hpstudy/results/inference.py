"""Student's t for means and paired differences, and Holm's adjustment of several tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

LEVEL = 0.05
"""The share of false claims that is allowed: 1 − 0.95."""

_SMALLEST_DEVIATION = 1e-9
"""A standard deviation of accuracies below it is the rounding of sums, not a spread."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PairedTest:
    """Student's paired t-test of the mean of differences against zero.

    Attributes:
        n: Pairs, at least 1.
        mean: Of the differences.
        deviation: Their standard deviation (divided by n − 1); NaN for one pair.
        p: Two-sided; NaN where there is nothing to test with: for one pair, or where all pairs differ by the same
            amount, which tells nothing of the spread. Pairs that are all equal give 1.
    """

    n: int
    mean: float
    deviation: float
    p: float

    def interval(self, *, level: float = LEVEL) -> tuple[float, float] | None:
        """The 1 − `level` interval of the mean, without width where all pairs are equal; None where p is NaN."""
        if self.deviation == 0 and self.p == 1:
            return 0.0, 0.0
        return t_interval(n=self.n, mean=self.mean, deviation=self.deviation, level=level)


def mean_interval(values: Sequence[float], *, level: float = LEVEL) -> tuple[float, float] | None:
    """The 1 − `level` interval of a mean after Student (Biometrika 6, 1908); None for fewer than two values.

    Args:
        values: A sample. Values that are all equal give an interval without width.
        level: Probability that the interval misses the mean.
    """
    if len(values) < 2:
        return None
    low_high = t_interval(n=len(values), mean=float(np.mean(values)), deviation=deviation_of(values), level=level)
    return low_high or (float(np.mean(values)),) * 2


def t_interval(*, n: int, mean: float, deviation: float, level: float) -> tuple[float, float] | None:
    """The t-interval of a mean from its sample's size, mean and standard deviation; None without a spread."""
    if n < 2 or not deviation > 0:
        return None
    half = float(stats.t.ppf(1 - level / 2, n - 1)) * deviation / math.sqrt(n)
    return mean - half, mean + half


def paired_test(differences: Sequence[float]) -> PairedTest:
    """Tests whether the mean of differences is zero.

    Args:
        differences: One a pair, at least one.
    """
    n, mean, deviation = len(differences), float(np.mean(differences)), deviation_of(differences)
    if deviation > 0:
        p = float(2 * stats.t.sf(abs(mean) * math.sqrt(n) / deviation, n - 1))
    else:
        p = 1.0 if n > 1 and abs(mean) < _SMALLEST_DEVIATION else math.nan
    return PairedTest(n, mean, deviation, p)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusts probabilities for their number (Holm, Scandinavian Journal of Statistics 6:65–70, 1979).

    Claims are made where an adjusted value is at most 0.05; then the chance of any false one among them is at most
    0.05, however the tests depend on each other.

    Args:
        p_values: NaN for a comparison that cannot be tested: it counts among the comparisons, and stays NaN.

    Returns:
        In the same order; each is at most 1 and at least the value that it adjusts.
    """
    tested = np.nan_to_num(np.asarray(p_values, dtype=float), nan=1.0)
    order = np.argsort(tested, kind="stable")
    stepped = np.minimum(np.maximum.accumulate(tested[order] * _remaining(len(tested))), 1.0)
    adjusted = np.empty_like(stepped)
    adjusted[order] = stepped
    return tuple(math.nan if math.isnan(p) else float(q) for p, q in zip(p_values, adjusted, strict=True))


def holm_levels(p_values: Sequence[float]) -> tuple[float, ...]:
    """The level at which Holm's procedure tested each: an interval at this level and the adjusted p agree.

    The smallest p is held against 0.05 / m, the next against 0.05 / (m − 1), up to the first that fails; the rest
    are held against what that one failed at. So a t-interval at this level leaves out zero exactly where the
    adjusted p is at most 0.05.

    Args:
        p_values: As for `holm`.
    """
    tested = np.nan_to_num(np.asarray(p_values, dtype=float), nan=1.0)
    order = np.argsort(tested, kind="stable")
    steps = LEVEL / _remaining(len(tested))
    failed = np.flatnonzero(tested[order] > steps)
    if len(failed):
        steps[failed[0] :] = steps[failed[0]]
    levels = np.empty_like(steps)
    levels[order] = steps
    return tuple(float(level) for level in levels)


def _remaining(n_tests: int) -> Floats:
    return np.arange(n_tests, 0, -1, dtype=float)


def deviation_of(values: Sequence[float]) -> float:
    """The standard deviation of a sample; NaN for one value, 0 where it is only rounding."""
    if len(values) < 2:
        return math.nan
    deviation = float(np.std(values, ddof=1))
    return deviation if deviation > _SMALLEST_DEVIATION else 0.0
