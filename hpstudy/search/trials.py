"""The source over one Optuna study: asks for trials, stores their epochs, prunes them and tells their ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from optuna.study import Study
from optuna.trial import Trial, TrialState

from hpstudy.errors import StudyFailedError
from hpstudy.search.storage import Storage
from hpstudy.spec.config import TrialConfig
from hpstudy.training.job import Answer, EpochResult, Failure, Outcome, TrainingJob

MAX_FAILURES_IN_A_ROW = 5

CONFIG = "config"
RUN = "run"
REASON = "reason"
MESSAGE = "message"
TRACEBACK = "traceback"
TRAIN_ACCURACY = "train_accuracy"
"""User attributes of a trial."""


class Asker(Protocol):
    """Decides which trial comes next in a study, and with which configuration."""

    def ask(self) -> Trial | None:
        """A new trial; None if the study has all of its trials."""
        ...

    def configure(self, trial: Trial) -> TrialConfig:
        """The configuration of a trial that has none yet; what it has drawn already stays."""
        ...

    def label(self, trial: Trial) -> str:
        """What a person calls a trial that is configured."""
        ...


@dataclass
class _Running:
    """A trial under way.

    Attributes:
        trial: Optuna's.
        trial_id: Its id in the storage.
        config: What is trained.
        n_known: Epochs that the storage had from an earlier run when this one took the trial up.
        last: The last epoch's result.
        stopped: Why it was told to stop; empty while it goes on.
    """

    trial: Trial
    trial_id: int
    config: TrialConfig
    n_known: int
    last: EpochResult | None = None
    stopped: str = ""


class TrialSource:
    """Jobs that are the trials of one Optuna study.

    Trials that an earlier run left unfinished come first, under their numbers: Optuna's `Trial(study, trial_id)`
    continues one in place. They are trained again from their first epoch, which gives the same curve.
    """

    def __init__(self, study: Study, *, storage: Storage, asker: Asker, study_folder: Path, run_id: int) -> None:
        self._run_id = run_id
        self._study = study
        self._storage = storage
        self._asker = asker
        self._study_folder = study_folder
        self._running: dict[str, _Running] = {}
        self._n_failures_in_a_row = 0
        left = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        self._interrupted = [trial.number for trial in left]

    def next_jobs(self, n: int) -> Sequence[TrainingJob]:
        """At most `n` jobs: interrupted trials, then new ones."""
        jobs: list[TrainingJob] = []
        while len(jobs) < n and (trial := self._next_trial()):
            jobs.append(self._start(trial))
        return jobs

    def epoch_ended(self, key: str, result: EpochResult) -> Answer:
        """Stores the epoch; answers stop where it diverged or the pruner says so."""
        running = self._running[key]
        if result.diverged:
            running.stopped = f"diverged in epoch {result.epoch + 1}: the loss was not finite"
            return "stop"
        running.last = result
        self._store(running, result)
        if self._is_weak(running, result.epoch):
            running.stopped = f"pruned after epoch {result.epoch + 1}"
            return "stop"
        return "go"

    def ended(self, key: str, end: Outcome | Failure) -> None:
        """Tells Optuna the end of a trial.

        Raises:
            StudyFailedError: It is the fifth in a row to fail.
        """
        running = self._running.pop(key)
        if isinstance(end, Failure):
            self._tell_failed(running, end)
            return
        self._n_failures_in_a_row = 0
        if running.stopped or running.last is None:
            running.trial.set_user_attr(REASON, running.stopped)
            self._study.tell(running.trial, state=TrialState.PRUNED)
            return
        running.trial.set_user_attr(TRAIN_ACCURACY, end.train_accuracy)
        self._study.tell(running.trial, running.last.val_accuracy)

    def _next_trial(self) -> Trial | None:
        if self._interrupted:
            return self._continued(self._interrupted.pop(0))
        return self._asker.ask()

    def _continued(self, number: int) -> Trial:
        return Trial(self._study, self._trial_id(number))

    def _trial_id(self, number: int) -> int:
        study_id = self._storage.optuna.get_study_id_from_name(self._study.study_name)
        return self._storage.optuna.get_trial_id_from_study_id_trial_number(study_id, number)

    def _start(self, trial: Trial) -> TrainingJob:
        stored = trial.user_attrs.get(CONFIG)
        config = TrialConfig.from_json(stored) if stored else self._asker.configure(trial)
        if not stored:
            trial.set_user_attr(CONFIG, config.to_json())
        trial.set_user_attr(RUN, self._run_id)
        trial_id = self._trial_id(trial.number)
        known = self._storage.optuna.get_trial(trial_id).intermediate_values
        key = f"{self._study.study_name}#{trial.number}"
        self._running[key] = _Running(trial, trial_id, config, n_known=max(known, default=-1) + 1)
        return TrainingJob(
            key=key,
            label=self._asker.label(trial),
            config=config,
            part="search",
            study_folder=self._study_folder,
        )

    def _store(self, running: _Running, result: EpochResult) -> None:
        self._storage.write_epoch(running.trial_id, result)
        if result.epoch < running.n_known:
            # `Trial.report` would ignore a step that an earlier run has reported.
            self._storage.optuna.set_trial_intermediate_value(running.trial_id, result.epoch, result.val_accuracy)
        else:
            running.trial.report(result.val_accuracy, result.epoch)

    def _is_weak(self, running: _Running, epoch: int) -> bool:
        if epoch + 1 == running.config.epochs:
            return False  # nothing is saved any more
        if epoch + 1 < running.n_known:
            return False  # the earlier run went on after this epoch
        if epoch + 1 == running.n_known:
            running.trial = self._continued(running.trial.number)  # reads the values stored again
        return running.trial.should_prune()

    def _tell_failed(self, running: _Running, failure: Failure) -> None:
        running.trial.set_user_attr(REASON, failure.reason)
        running.trial.set_user_attr(MESSAGE, failure.message)
        running.trial.set_user_attr(TRACEBACK, failure.traceback)
        self._study.tell(running.trial, state=TrialState.FAIL)
        self._n_failures_in_a_row += 1
        if self._n_failures_in_a_row == MAX_FAILURES_IN_A_ROW:
            raise StudyFailedError(
                f"{self._study.study_name}: {MAX_FAILURES_IN_A_ROW} trials in a row failed, the last with "
                f"{failure.reason}: {failure.message}. Mend the cause and run the same command to go on."
            )
