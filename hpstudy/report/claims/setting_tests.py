"""One test for each searched setting, among the trials that came to a result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from hpstudy.numbers import value
from hpstudy.report.claims.expectation import expected_values
from hpstudy.results.study import StudyResults
from hpstudy.spec.rows import Scalar
from hpstudy.spec.study import Choices, Domain

FEWEST_TRIALS = 10
"""Trials that have a setting and came to a result, below which it is not tested."""

FEWEST_IN_GROUP = 3
"""Trials of a choice, below which it is not compared."""

SMALLEST_EFFECT = 0.005
"""Half a point of accuracy: less is not worth a sentence."""

_FEWEST_LEVELS = 6
"""Different values below which a range's values are compared as choices: thirds of four values are no thirds."""

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Group:
    """The trials with some values of a setting.

    Attributes:
        words: The values: `up to 0.107`, `adam`.
        values: Of the complete trials.
        n_stopped: Trials that were stopped early, being weak or because they diverged.
    """

    words: str
    values: Floats
    n_stopped: int

    @property
    def n(self) -> int:
        """All its trials."""
        return len(self.values) + self.n_stopped


@dataclass(frozen=True)
class Trials:
    """The trials of a search that came to a result.

    Attributes:
        frame: Their rows.
        merit: The value with its sign turned so that more is better; NaN where the trial was stopped early.
        expected: The merit, and for a trial stopped early what it was on the way to.
        smallest_effect: What a shift must reach.
    """

    frame: pd.DataFrame
    merit: Floats
    expected: Floats
    smallest_effect: float


@dataclass(frozen=True)
class SettingTest:
    """A setting's test.

    Attributes:
        p: Of the setting.
        better: The group that it is told by, and
        worse: the other one.
        expected: Expected merit of the trials of both.
        n: Trials that have the setting.
        n_pairs: Pairs of groups that these two were chosen from.
        of_choices: Whether choices were compared, not the ends of a range.
    """

    p: float
    better: Group
    worse: Group
    expected: tuple[Floats, Floats]
    n: int
    n_pairs: int
    of_choices: bool


def trials_with_result(results: StudyResults) -> Trials:
    """The sampled trials that ended complete with a finite value, or were stopped early."""
    search = results.search
    sign = 1 if results.maximize else -1
    merit = search["value"].to_numpy(dtype=float) * sign
    complete = (search["state"] == "complete").to_numpy() & np.isfinite(merit)
    chosen = complete | (search["state"] == "pruned").to_numpy()
    frame, merit = search[chosen], np.where(complete, merit, np.nan)[chosen]
    expected = expected_values(frame, merit, epochs=results.epochs if results.identity else None)
    return Trials(frame, merit, expected, SMALLEST_EFFECT if results.identity else 0.0)


def setting_test(name: str, domain: Domain, trials: Trials) -> SettingTest | None:
    """A setting's test, by the outer thirds of a range or by the best and the worst choice.

    Args:
        name: A column of `trials.frame`.
        domain: What it was drawn from. A range with fewer than six different values is tested as choices.
        trials: The trials; those without the setting are left out.

    Returns:
        None where fewer than ten trials have the setting, none of them is complete, or there is nothing to compare.
    """
    column = trials.frame[name]
    given = column.notna().to_numpy()
    if given.sum() < FEWEST_TRIALS or not np.isfinite(trials.merit[given]).any():
        return None
    column, merit, expected = column[given], trials.merit[given], trials.expected[given]
    if isinstance(domain, Choices):
        return _test_of_choices(column, domain.values, merit, expected)
    numbers = pd.to_numeric(column).to_numpy(dtype=float)
    low, high = _thirds(numbers)
    if len(np.unique(numbers)) < _FEWEST_LEVELS or low >= high:
        return _test_of_choices(column, np.unique(numbers).tolist(), merit, expected)
    if np.ptp(expected) == 0:
        return None
    correlation = stats.spearmanr(numbers, expected)
    masks = {f"up to {value(low)}": numbers <= low, f"of {value(high)} or more": numbers >= high}
    worse, better = masks if correlation.statistic > 0 else reversed(masks)
    groups = [_group(words, masks[words], merit) for words in (better, worse)]
    compared = expected[masks[better]], expected[masks[worse]]
    return SettingTest(
        float(correlation.pvalue), groups[0], groups[1], compared, len(numbers), n_pairs=1, of_choices=False
    )


def _test_of_choices(
    column: pd.Series, choices: Sequence[Scalar], merit: Floats, expected: Floats
) -> SettingTest | None:
    told = [(choice, (column == choice).to_numpy(dtype=bool)) for choice in choices]
    told = [(choice, mask) for choice, mask in told if mask.sum() >= FEWEST_IN_GROUP]
    compared = [expected[mask] for _, mask in told]
    if len(told) < 2 or np.ptp(np.concatenate(compared)) == 0:
        return None
    ranks = stats.rankdata(np.concatenate(compared))
    parts = np.split(ranks, np.cumsum([len(part) for part in compared])[:-1])
    order = np.argsort([part.mean() for part in parts], kind="stable")
    better, worse = (_group(value(told[place][0]), told[place][1], merit) for place in (order[-1], order[0]))
    extremes = compared[order[-1]], compared[order[0]]
    p, n_pairs = float(stats.kruskal(*compared).pvalue), math.comb(len(told), 2)
    return SettingTest(p, better, worse, extremes, len(ranks), n_pairs, of_choices=True)


def _thirds(numbers: Floats) -> tuple[float, float]:
    """The last value of the lowest third and the first of the highest, by rank."""
    ordered, size = np.sort(numbers), math.ceil(len(numbers) / 3)
    return float(ordered[size - 1]), float(ordered[-size])


def _group(words: str, mask: Mask, merit: Floats) -> Group:
    values = merit[mask]
    return Group(words, values[np.isfinite(values)], int(np.isnan(values).sum()))
