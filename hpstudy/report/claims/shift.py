"""By how much the values of one group exceed those of another, without a belief in their distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

_MOST = 500
"""Values of a group that are paired; of a larger one as many evenly spaced quantiles stand for all."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shift:
    """The shift between two groups.

    Attributes:
        middle: Hodges–Lehmann estimate: the median of the differences of all pairs, one value of each group.
        low: Lower end of its interval.
        high: Upper end.
    """

    middle: float
    low: float
    high: float


def hodges_lehmann(higher: Floats, lower: Floats, *, level: float) -> Shift | None:
    """Estimates how far `higher` lies above `lower`.

    The interval inverts the Mann–Whitney test in its normal approximation (Hollander & Wolfe, Nonparametric
    Statistical Methods, 1973, section 4.3).

    Args:
        higher: Values of one group, [a].
        lower: Values of the other, [b].
        level: Probability that the interval misses the shift.

    Returns:
        None where the groups are too small for an interval at this level.
    """
    n, m = len(higher), len(lower)
    if not n or not m:
        return None
    reach = stats.norm.ppf(1 - level / 2) * math.sqrt((n + m + 1) / (12 * n * m))
    pairs = _thinned(higher)[:, None] - _thinned(lower)[None, :]
    place = math.floor((0.5 - reach) * pairs.size)
    if place < 1:
        return None
    ordered = np.sort(pairs, axis=None)
    return Shift(float(np.median(ordered)), float(ordered[place - 1]), float(ordered[-place]))


def is_stable(better: Floats, worse: Floats) -> bool:
    """Whether most pairs favour `better`, whichever single value is left out.

    Args:
        better: Values of one group, [a].
        worse: Values of the other, [b].
    """
    if len(better) < 2 or len(worse) < 2:
        return False
    won = _won(better, worse)
    lost = -_won(worse, better)
    return bool(won.sum() > max(won.max(), lost.max(), 0))


def _won(ones: Floats, others: Floats) -> Floats:
    """Of each value the pairs that it wins less those that it loses."""
    ordered = np.sort(others)
    below, not_above = np.searchsorted(ordered, ones, "left"), np.searchsorted(ordered, ones, "right")
    return (below + not_above - len(others)).astype(float)


def _thinned(values: Floats) -> Floats:
    if len(values) <= _MOST:
        return values
    return np.quantile(values, (np.arange(_MOST) + 0.5) / _MOST)
