"""What the tests of the search share: running a study, and reading what came of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest
import torch

from hpstudy.executors.data import data_on
from hpstudy.executors.local import LocalExecutor
from hpstudy.executors.protocol import Executor
from hpstudy.results.load import load_results
from hpstudy.results.study import StudyResults
from hpstudy.search.place import Place
from hpstudy.search.plan import StagePlan
from hpstudy.search.session import confirm_study, run_study
from hpstudy.spec.study import StudySpec

CPU = torch.device("cpu")


@dataclass
class Notes:
    """An observer that keeps what it hears, and can do something after an epoch."""

    after_epoch: Callable[[int], None] = lambda _n: None
    plans: list[StagePlan] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    n_epochs: int = 0
    n_ended: int = 0
    n_stopping: int = 0
    lost_causes: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def opened(self, plan):
        self.plans.append(plan)

    def started(self, job):
        self.labels.append(job.label)

    def epoch_ended(self, key, result, answer):
        self.n_epochs += 1
        self.after_epoch(self.n_epochs)

    def ended(self, key, end):
        self.n_ended += 1

    def lost(self, key, cause):
        self.lost_causes.append(cause)

    def stopping(self, signal_number):
        self.n_stopping += 1

    def waiting(self, line):
        self.said.append(line)


@dataclass
class Lab:
    """A storage in a temporary folder, and how to run a study in it; every epoch may have a checkpoint."""

    folder: Path
    open_executor: Callable[..., Executor] = LocalExecutor

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'lab.db'}"

    def run(
        self, spec: StudySpec, *, url: str | None = None, notes: Notes | None = None, deadline: float = math.inf
    ) -> Notes:
        notes = notes or Notes()
        run_study(spec, place=self.place(url), observer=notes, deadline=deadline)
        return notes

    def confirm(self, name: str = "small", *, top: int = 0, seeds: int = 0, notes: Notes | None = None) -> Notes:
        notes = notes or Notes()
        confirm_study(name, top=top, seeds=seeds, place=self.place(), observer=notes)
        return notes

    def place(self, url: str | None = None) -> Place:
        load_data = data_on(CPU, folder=self.folder)
        return Place(
            storage_url=url or self.url,
            artifacts=self.folder / "artifacts",
            load_data=load_data,
            device=CPU,
            open_executor=lambda: self.open_executor(load_data=load_data, device=CPU),
            command="hpstudy run small.yaml",
            checkpoint_seconds=0.0,
        )

    def results(self, name: str = "small", *, url: str | None = None) -> StudyResults:
        return load_results(url or self.url, study=name)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def told(results: StudyResults):
    """Everything of a study that a repetition must give again, as plain rows."""
    trials = _plain(results.trials)
    confirmations = _plain(results.confirmations)
    labels = results.trials.set_index("trial_id")["label"].to_dict() | {
        row.trial_id: f"{row.configuration}, seed {row.seed}" for row in results.confirmations.itertuples()
    }
    epochs = (
        results.epochs.drop(columns=["seconds"])
        .assign(trial_id=results.epochs["trial_id"].map(labels))
        .sort_values(["trial_id", "epoch"])
        .fillna(-1.0)
    )
    return trials, confirmations, epochs.to_dict("records")


def _plain(trials: pd.DataFrame):
    times = ["trial_id", "run_id", "seconds", "started_at", "ended_at"]
    return trials.drop(columns=times).astype(object).fillna("–").to_dict("records")
