"""What the confirmed answers of several studies on the same data say against each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from hpstudy.numbers import listed, percent, plural, points, points_range
from hpstudy.report.sections.fairness import data_headings, data_of
from hpstudy.results.confirmed import FEWEST_PAIRS, ConfirmedConfiguration, confirmed
from hpstudy.results.inference import LEVEL, deviation_of, holm, holm_levels
from hpstudy.results.study import StudyResults

CANNOT_SAY = (
    "Intervals cover other seeds, not other test images: each study read the one test set.",
    "A study stands for its architecture with the settings that its own budget found, not for the best it could reach.",
)


@dataclass(frozen=True)
class Across:
    """What is found across studies, a sentence each, and what is not."""

    said: tuple[str, ...]
    cannot_say: tuple[str, ...]


@dataclass(frozen=True)
class _Answer:
    study: str
    found: ConfirmedConfiguration


@dataclass(frozen=True)
class _Test:
    """Welch's test of two answers: first less second; p is NaN where no seeds differ."""

    one: _Answer
    other: _Answer
    difference: float
    error: float
    freedom: float
    p: float

    def interval(self, *, level: float) -> tuple[float, float] | None:
        """The 1 − `level` interval of the difference; None where no seeds differ."""
        if self.error == 0:
            return None
        half = float(stats.t.ppf(1 - level / 2, self.freedom)) * self.error
        return self.difference - half, self.difference + half


def across(studies: Sequence[StudyResults]) -> Across:
    """Compares the candidates of the studies of each data set, in pairs, by Welch's t-test.

    Seeds do not pair between studies: another architecture draws other weights from them. A study takes part with at
    least three seeds that completed. All pairs of a data set are one family (Holm), since the one with the highest
    mean is named first only after looking.
    """
    by_data: dict[str, list[_Answer]] = {}
    left_out = []
    for study in studies:
        found = confirmed(study)
        if found is None or found.candidate.n_complete < FEWEST_PAIRS:
            left_out.append(study.name)
        else:
            by_data.setdefault(data_of(study), []).append(_Answer(study.name, found.candidate))
    headings = data_headings(studies)
    several = [(headings[data], answers) for data, answers in by_data.items() if len(answers) > 1]
    said = [sentence for heading, answers in several for sentence in _compared(heading, answers)]
    if not said:
        said = ["No two studies of the same data are both confirmed with at least three seeds: nothing is compared."]
    cannot = list(CANNOT_SAY)
    if left_out:
        verb = "has" if len(left_out) == 1 else "have"
        cannot.insert(0, f"{listed(left_out)} {verb} no answer that is confirmed with at least three seeds.")
    return Across(tuple(said), tuple(cannot))


def _compared(data: str, answers: Sequence[_Answer]) -> list[str]:
    """The answer with the highest mean against each other one, adjusted for all pairs."""
    ordered = sorted(answers, key=lambda answer: -answer.found.mean)
    tests = [_welch(one, other) for one, other in combinations(ordered, 2)]
    values = [test.p for test in tests]
    first = ordered[0]
    means = f"{first.study} reached the highest mean test accuracy on {data}, {percent(first.found.mean)}"
    sentences = [f"{means} over {plural(first.found.n_complete, 'seed')}, of {len(ordered)} confirmed studies."]
    for test, p, level in zip(tests, holm(values), holm_levels(values), strict=True):
        if test.one is first:
            sentences.append(_sentence(test, claimed=not math.isnan(p) and p <= LEVEL, level=level))
    return sentences


def _sentence(test: _Test, *, claimed: bool, level: float) -> str:
    # One taken by itself may leave out zero where, among several comparisons, nothing can be told.
    interval = test.interval(level=LEVEL if claimed else level)
    kind = "95 % interval" if claimed else "interval for all comparisons"
    how = f"{kind} {points_range(*interval)}" if interval else "no interval: the seeds are all alike"
    how += f", {test.one.found.n_complete} and {plural(test.other.found.n_complete, 'seed')}, not paired"
    difference = points(abs(test.difference)).lstrip("+")
    other = f"{test.other.study} ({percent(test.other.found.mean)})"
    if claimed:
        return f"{test.one.study} is above {other} by {difference} ({how})."
    return f"{test.one.study} and {other} are not distinguishable: they differ by {difference} ({how})."


def _welch(one: _Answer, other: _Answer) -> _Test:
    """Welch (Biometrika 34, 1947); not by scipy, which warns where the seeds of one study are all alike."""
    sizes = np.array([answer.found.n_complete for answer in (one, other)])
    variances = np.array([deviation_of(list(answer.found.accuracies.values())) for answer in (one, other)]) ** 2
    difference, error = one.found.mean - other.found.mean, math.sqrt((variances / sizes).sum())
    if error == 0:
        return _Test(one, other, difference, error, math.nan, math.nan)
    freedom = error**4 / ((variances / sizes) ** 2 / (sizes - 1)).sum()
    return _Test(one, other, difference, error, freedom, float(2 * stats.t.sf(abs(difference) / error, freedom)))
