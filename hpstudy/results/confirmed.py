"""What the confirmation found: each configuration on the test set, and its difference to the candidate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from hpstudy.numbers import percent, percent_range, plural, value
from hpstudy.results.changes import Change, single_changes
from hpstudy.results.equal import shared_name
from hpstudy.results.inference import LEVEL, PairedTest, holm, holm_levels, mean_interval, paired_test
from hpstudy.results.study import StudyResults, diverged

FEWEST_PAIRS = 3
"""Pairs below which nothing is claimed: two differences show hardly anything of their spread."""


@dataclass(frozen=True)
class Difference:
    """Test accuracy of one configuration less that of another, over the seeds that both completed.

    Attributes:
        test: The paired t-test.
        interval: Its 95 % interval, taken by itself; None where there is no spread to make one of.
        adjusted_p: Holm's p over all that the study compares; NaN where `test.p` is, and for fewer than three pairs.
        adjusted_interval: The interval at the level that Holm's procedure tested at, never narrower than `interval`.
        distinguishable: Whether a difference may be claimed: at least three pairs, and an adjusted p of at most
            0.05, which is the same as zero lying outside `adjusted_interval`. Zero may lie inside it, and outside
            `interval`: such a pair is not distinguishable.
    """

    test: PairedTest
    interval: tuple[float, float] | None
    adjusted_p: float
    adjusted_interval: tuple[float, float] | None
    distinguishable: bool


@dataclass(frozen=True)
class ConfirmedConfiguration:
    """One configuration, trained on the whole training set with fresh seeds and tried on the test set.

    Attributes:
        label: As in `StudyResults.trials`.
        accuracies: Test accuracy by seed, of those that completed.
        n_diverged: Seeds that ended because the loss was not finite. They are in no mean, so they must be said.
        n_failed: Seeds that ended otherwise without a result.
        n_unfinished: Seeds that run, wait or were interrupted.
        mean: Of the accuracies; NaN without any.
        interval: 95 % t-interval of the mean; None for fewer than two accuracies.
        difference: To the candidate, as this one's accuracy less the candidate's; None for the candidate itself and
            where no seed is complete for both.
    """

    label: str
    accuracies: Mapping[int, float]
    n_diverged: int
    n_failed: int
    n_unfinished: int
    mean: float
    interval: tuple[float, float] | None
    difference: Difference | None = None

    @property
    def n_complete(self) -> int:
        """Seeds that gave an accuracy."""
        return len(self.accuracies)

    @property
    def n_seeds(self) -> int:
        """Seeds that were begun."""
        return self.n_complete + self.n_diverged + self.n_failed + self.n_unfinished

    @property
    def losses(self) -> dict[str, int]:
        """How many seeds gave no result, by why: `diverged`, `failed`, `unfinished`; only where some did."""
        counts = {"diverged": self.n_diverged, "failed": self.n_failed, "unfinished": self.n_unfinished}
        return {why: count for why, count in counts.items() if count}


@dataclass(frozen=True)
class Confirmed:
    """The confirmation of a study.

    Attributes:
        configurations: The candidate first, then the others as they were confirmed. An order of merit it is not: the
            candidate was fixed before the test set was opened, and a better mean elsewhere does not replace it.
        changes: The pairs that differ in one setting alone, each with its difference, after less before; None where
            no seed is complete for both.
        n_compared: Different pairs among all these, which are one family: a claim on any is adjusted for all.
    """

    configurations: tuple[ConfirmedConfiguration, ...]
    changes: tuple[tuple[Change, Difference | None], ...]
    n_compared: int

    @property
    def candidate(self) -> ConfirmedConfiguration:
        """The study's answer."""
        return self.configurations[0]

    @property
    def others(self) -> tuple[ConfirmedConfiguration, ...]:
        """What the candidate is compared with."""
        return self.configurations[1:]


def confirmed(results: StudyResults) -> Confirmed | None:
    """The confirmation of a study; None where none has begun.

    Differences are adjusted for all comparisons with the candidate and all single changes, those included that cannot
    be tested.
    """
    if results.candidate is None or results.confirmations.empty:
        return None
    by_label = {str(label): rows for label, rows in results.confirmations.groupby("configuration", sort=False)}
    empty = results.confirmations.iloc[:0]
    candidate = _configuration(results.candidate, by_label.pop(results.candidate, empty))
    others = {label: _configuration(label, rows) for label, rows in by_label.items()}
    everything = {candidate.label: candidate} | others
    changes = single_changes(results, list(everything))
    pairs = [(other, candidate) for other in others.values()]
    pairs += [(everything[change.after], everything[change.before]) for change in changes]
    found = compare(pairs)
    compared = (replace(other, difference=by) for other, by in zip(others.values(), found[: len(others)], strict=True))
    changed = tuple(zip(changes, found[len(others) :], strict=True))
    return Confirmed((candidate, *compared), changed, n_compared=len(set(map(_unordered, pairs))))


_Pair = tuple[ConfirmedConfiguration, ConfirmedConfiguration]


def compare(pairs: Sequence[_Pair]) -> list[Difference | None]:
    """The difference of each pair, first less second, adjusted for all of them as one family.

    A pair that comes twice, also the other way round, counts once.

    Returns:
        In the order of the pairs; None where no seed is complete for both.
    """
    tests = [_paired(*pair) for pair in pairs]
    by_pair = {_unordered(pair): _claimable_p(test) for pair, test in zip(pairs, tests, strict=True)}
    p_values = list(by_pair.values())
    adjusted = dict(zip(by_pair, zip(holm(p_values), holm_levels(p_values), strict=True), strict=True))
    return [
        None if test is None else _difference(test, *adjusted[_unordered(pair)])
        for pair, test in zip(pairs, tests, strict=True)
    ]


def headline(results: StudyResults) -> str:
    """The study's answer in a line: a confirmed number, or that there is none.

    A study that plain Optuna made has no test set and no accuracy: its best value is said as it stands.
    """
    if not results.identity:
        return _best_value(results)
    found = confirmed(results)
    if found is None:
        return _not_confirmed(results)
    candidate, name = found.candidate, full_name(results, found.candidate.label)
    if candidate.n_complete == 0:
        of_seeds = f"of {plural(candidate.n_seeds, 'seed')} of {name}"
        return f"Not confirmed: {of_seeds} none has given a result{lost(candidate)}."
    sure = (
        f" (95 % interval {percent_range(*candidate.interval)})" if candidate.interval else ", too few for an interval"
    )
    mean = f"{percent(candidate.mean)} test accuracy" + (" on average" if candidate.n_complete > 1 else "")
    seeds = plural(candidate.n_complete, "fresh seed")
    line = f"{_capital(name)}: {mean} over {seeds}{sure}{lost(candidate)}."
    leader = results.ranked["label"].iloc[0] if len(results.ranked) else candidate.label
    if leader not in results.equal.get(candidate.label, (candidate.label,)):
        line += f" The search has gone on: its best is now trial {leader}, which is not confirmed as the answer."
    return line


def configuration_name(results: StudyResults, label: str) -> str:
    """A label of `results.trials` as a sentence names it: `trial 12`, or a baseline's own name."""
    return label if label in set(results.baselines["label"]) else f"trial {label}"


def full_name(results: StudyResults, label: str) -> str:
    """The same with what else has this configuration: `trial 43 (= model 2)`."""
    return shared_name(label, equal=results.equal, baselines=set(results.baselines["label"]))


def _configuration(label: str, rows: pd.DataFrame) -> ConfirmedConfiguration:
    """Counts and averages; of a seed that was trained twice the complete training counts, else the last."""
    complete_last = rows.assign(complete=rows["state"] == "complete").sort_values(["complete", "number"], kind="stable")
    ended = complete_last.drop_duplicates("seed", keep="last").sort_values("seed")
    complete = ended[ended["complete"]]
    accuracies = dict(zip(complete["seed"].astype(int), complete["test_accuracy"].astype(float), strict=True))
    wild = (ended["state"] == "pruned") & diverged(ended)
    failed = ended["state"].isin(["failed", "pruned"]) & ~wild
    return ConfirmedConfiguration(
        label=label,
        accuracies=accuracies,
        n_diverged=int(wild.sum()),
        n_failed=int(failed.sum()),
        n_unfinished=len(ended) - len(accuracies) - int(wild.sum()) - int(failed.sum()),
        mean=float(np.mean(list(accuracies.values()))) if accuracies else math.nan,
        interval=mean_interval(list(accuracies.values())),
    )


def _paired(one: ConfirmedConfiguration, other: ConfirmedConfiguration) -> PairedTest | None:
    common = sorted(one.accuracies.keys() & other.accuracies.keys())
    return paired_test([one.accuracies[seed] - other.accuracies[seed] for seed in common]) if common else None


def _claimable_p(test: PairedTest | None) -> float:
    return test.p if test and test.n >= FEWEST_PAIRS else math.nan


def _difference(test: PairedTest, p: float, level: float) -> Difference:
    claimed = not math.isnan(p) and p <= LEVEL
    return Difference(test, test.interval(), p, test.interval(level=level), distinguishable=claimed)


def _unordered(pair: _Pair) -> frozenset[str]:
    return frozenset(one.label for one in pair)


def _not_confirmed(results: StudyResults) -> str:
    ranked = results.ranked
    if ranked.empty:
        return f"Not confirmed: of {plural(len(results.search), 'trial')} none is complete."
    best = ranked.iloc[0]
    return (
        f"Not confirmed: trial {best['label']} has the best validation accuracy, {percent(float(best['value']))}, of "
        f"{plural(len(results.search), 'trial')} ({len(ranked):,} complete); the best of many is a lucky one."
    )


def _best_value(results: StudyResults) -> str:
    ranked = results.ranked
    if ranked.empty:
        return f"Of {plural(len(results.search), 'trial')} none is complete."
    best, which = ranked.iloc[0], "largest" if results.maximize else "smallest"
    return (
        f"Trial {best['label']} has the {which} {results.objective}, {value(float(best['value']))}, of "
        f"{plural(len(results.search), 'trial')} ({len(ranked):,} complete)."
    )


def lost(configuration: ConfirmedConfiguration) -> str:
    """`; 1 of 5 diverged`, or nothing where every seed gave a result."""
    said = [f"{count} of {configuration.n_seeds} {what}" for what, count in configuration.losses.items()]
    return f"; {', '.join(said)}" if said else ""


def _capital(text: str) -> str:
    """A sentence's beginning; a user's own name stays as it is."""
    return f"T{text[1:]}" if text.startswith("trial ") else text
