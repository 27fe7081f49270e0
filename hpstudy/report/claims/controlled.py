"""Sentences from the confirmation: the same seeds for every configuration, differences adjusted for their number."""

from __future__ import annotations

from hpstudy.numbers import (
    listed,
    p_value,
    percent,
    percent_range,
    plural,
    points,
    points_range,
    quoted,
    setting_words,
    values,
)
from hpstudy.report.claims.finding import Finding
from hpstudy.results.changes import Change
from hpstudy.results.confirmed import (
    FEWEST_PAIRS,
    Confirmed,
    ConfirmedConfiguration,
    Difference,
    configuration_name,
    lost,
)
from hpstudy.results.study import StudyResults, training_images

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
            f"{begun}; none of its {plural(candidate.n_seeds, 'fresh seed')} has given a result{lost(candidate)}.",
            _FIGURE,
            "note",
        )
    interval = f"95 % interval {percent_range(*candidate.interval)}; " if candidate.interval else ""
    tested = (
        f"{percent(candidate.mean)} on the test set ({interval}{plural(candidate.n_complete, 'seed')}{lost(candidate)})"
    )
    text = f"{begun}; trained afresh on {training_images(results)} it gave {tested}."
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
            Finding(f"On the same seeds {name} scored higher {listed(below)} ({adjusted}).", _FIGURE, "controlled")
        )
    if above:
        text = (
            f"On the same seeds {name} scored lower {listed(above)} ({adjusted}). It stays the study's answer: it "
            "was fixed before the test set was opened, and to choose by the test set would flatter the choice."
        )
        said.append(Finding(text, _FIGURE, "controlled"))
    if equal:
        text = f"Not distinguishable from {name} on the test set: {listed(equal)}."
        said.append(Finding(text, _FIGURE, "nothing"))
    return said


def effects(results: StudyResults, found: Confirmed) -> list[Finding]:
    """The effect of one changed setting; claims come first, then what was not distinguishable."""
    told = [(change, by) for change, by in found.changes if by and by.test.n >= FEWEST_PAIRS]
    return [_change(results, *one) for one in sorted(told, key=lambda one: not one[1].distinguishable)]


def _named(results: StudyResults, label: str) -> str:
    """A name as it can stand among others: quoted where it has a comma of its own."""
    name = configuration_name(results, label)
    return quoted(name) if "," in name else name


def _against(results: StudyResults, other: ConfirmedConfiguration, by: Difference) -> str:
    """`than model 1 by 12.30 points (11.90 to 12.70; 5 seeds)`: the candidate's distance, without a sign."""
    size, bounds = abs(by.test.mean), sorted(abs(end) for end in by.interval or ())
    interval = f"{points_range(*bounds).removesuffix(' points')}; ".replace("+", "") if bounds else ""
    return (
        f"than {_named(results, other.label)} by {points(size).removeprefix('+')} "
        f"({interval}{plural(by.test.n, 'seed')})"
    )


def _beside(results: StudyResults, other: ConfirmedConfiguration, by: Difference) -> str:
    """`trial 11 (−0.10 points, 95 % interval −0.40 to +0.20 points, 5 seeds)`: as its own accuracy stands to it."""
    name = _named(results, other.label)
    if by.test.n < FEWEST_PAIRS:
        return f"{name} ({points(by.test.mean)}, and {plural(by.test.n, 'seed')} too few to tell)"
    return f"{name} ({points(by.test.mean)}, {_interval_of_all(by)}{plural(by.test.n, 'seed')})"


def _interval_of_all(by: Difference) -> str:
    """The interval that the verdict rests on: one taken by itself may leave out zero where nothing can be told."""
    between = by.adjusted_interval
    return f"interval for all comparisons {points_range(*between)}, " if between else ""


def _change(results: StudyResults, change: Change, by: Difference) -> Finding:
    names = f"{_named(results, change.before)} to {_named(results, change.after)}"
    from_to = "from {} to {}".format(*values(change.values))
    seeds = f"{plural(by.test.n, 'seed')}, adjusted {p_value(by.adjusted_p)}"
    begun = f"Changing only {setting_words(change.setting)} {from_to} ({names})"
    if by.distinguishable:
        verb = "raised" if by.test.mean > 0 else "lowered"
        interval = f"95 % interval {points_range(*by.interval)}, " if by.interval else ""
        sure = f"{points(by.test.mean)} ({interval}{seeds})"
        return Finding(f"{begun} {verb} the test accuracy: {sure}.", _FIGURE, "controlled")
    sure = f"{points(by.test.mean)} ({_interval_of_all(by)}{seeds})"
    return Finding(f"{begun} made no distinguishable difference: {sure}.", _FIGURE, "nothing")
