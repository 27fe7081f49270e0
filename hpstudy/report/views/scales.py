"""The axes of objective values and of settings, and numbers as a figure's words have them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpstudy.numbers import percent, setting_words
from hpstudy.numbers import value as number_words
from hpstudy.report.drawing.chart import Axis, Numbers, Symbol, numbers
from hpstudy.report.drawing.labels import shown
from hpstudy.results.study import StudyResults
from hpstudy.spec.study import Choices, Domain, Range

FENCE = 3.0
"""Values further than so many interquartile ranges beyond the worse quartile are drawn at an axis's end: one trial
that did not learn would press all others into a line."""

MOST_POINTS = 2000
"""Of a scatter plot: more hide each other and make the file large."""


def has_accuracy(results: StudyResults) -> bool:
    """Whether the objective is an accuracy; plain Optuna's may be anything."""
    return bool(results.identity)


def objective(results: StudyResults, values: object) -> Numbers:
    """Objective values in the unit of the axis: per cent for an accuracy, else as they are; infinite ones are NaN."""
    raw = numbers(values)
    return np.where(np.isfinite(raw), raw, np.nan) * (100 if has_accuracy(results) else 1)


def objective_title(results: StudyResults) -> str:
    """The title of an axis of objective values."""
    return "validation accuracy (%)" if has_accuracy(results) else shown(results.objective, limit=40)


def objective_words(results: StudyResults, value: float) -> str:
    """An objective value in words, as printed elsewhere: `91.04 %`."""
    return percent(value) if has_accuracy(results) else number_words(value)


def axis_words(results: StudyResults, value: float) -> str:
    """The same for a value in the unit of the axis."""
    return objective_words(results, value / 100 if has_accuracy(results) else value)


def better(results: StudyResults) -> int:
    """1 where larger values are better, else -1."""
    return 1 if results.maximize else -1


@dataclass(frozen=True, eq=False)
class Clipped:
    """Values on an axis that leaves out what is far worse than the rest.

    Attributes:
        values: In the unit of the axis; the far ones moved to the edge.
        far: Which were moved, bool of the same shape.
        axis: It.
    """

    values: Numbers
    far: NDArray[np.bool_]
    axis: Axis


def clipped(results: StudyResults, values: Numbers, *, title: str = "") -> Clipped:
    """Puts objective values on an axis; at least one of them is a number.

    Args:
        results: Say which direction is the better one.
        values: In the unit of the axis.
        title: The axis's; empty for the objective's.
    """
    known = values[np.isfinite(values)] * better(results)
    worse, upper = np.quantile(known, [0.25, 0.75])
    fence = worse - FENCE * max(upper - worse, 1e-9 + 0.002 * abs(upper))
    low, high = float(known[known >= fence].min()), float(known.max())
    far = np.isfinite(values) & (values * better(results) < low)
    margin = 0.06 * (high - low) or 0.02 * abs(high) or 1.0
    ends = sorted((better(results) * (low - margin), better(results) * (high + margin)))
    at_edge = better(results) * (low - 0.6 * margin)
    axis = Axis(title or objective_title(results), low=ends[0], high=ends[1])
    return Clipped(np.where(far, at_edge, values), far, axis)


def far_symbol(results: StudyResults) -> Symbol:
    """What stands for a value beyond the end of the axis: it points there."""
    return "triangle-down" if better(results) > 0 else "triangle-up"


def far_words(n_far: int) -> str:
    """A sentence on values drawn at the edge; empty for none."""
    if not n_far:
        return ""
    one = n_far == 1
    trials, values, triangles = (
        ("trial", "a far worse value", "a triangle") if one else ("trials", "far worse values", "triangles")
    )
    return f" {n_far:,} {trials} with {values} {'is' if one else 'are'} drawn as {triangles} at the edge."


def sampled(n: int, *, keep: Iterable[int], most: int = MOST_POINTS) -> NDArray[np.int64]:
    """Positions of at most about `most` of `n` rows, evenly spaced; those in `keep` always among them."""
    if n <= most:
        return np.arange(n, dtype=np.int64)
    spaced = np.linspace(0, n - 1, most).round().astype(np.int64)
    return np.unique(np.concatenate([spaced, np.fromiter(keep, np.int64)]))


def setting_axis(name: str, domain: Domain) -> Axis:
    """The axis of a setting: its range with its scale, or its choices at whole positions."""
    title = setting_label(name)
    if isinstance(domain, Range):
        log = domain.log and domain.low > 0
        low, high = _widened(float(domain.low), float(domain.high), log=log)
        return Axis(title, low=low, high=high, log=log)
    ticks = tuple((float(place), shown(choice_text(choice), limit=16)) for place, choice in enumerate(choices(domain)))
    return Axis(title, low=-0.6, high=len(ticks) - 0.4, ticks=ticks, grid=False)


def positions(values: Iterable[object], domain: Domain) -> Numbers:
    """Values of a setting on its axis; NaN where a trial has none, or one that is no choice."""
    if isinstance(domain, Range):
        return numbers([_number(value) for value in values])
    places = {choice_text(choice): float(place) for place, choice in enumerate(choices(domain))}
    return numbers([places.get(choice_text(value), math.nan) for value in values])


def shares(at: Numbers, domain: Domain) -> Numbers:
    """Positions on a setting's axis as shares of its range, 0 at the lower end; choices evenly spaced."""
    if isinstance(domain, Range):
        low, high = float(domain.low), float(domain.high)
        if domain.log and low > 0:
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.asarray((np.log(at) - math.log(low)) / (math.log(high) - math.log(low)))
        return (at - low) / (high - low)
    return at / max(len(choices(domain)) - 1, 1)


def choices(domain: Domain) -> tuple[object, ...]:
    """The choices of a setting."""
    return domain.values if isinstance(domain, Choices) else ()


def choice_text(value: object) -> str:
    """A choice as one word: `32`, `adam`, `true`, `–` for None.

    pandas gives a column of whole numbers with gaps back as floats, so 32.0 is 32.
    """
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, (int, float, np.integer, np.floating)):
        return f"{float(value):.6g}"
    return str(value)


def setting_label(setting: str) -> str:
    """A setting's name in words, cut to the room that a figure has."""
    return shown(setting_words(setting), limit=40)


def capital(sentence: str) -> str:
    """A sentence with a capital at its beginning."""
    return sentence[:1].upper() + sentence[1:]


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float, np.integer, np.floating)) else math.nan


def _widened(low: float, high: float, *, log: bool) -> tuple[float, float]:
    """A range with 4 % of room on both sides, so that points at its ends are whole."""
    if log:
        factor = (high / low) ** 0.04
        return low / factor, high * factor
    room = 0.04 * (high - low)
    return low - room, high + room
