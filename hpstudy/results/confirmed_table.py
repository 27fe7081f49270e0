"""The confirmed comparison in words and numbers: the terminal, the dashboard's note and reports print the same."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from hpstudy.numbers import listed, percent, percent_range, points, points_range
from hpstudy.results.confirmed import FEWEST_PAIRS, ConfirmedConfiguration, configuration_name, confirmed, full_name
from hpstudy.results.study import StudyResults, training_images

COLUMNS = ("configuration", "seeds", "test accuracy", "95 % interval", "difference", "its interval", "verdict")
"""What stands in the fields of `ConfirmedRow`, in their order."""


@dataclass(frozen=True)
class ConfirmedRow:
    """One confirmed configuration; an en dash stands for a number that is not there.

    Attributes:
        configuration: `trial 12`, or a baseline's name; with what else has its configuration.
        seeds: Those that gave a result, and how many did not: `4; 1 diverged`.
        accuracy: Mean test accuracy.
        interval: Of the mean.
        difference: To the candidate.
        difference_interval: Of the difference, at the level that Holm's procedure tested at: zero lies outside of
            it exactly where the verdict is lower or higher; an en dash for too few seeds to tell.
        verdict: What may be said of the difference.
    """

    configuration: str
    seeds: str
    accuracy: str
    interval: str
    difference: str
    difference_interval: str
    verdict: str

    @property
    def cells(self) -> tuple[str, ...]:
        """All of it, in the order of `COLUMNS`."""
        return astuple(self)


def caption(results: StudyResults) -> str:
    """What the numbers of the table are."""
    return (
        f"Means over fresh seeds, trained on {training_images(results)}. Differences are to the candidate, paired by "
        f"seed; their intervals are adjusted for the number of comparisons (Holm).{former(results)}"
    )


def former(results: StudyResults) -> str:
    """A sentence, with a space before it, of the candidates that there were before; empty where there were none."""
    if not results.former_candidates:
        return ""
    names = listed([configuration_name(results, label) for label in results.former_candidates])
    return f" Before the search went on, {names} had been the candidate."


def confirmed_rows(results: StudyResults) -> list[ConfirmedRow]:
    """The confirmed configurations, the candidate first; none before a confirmation has begun."""
    found = confirmed(results)
    return [_row(results, one) for one in found.configurations] if found else []


def _row(results: StudyResults, one: ConfirmedConfiguration) -> ConfirmedRow:
    difference, between = "–", "–"
    if one.difference:
        difference = points(one.difference.test.mean)
        if one.difference.adjusted_interval and one.difference.test.n >= FEWEST_PAIRS:
            between = points_range(*one.difference.adjusted_interval)
    return ConfirmedRow(
        configuration=full_name(results, one.label),
        seeds=_seeds(one),
        accuracy=percent(one.mean),
        interval=percent_range(*one.interval) if one.interval else "–",
        difference=difference,
        difference_interval=between,
        verdict="candidate" if one.label == results.candidate else _verdict(one),
    )


def _seeds(one: ConfirmedConfiguration) -> str:
    lost = [f"{count} {why}" for why, count in one.losses.items()]
    return "; ".join([str(one.n_complete), *lost])


def _verdict(one: ConfirmedConfiguration) -> str:
    if one.difference is None:
        return "no seed to compare"
    if one.difference.test.n < FEWEST_PAIRS:
        return "too few seeds to tell"
    if not one.difference.distinguishable:
        return "not distinguishable"
    return "higher" if one.difference.test.mean > 0 else "lower"
