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
from numpy.typing import NDArray
from scipy import stats

from hpstudy.report.claims.setting_tests import Group, SettingTest, Trials, setting_test, trials_with_result
from hpstudy.report.claims.shift import Shift, hodges_lehmann, is_stable
from hpstudy.results.inference import holm
from hpstudy.results.study import StudyResults

ASSOCIATION_LEVEL = 0.025
"""The adjusted p up to which a claim is made. A sampler that learns tries values again that began well and leaves those
that began badly as they stand, so that tests may find differences too often. Of simulated studies without any, up to
4.4 % claim something at 0.05, kind by kind, and up to 2.8 % at 0.025 (180 studies a kind, 60 at each of three noises,
tests/report/claims/test_simulation.py; all kinds at the largest noise 4.4 % and 2.4 %; with Optuna's TPE itself, 300
studies, 3.3 % and 2.0 %)."""

INTERVAL = 0.05
"""The chance of an interval to miss the shift."""

_POWER = 0.8
"""The chance to find a difference of the size that is called detectable."""

_EFFICIENCY = 3 / math.pi
"""Of rank tests against t-tests where values are normal (Hodges & Lehmann, Ann. Math. Statist. 27, 1956)."""

_TO_DEVIATION = 1.4826
"""A normal sample's standard deviation over its median absolute deviation."""

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


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
        detectable: The difference between two of its groups that three or four of five such studies would have found:
            three where most trials are stopped early. They count like the others, since the test ranks them by what
            they were on the way to, but the ones that go on are chosen to be alike.
        of_choices: Whether choices were compared; otherwise a steady rise or fall over the range was looked for, which
            a best value in its middle is not.
    """

    setting: str
    n: int
    detectable: float
    of_choices: bool


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


def associations(results: StudyResults) -> Associations:
    """Tests each searched setting among the trials that ended complete or were stopped early.

    A setting that exists for some trials only is tested among those. Ranges are tested with Spearman's correlation and
    told by the outer thirds of their trials; choices with Kruskal and Wallis' test, told by the best and the worst
    choice. A claim needs an adjusted p of at most 0.025, a sign that stays without any one trial, and one of two: a
    shift among the complete trials whose interval leaves out nothing, of at least half a point (where values are
    accuracies); or, where complete trials are too few to tell and do not point the other way, the same among what the
    trials were on the way to.
    """
    trials = trials_with_result(results)
    names = [name for name in results.domains if name in trials.frame]
    tests = {name: setting_test(name, results.domains[name], trials) for name in names}
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


def _claim(setting: str, test: SettingTest, adjusted_p: float, trials: Trials) -> Association | None:
    """The claim that a test allows, or None."""
    better, worse = test.better, test.worse
    if not adjusted_p <= ASSOCIATION_LEVEL or not is_stable(*test.expected):
        return None
    level = INTERVAL / test.n_pairs
    shift = hodges_lehmann(better.values, worse.values, level=level)
    if _matters(shift, trials) and is_stable(better.values, worse.values):
        return Association(setting, better, worse, shift, adjusted_p)
    contradicted = shift is not None and shift.middle < 0
    if contradicted or not worse.n_stopped or not _matters(hodges_lehmann(*test.expected, level=level), trials):
        return None
    return Association(setting, better, worse, None, adjusted_p)


def _matters(shift: Shift | None, trials: Trials) -> bool:
    """Whether it leaves out nothing and is large enough for a sentence."""
    return shift is not None and shift.low > 0 and shift.middle >= trials.smallest_effect


def _weight(claim: Association) -> tuple[float, float]:
    return -claim.shift.middle if claim.shift else 0.0, claim.adjusted_p


def _nothing(tests: Mapping[str, SettingTest], trials: Trials, n_settings: int) -> tuple[NoDifference, ...]:
    if not tests:
        return ()
    deviation = _deviation(_with_expectation(trials))
    sizes = {name: _detectable(test, deviation=deviation, n_settings=n_settings) for name, test in tests.items()}
    return tuple(
        NoDifference(name, test.n, max(sizes[name], trials.smallest_effect), test.of_choices)
        for name, test in tests.items()
    )


def _detectable(test: SettingTest, *, deviation: float, n_settings: int) -> float:
    """The difference that a Mann–Whitney test at the level of Holm's first step finds four times of five."""
    n_better, n_worse = map(len, test.expected)
    level = ASSOCIATION_LEVEL / (n_settings * test.n_pairs)
    reach = float(stats.norm.ppf(1 - level / 2) + stats.norm.ppf(_POWER))
    return reach * deviation * math.sqrt((1 / n_better + 1 / n_worse) / _EFFICIENCY)


def _with_expectation(trials: Trials) -> Floats:
    """Expected merits without the value that stands for `below all others` alone: of trials that diverged."""
    only_below: Mask = np.isnan(trials.merit) & (trials.expected == trials.expected.min())
    return trials.expected[~only_below]


def _deviation(values: Floats) -> float:
    """Trial-to-trial standard deviation that a few failed trainings do not blow up."""
    robust = _TO_DEVIATION * float(np.median(np.abs(values - np.median(values))))
    return robust or float(np.std(values))
