"""Sentences from the confirmation: the same seeds for every configuration, differences adjusted for their number."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import pandas as pd

from hpstudy.numbers import heading, listed, p_value, percent, percent_range, plural, points, points_range, value
from hpstudy.report.finding import Finding
from hpstudy.results.confirmed import (
    FEWEST_PAIRS,
    Confirmed,
    ConfirmedConfiguration,
    Difference,
    compare,
    configuration_name,
)
from hpstudy.results.study import StudyResults

_FIGURE = "comparison"


def answer(results: StudyResults, found: Confirmed) -> Finding:
    """What the search promised and what fresh seeds gave."""
    candidate = found.candidate
    name = configuration_name(results, candidate.label)
    rows = results.trials[results.trials["label"] == candidate.label]
    promised = percent(float(rows["value"].iloc[0])) if len(rows) else "–"
    begun = f"The study's answer, {name}, had {promised} on the validation images"
    if not candidate.n_complete:
        return Finding(
            f"{begun}; none of its {plural(candidate.n_seeds, 'fresh seed')} gave a result.", _FIGURE, "note"
        )
    interval = f"95 % interval {percent_range(*candidate.interval)}; " if candidate.interval else ""
    lost = f"; {candidate.n_diverged} of {candidate.n_seeds} diverged" if candidate.n_diverged else ""
    tested = f"{percent(candidate.mean)} on the test set ({interval}{plural(candidate.n_complete, 'seed')}{lost})"
    text = f"{begun}; trained afresh on the whole training set it gave {tested}."
    return Finding(text, _FIGURE, "controlled")


def comparisons(results: StudyResults, found: Confirmed) -> list[Finding]:
    """What the answer beats, what beats it, and from what it is not distinguishable: a sentence each."""
    name = configuration_name(results, found.candidate.label)
    told = [(other, other.difference) for other in found.others if other.difference]
    below = [_against(results, one, by) for one, by in told if by.distinguishable and by.test.mean < 0]
    above = [_against(results, one, by) for one, by in told if by.distinguishable and by.test.mean > 0]
    equal = [_beside(results, one, by) for one, by in told if not by.distinguishable]
    said = []
    adjusted = "paired differences, 95 % intervals, claims adjusted after Holm"
    if below:
        said.append(
            Finding(f"On the same seeds {name} scored higher than {listed(below)} ({adjusted}).", _FIGURE, "controlled")
        )
    if above:
        text = (
            f"On the same seeds {name} scored lower than {listed(above)} ({adjusted}). It stays the study's answer: it "
            "was fixed before the test set was opened, and to choose by the test set would flatter the choice."
        )
        said.append(Finding(text, _FIGURE, "controlled"))
    if equal:
        text = f"Not distinguishable from {name} on the test set: {listed(equal)}."
        said.append(Finding(text, _FIGURE, "nothing"))
    return said


def single_changes(results: StudyResults, found: Confirmed) -> list[Finding]:
    """The effect of one changed setting: pairs of confirmed configurations that differ in nothing else.

    These pairs are a family of their own for Holm's adjustment; claims come first, then what was not distinguishable.
    """
    pairs = _pairs(results, found)
    differences = compare([(after, before) for before, after, _ in pairs])
    told = [
        (by.distinguishable, _change(results, before, after, setting, by))
        for (before, after, setting), by in zip(pairs, differences, strict=True)
        if by is not None and by.test.n >= FEWEST_PAIRS
    ]
    return [finding for claimed, finding in sorted(told, key=lambda one: not one[0])]


def _against(results: StudyResults, other: ConfirmedConfiguration, by: Difference) -> str:
    """`model 1 by 12.30 points (11.90 to 12.70; 5 seeds)`: the candidate's advantage or disadvantage, without a sign."""
    size, bounds = abs(by.test.mean), sorted(abs(end) for end in by.interval or ())
    interval = f"{points_range(*bounds).removesuffix(' points')}; ".replace("+", "") if bounds else ""
    return (
        f"{configuration_name(results, other.label)} by {points(size).removeprefix('+')} "
        f"({interval}{plural(by.test.n, 'seed')})"
    )


def _beside(results: StudyResults, other: ConfirmedConfiguration, by: Difference) -> str:
    """`trial 11 (−0.10 points, 95 % interval −0.40 to +0.20 points, 5 seeds)`: as its own accuracy stands to it."""
    name = configuration_name(results, other.label)
    if by.test.n < FEWEST_PAIRS:
        return f"{name} ({points(by.test.mean)}, and {plural(by.test.n, 'seed')} too few to tell)"
    interval = f", 95 % interval {points_range(*by.interval)}" if by.interval else ""
    return f"{name} ({points(by.test.mean)}{interval}, {plural(by.test.n, 'seed')})"


def _pairs(results: StudyResults, found: Confirmed) -> list[tuple[ConfirmedConfiguration, ConfirmedConfiguration, str]]:
    """Confirmed configurations in the order of the trials that differ in one setting, and which."""
    rows = results.trials.drop_duplicates("label").set_index("label")
    known = [one for one in found.configurations if one.label in rows.index]
    ordered = sorted(known, key=lambda one: rows.index.get_loc(one.label))
    told = []
    for before, after in combinations(ordered, 2):
        changed = _changed(rows.loc[before.label], rows.loc[after.label], results.settings)
        if len(changed) == 1 and rows["epochs_planned"][before.label] == rows["epochs_planned"][after.label]:
            told.append((before, after, changed[0]))
    return told


def _changed(before: pd.Series, after: pd.Series, settings: Sequence[str]) -> list[str]:
    present = [name for name in settings if name in before.index]
    return [
        name
        for name in present
        if not (before[name] == after[name] or (pd.isna(before[name]) and pd.isna(after[name])))
    ]


def _change(
    results: StudyResults, before: ConfirmedConfiguration, after: ConfirmedConfiguration, setting: str, by: Difference
) -> Finding:
    rows = results.trials.drop_duplicates("label").set_index("label")
    names = f"{configuration_name(results, before.label)} to {configuration_name(results, after.label)}"
    values = f"from {value(rows[setting][before.label])} to {value(rows[setting][after.label])}"
    interval = f"95 % interval {points_range(*by.interval)}, " if by.interval else ""
    sure = f"{interval}{plural(by.test.n, 'seed')}, adjusted {p_value(by.adjusted_p)}"
    if by.distinguishable:
        verb = "raised" if by.test.mean > 0 else "lowered"
        text = f"Changing only {heading(setting)} {values} ({names}) {verb} the test accuracy: {points(by.test.mean)} ({sure})."
        return Finding(text, _FIGURE, "controlled")
    text = f"Changing only {heading(setting)} {values} ({names}) made no distinguishable difference: {points(by.test.mean)} ({sure})."
    return Finding(text, _FIGURE, "nothing")
