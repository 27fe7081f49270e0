"""Which settings go together with better trials of a search, and how large a difference would have shown.

The settings of a search vary together, so this is no evidence of cause. What guards against chance: one test a setting,
Holm over all searched settings, groups that are fixed before looking (thirds of the trials, or choices), an effect that
matters, and a sign that no single trial carries.

A trial that was stopped early has no final value. To leave it out would mislead: of a setting that begins slowly only
lucky trials reach the end, and among those it looks good. So the tests rank such a trial by what it had at its last
epoch against what the complete ones had there, and what is said of final values, of complete trials alone, is said only
where it points the same way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from hpstudy.numbers import value
from hpstudy.report.expectation import expected_values
from hpstudy.report.shift import Shift, hodges_lehmann, is_stable
from hpstudy.results.inference import holm
from hpstudy.results.study import StudyResults
from hpstudy.spec.study import Choices, Domain

LEVEL = 0.025
"""The adjusted p up to which a claim is made. A sampler that learns tries values again that began well and leaves those
that began badly as they stand, so that tests find differences too often: at 0.05 in up to 7 % of simulated studies
without any (tests/report/test_simulation.py)."""

INTERVAL = 0.05
"""The chance of an interval to miss the shift."""

FEWEST_TRIALS = 10
"""Trials that have a setting and came to a result, below which it is not tested."""

FEWEST_IN_GROUP = 3
"""Trials of a choice, below which it is not compared."""

SMALLEST_EFFECT = 0.005
"""Half a point of accuracy: less is not worth a sentence."""

_FEWEST_LEVELS = 6
"""Different values below which a range's values are compared as choices: thirds of four values are no thirds."""

_POWER = 0.8
"""The chance to find a difference of the size that is called detectable."""

_EFFICIENCY = 3 / math.pi
"""Of rank tests against t-tests where values are normal (Hodges & Lehmann, Ann. Math. Statist. 27, 1956)."""

_TO_DEVIATION = 1.4826
"""A normal sample's standard deviation over its median absolute deviation."""

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
class Association:
    """Trials with some values of a setting did better than trials with others.

    Attributes:
        setting: Its name.
        better: The trials that did better.
        worse: The trials that did worse.
        shift: How far the values of the better group's complete trials lie above those of the worse (below, where small
            values are better), at least half a point for accuracies, with its 95 % interval (for choices adjusted for
            the number of pairs). None where complete trials are too few to tell, and only this is known: the better
            group was ahead at the epochs at which trials are stopped early.
        adjusted_p: Holm's p of the setting's test over all searched settings.
    """

    setting: str
    better: Group
    worse: Group
    shift: Shift | None
    adjusted_p: float


@dataclass(frozen=True)
class NoDifference:
    """A setting for which no difference was found.

    Attributes:
        setting: Its name.
        n: Trials that have it, complete or stopped early.
        detectable: The difference between the complete trials of two of its groups that four of five such studies
            would have found.
    """

    setting: str
    n: int
    detectable: float


@dataclass(frozen=True)
class Associations:
    """What the trials of a search tell of each searched setting.

    Attributes:
        found: Those with a shift first, the largest first; then by adjusted p.
        nothing: Tested without a claim, in the study file's order.
        untested: Settings that too few trials have, or that did not vary among these.
        n_complete: Complete trials with a finite value.
        n_stopped: Trials that were stopped early.
    """

    found: tuple[Association, ...]
    nothing: tuple[NoDifference, ...]
    untested: tuple[str, ...]
    n_complete: int
    n_stopped: int


@dataclass(frozen=True)
class _Trials:
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
class _Test:
    """A setting's test.

    Attributes:
        p: Of the setting.
        better: The group that it is told by, and
        worse: the other one.
        expected: Expected merit of the trials of both.
        n: Trials that have the setting.
        n_pairs: Pairs of groups that these two were chosen from.
    """

    p: float
    better: Group
    worse: Group
    expected: tuple[Floats, Floats]
    n: int
    n_pairs: int


def associations(results: StudyResults) -> Associations:
    """Tests each searched setting among the trials that ended complete or were stopped early.

    A setting that exists for some trials only is tested among those. Ranges are tested with Spearman's correlation and
    told by the outer thirds of their trials; choices with Kruskal and Wallis' test, told by the best and the worst
    choice. A claim needs an adjusted p of at most 0.025, a sign that stays without any one trial, and one of two: a
    shift among the complete trials whose interval leaves out nothing, of at least half a point (where values are
    accuracies); or, where complete trials are too few to tell and do not point the other way, the same among what the
    trials were on the way to.
    """
    trials = _trials(results)
    names = [name for name in results.domains if name in trials.frame]
    tests = {name: _test(name, results.domains[name], trials) for name in names}
    adjusted = dict(zip(names, holm([math.nan if test is None else test.p for test in tests.values()]), strict=True))
    claims = {name: _claim(name, test, adjusted[name], trials) for name, test in tests.items() if test}
    found = sorted((claim for claim in claims.values() if claim), key=_weight)
    return Associations(
        found=tuple(found),
        nothing=_nothing({name: test for name, test in tests.items() if test and not claims[name]}, trials, len(names)),
        untested=tuple(name for name, test in tests.items() if test is None),
        n_complete=int(np.isfinite(trials.merit).sum()),
        n_stopped=int(np.isnan(trials.merit).sum()),
    )


def _trials(results: StudyResults) -> _Trials:
    search = results.search
    sign = 1 if results.maximize else -1
    merit = search["value"].to_numpy(dtype=float) * sign
    complete = (search["state"] == "complete").to_numpy() & np.isfinite(merit)
    chosen = complete | (search["state"] == "pruned").to_numpy()
    frame, merit = search[chosen], np.where(complete, merit, np.nan)[chosen]
    expected = expected_values(frame, merit, epochs=results.epochs if results.identity else None)
    return _Trials(frame, merit, expected, SMALLEST_EFFECT if results.identity else 0.0)


def _test(name: str, domain: Domain, trials: _Trials) -> _Test | None:
    """A setting's test; None where there is nothing to compare."""
    column = trials.frame[name]
    given = column.notna().to_numpy()
    if given.sum() < FEWEST_TRIALS or not np.isfinite(trials.merit[given]).any():
        return None
    column, merit, expected = column[given], trials.merit[given], trials.expected[given]
    if isinstance(domain, Choices):
        return _test_of_choices(column, merit, expected)
    numbers = pd.to_numeric(column).to_numpy(dtype=float)
    low, high = _thirds(numbers)
    if len(np.unique(numbers)) < _FEWEST_LEVELS or low >= high:
        return _test_of_choices(column, merit, expected)
    if np.ptp(expected) == 0:
        return None
    correlation = stats.spearmanr(numbers, expected)
    masks = {f"up to {value(low)}": numbers <= low, f"of {value(high)} or more": numbers >= high}
    worse, better = masks if correlation.statistic > 0 else reversed(masks)
    groups = [_group(words, masks[words], merit) for words in (better, worse)]
    compared = expected[masks[better]], expected[masks[worse]]
    return _Test(float(correlation.pvalue), groups[0], groups[1], compared, len(numbers), n_pairs=1)


def _test_of_choices(column: pd.Series, merit: Floats, expected: Floats) -> _Test | None:
    masks = {value(choice): (column == choice).to_numpy(dtype=bool) for choice in column.unique()}
    masks = {words: mask for words, mask in masks.items() if mask.sum() >= FEWEST_IN_GROUP}
    compared = [expected[mask] for mask in masks.values()]
    if len(masks) < 2 or np.ptp(np.concatenate(compared)) == 0:
        return None
    ranks = stats.rankdata(np.concatenate(compared))
    parts = np.split(ranks, np.cumsum([len(part) for part in compared])[:-1])
    order = np.argsort([part.mean() for part in parts], kind="stable")
    better, worse = (_group(words, masks[words], merit) for words in (list(masks)[order[-1]], list(masks)[order[0]]))
    extremes = compared[order[-1]], compared[order[0]]
    p = float(stats.kruskal(*compared).pvalue)
    return _Test(p, better, worse, extremes, len(ranks), n_pairs=math.comb(len(masks), 2))


def _thirds(numbers: Floats) -> tuple[float, float]:
    """The last value of the lowest third and the first of the highest, by rank."""
    ordered, size = np.sort(numbers), math.ceil(len(numbers) / 3)
    return float(ordered[size - 1]), float(ordered[-size])


def _group(words: str, mask: Mask, merit: Floats) -> Group:
    values = merit[mask]
    return Group(words, values[np.isfinite(values)], int(np.isnan(values).sum()))


def _claim(setting: str, test: _Test, adjusted_p: float, trials: _Trials) -> Association | None:
    """The claim that a test allows, or None."""
    better, worse = test.better, test.worse
    if not adjusted_p <= LEVEL or not is_stable(*test.expected):
        return None
    level = INTERVAL / test.n_pairs
    shift = hodges_lehmann(better.values, worse.values, level=level)
    if _matters(shift, trials) and is_stable(better.values, worse.values):
        return Association(setting, better, worse, shift, adjusted_p)
    contradicted = shift is not None and shift.middle < 0
    if contradicted or not worse.n_stopped or not _matters(hodges_lehmann(*test.expected, level=level), trials):
        return None
    return Association(setting, better, worse, None, adjusted_p)


def _matters(shift: Shift | None, trials: _Trials) -> bool:
    """Whether it leaves out nothing and is large enough for a sentence."""
    return shift is not None and shift.low > 0 and shift.middle >= trials.smallest_effect


def _weight(claim: Association) -> tuple[float, float]:
    return -claim.shift.middle if claim.shift else 0.0, claim.adjusted_p


def _nothing(tests: Mapping[str, _Test], trials: _Trials, n_settings: int) -> tuple[NoDifference, ...]:
    deviation = _deviation(trials.merit[np.isfinite(trials.merit)])
    sizes = {name: _detectable(test, deviation=deviation, n_settings=n_settings) for name, test in tests.items()}
    return tuple(NoDifference(name, test.n, max(sizes[name], trials.smallest_effect)) for name, test in tests.items())


def _detectable(test: _Test, *, deviation: float, n_settings: int) -> float:
    """The difference that a Mann–Whitney test at the level of Holm's first step finds four times of five."""
    n_better, n_worse = len(test.better.values), len(test.worse.values)
    if not n_better or not n_worse:
        return math.inf
    level = LEVEL / (n_settings * test.n_pairs)
    reach = float(stats.norm.ppf(1 - level / 2) + stats.norm.ppf(_POWER))
    return reach * deviation * math.sqrt((1 / n_better + 1 / n_worse) / _EFFICIENCY)


def _deviation(values: Floats) -> float:
    """Trial-to-trial standard deviation that a few failed trainings do not blow up."""
    robust = _TO_DEVIATION * float(np.median(np.abs(values - np.median(values))))
    return robust or float(np.std(values))
