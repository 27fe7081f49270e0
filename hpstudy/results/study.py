"""`StudyResults`: all of a finished or running study as frozen data, and how one of its trials is found."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from hpstudy.errors import InputError
from hpstudy.results.digests import Digests
from hpstudy.results.equal import equal_labels
from hpstudy.results.settings import drawn_alone
from hpstudy.spec.identity import identity_settings
from hpstudy.spec.study import Domain
from hpstudy.spec.wording import did_you_mean
from hpstudy.tables import BASELINES, DIVERGED, FINISHED, OUT_OF_TIME, PART_SEPARATOR, SEARCH

ENDED = ("complete", "pruned", "failed")
"""States of a trial that has ended, well or not."""


@dataclass(frozen=True)
class StudyResults:
    """A study as it stands in the storage.

    Attributes:
        name: The study's name.
        description: The question that it asks.
        state: `running`, `finished`, or `interrupted` (its last run was stopped or killed before its end). A study that
            plain Optuna made is running while Optuna has a trial in that state, which it keeps for ever where the
            process was killed, else finished.
        objective: What `trials.value` is: `validation accuracy`, or for a study that plain Optuna made the name of
            its metric, else `value`.
        maximize: Whether larger values are better; False only for a study that plain Optuna made.
        trials: One row a trial, baselines first, then by number. Columns: `trial_id`, `label` (a number, a
            baseline's name, or `architecture/number` in a fair study), `part` (`search` or `baselines`), `number`,
            `state` (complete, pruned, failed, running, interrupted, waiting), `reason`, `message`, `value` (the
            objective at the last epoch, NaN where there is none), `train_accuracy` (of the last weights, without
            dropout), `n_parameters` (weights of the model, NaN where unknown), `started_at` and `ended_at` (UTC, NaT
            where there is none), `epochs` (trained) of `epochs_planned`, `seconds` (of these epochs; from start to end
            in a study that plain Optuna made), `run_id` (of the last run that trained it, NaN where unknown), and a
            column a setting: what it was trained with, drawn or not; missing where that means nothing (momentum for an
            optimizer without, an option of another architecture). A value of plain Optuna's may be infinite.
        epochs: One row a trial and epoch, as in the table `hpstudy_epochs`, confirmations included; those have
            `val_loss` and `val_accuracy` (here of the test set) after their last epoch alone.
        confirmations: One row a configuration and seed, by `configuration`'s first appearance, then `seed`. Columns:
            `trial_id`, `number`, `configuration` (the label in `trials` of what is confirmed), `seed` (from 1; equal
            numbers are equal seeds, so they pair), `state`, `reason`, `message`, `test_accuracy` (NaN unless
            complete), `train_accuracy`, `started_at`, `ended_at`, `epochs`, `epochs_planned`, `seconds`, `run_id`.
        candidate: Label of the trial that was fixed as the study's answer before the test set was opened; None
            before a confirmation has begun.
        former_candidates: Labels of earlier candidates, where the search went on after a confirmation; oldest first.
        runs: One row a `hpstudy run` or `confirm`, as in the table `hpstudy_runs`, oldest first, with `record` as a
            dictionary, and `end_reason` empty while a run has not ended.
        settings: The setting columns of `trials`.
        domains: What each searched setting was drawn from, in the study file's order.
        identity: What makes the study, in its file's words (data set, epochs, seed, pruner, …); empty for a study
            that plain Optuna made.
        artifacts: Name of the study's folder under the artifacts folder; empty where there is none.
        digests: Whether all that was read is what hpstudy stored.
        repeats: The draws that were not trained, since they repeat a configuration that the search had drawn before:
            the label of each to that of the trial that it repeats. They are no trials, and count nowhere.
    """

    name: str
    description: str
    state: str
    objective: str
    maximize: bool
    trials: pd.DataFrame
    epochs: pd.DataFrame
    confirmations: pd.DataFrame
    candidate: str | None
    former_candidates: tuple[str, ...]
    runs: pd.DataFrame
    settings: tuple[str, ...]
    domains: Mapping[str, Domain]
    identity: Mapping[str, Any]
    artifacts: str
    digests: Digests = field(default_factory=Digests)
    repeats: Mapping[str, str] = field(default_factory=dict)

    @property
    def searched(self) -> tuple[str, ...]:
        """The settings that the study varies."""
        return tuple(self.domains)

    @cached_property
    def search(self) -> pd.DataFrame:
        """The rows of `trials` that were sampled; a setting whose condition did not hold is missing there."""
        sampled = self.trials[self.trials["part"] == SEARCH]
        return drawn_alone(sampled, identity_settings(self.identity)) if self.identity else sampled

    @cached_property
    def equal(self) -> Mapping[str, tuple[str, ...]]:
        """The complete trials and baselines that have one configuration: the label of each to those of all of them."""
        return equal_labels(self.trials, settings=self.settings) if self.identity else {}

    @property
    def ended(self) -> pd.DataFrame:
        """The rows of `search` that have ended, well or not."""
        search = self.search
        return search[search["state"].isin(ENDED)]

    @property
    def baselines(self) -> pd.DataFrame:
        """The rows of `trials` that the study file names."""
        return self.trials[self.trials["part"] == BASELINES]

    @property
    def ranked(self) -> pd.DataFrame:
        """The complete sampled trials, best first; equal values in the order of their numbers."""
        complete = self.search[self.search["state"] == "complete"]
        return complete.sort_values("value", ascending=not self.maximize, kind="stable")


def diverged(trials: pd.DataFrame) -> pd.Series[bool]:
    """Which rows of `StudyResults.trials` or `.confirmations` ended because the loss was not finite."""
    return trials["reason"].str.startswith(DIVERGED)


def out_of_time(trials: pd.DataFrame) -> pd.Series[bool]:
    """Which rows of `StudyResults.trials` were stopped at `max_seconds`."""
    return trials["reason"].str.startswith(OUT_OF_TIME)


def left_nothing(runs: pd.DataFrame) -> bool:
    """Whether a run has left nothing to train, and none has begun since; those beside it may have been stopped."""
    if runs.empty:
        return False
    ended = runs.loc[runs["end_reason"] == FINISHED, "ended_at"]
    return runs["end_reason"].iloc[-1] == FINISHED or any(ended > runs["started_at"].iloc[-1])


def searching_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs that were no `hpstudy confirm`, which searches nothing."""
    return runs[~runs["command"].map(is_confirmation).astype(bool)]


def is_confirmation(command: str) -> bool:
    """Whether a recorded command line is `hpstudy confirm`, which searches nothing."""
    return command.removeprefix("hpstudy ").removeprefix("--debug ").startswith("confirm ")


def training_images(results: StudyResults) -> str:
    """What confirmed configurations were trained on: `the whole training set`, or the study's share of it."""
    dataset = results.identity.get("dataset", {})
    share = dataset.get("share", 1.0)
    return "the whole training set" if share >= 1 else f"the study's {100 * share:g} % of the training set"


def part_of(trial: Mapping[Hashable, Any]) -> str:
    """What a row of `StudyResults.trials` belongs to: `search`, `baselines`, or an architecture of a fair study."""
    if trial["part"] == BASELINES:
        return BASELINES
    return str(trial["label"]).rpartition(PART_SEPARATOR)[0] or SEARCH


def title_of(trial: Mapping[Hashable, Any]) -> str:
    """What a person calls a row of `StudyResults.trials`: `trial 12`, or a baseline's name."""
    return str(trial["label"]) if trial["part"] == BASELINES else f"trial {trial['label']}"


def find_trial(results: StudyResults, trial: str) -> int:
    """The row of a trial in `results.trials`.

    Args:
        results: The study.
        trial: A trial's label (`12`, or `lenet5/12` in a fair study), `best`, or a baseline's name.

    Raises:
        InputError: The study has no such trial, or no trial is complete yet.
    """
    if trial == "best":
        if results.ranked.empty:
            raise InputError(f"{results.name}: no trial is complete yet")
        return int(results.ranked.index[0])
    if trial in results.repeats:
        original = results.repeats[trial]
        raise InputError(f"{results.name}: trial {trial} repeats trial {original} and was not trained; name {original}")
    labels = results.trials["label"]
    found = results.trials.index[labels == trial]
    if found.empty:
        names, numbers = results.baselines["label"], results.search["label"]
        some = [f"{numbers.iloc[0]} to {numbers.iloc[-1]}"] if len(numbers) else []
        known = ", ".join([*some, "best", *names])
        raise InputError(f"{results.name}: no trial {trial!r};{did_you_mean(trial, names)} known: {known}")
    return int(found[0])
