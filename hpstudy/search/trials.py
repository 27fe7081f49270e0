"""The source over one Optuna study: asks for trials, stores their epochs, prunes them and tells their ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from hpstudy.errors import StudyFailedError
from hpstudy.search.keepsakes import Keepsakes
from hpstudy.search.leases import Others
from hpstudy.search.storage import Storage
from hpstudy.spec.config import TrialConfig
from hpstudy.tables import CONFIG, MESSAGE, N_PARAMETERS, REASON, RUN, TRACEBACK, TRAIN_ACCURACY, WEIGHTS_SHA256
from hpstudy.training.job import Answer, EpochResult, Failure, Outcome, Part, TrainingJob

MAX_FAILURES_IN_A_ROW = 5


class Asker(Protocol):
    """Decides which trial comes next in a study, and with which configuration."""

    def ask(self) -> Trial | None:
        """A new trial; None if the study has all of its trials."""
        ...

    def configure(self, trial: Trial) -> TrialConfig | None:
        """The configuration of a trial that has none yet; what it has drawn already stays.

        None for a trial that is not in the study file any more.
        """
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
        n_known: Epochs that the storage has.
        verdict: Why an earlier run told it to stop after the last of them, before that run was killed.
        last: The last epoch's result.
        stopped: Why it was told to stop; empty while it goes on.
    """

    trial: Trial
    trial_id: int
    config: TrialConfig
    n_known: int
    verdict: str
    last: EpochResult | None = None
    stopped: str = ""


class FailureCount:
    """How many trainings of a study have failed in a row, over all of its sources."""

    def __init__(self) -> None:
        self.in_a_row = 0


@dataclass(frozen=True)
class Session:
    """What the sources of one run share.

    Attributes:
        study: The study's name, without a part.
        storage: Where their trials are.
        study_folder: Where the study file lies.
        run_id: The run's row.
        others: The other runners of the study.
        failures: Counts over all of them.
    """

    study: str
    storage: Storage
    study_folder: Path
    run_id: int
    others: Others
    failures: FailureCount = field(default_factory=FailureCount)


class TrialSource:
    """Jobs that are the trials of one Optuna study.

    Trials that a run left unfinished and that no living runner has come first, under their numbers: Optuna's
    `Trial(study, trial_id)` continues one in place. They are trained again, which gives the same curve.
    """

    def __init__(self, study: Study, *, asker: Asker, keepsakes: Keepsakes, part: Part, session: Session) -> None:
        """Has no trial under way.

        Args:
            study: The Optuna study.
            asker: Says which trial comes next.
            keepsakes: Keeps the files of its trials.
            part: Which data they see.
            session: What the sources of a run share.
        """
        self._study = study
        self._asker = asker
        self._keepsakes = keepsakes
        self._part: Part = part
        self._session = session
        self._storage = session.storage
        self._running: dict[str, _Running] = {}

    def next_jobs(self, n: int) -> Sequence[TrainingJob]:
        """At most `n` jobs: interrupted trials, then new ones."""
        jobs: list[TrainingJob] = []
        while len(jobs) < n and (job := self._next_job()):
            jobs.append(job)
        return jobs

    def epoch_ended(self, key: str, result: EpochResult) -> Answer:
        """Stores the epoch; answers stop where it diverged or the pruner says so."""
        running = self._running[key]
        self._session.others.require_own()
        if result.diverged:
            return self._stop(running, f"diverged in epoch {result.epoch + 1}: the loss was not finite")
        n_known = running.n_known
        self._store(running, result)
        if self._is_weak(running, result.epoch, n_known=n_known):
            return self._stop(running, running.verdict or f"pruned after epoch {result.epoch + 1}")
        return "go"

    def ended(self, key: str, end: Outcome | Failure) -> None:
        """Tells Optuna the end of a trial.

        Raises:
            StudyFailedError: It is the fifth in a row to fail.
        """
        self._session.others.require_own()
        running = self._running.pop(key)
        if isinstance(end, Failure):
            self._tell_failed(running, end)
            return
        self._session.failures.in_a_row = 0
        running.trial.set_user_attr(N_PARAMETERS, end.n_parameters)
        if running.stopped or running.last is None:
            self._study.tell(running.trial, state=TrialState.PRUNED)
            return
        self._keepsakes.keep_predictions(running.trial.number, end)
        running.trial.set_user_attr(TRAIN_ACCURACY, end.train_accuracy)
        running.trial.set_user_attr(WEIGHTS_SHA256, end.weights_sha256)
        self._study.tell(running.trial, running.last.val_accuracy)
        self._keepsakes.tidy(self._study)

    def waits(self) -> bool:
        """Whether others train trials of this study, which may come to be nobody's."""
        return bool(self._elsewhere())

    def _next_job(self) -> TrainingJob | None:
        """The training of one more trial, which is this run's from here on."""
        # The settings are drawn here too: two runners that draw at once would take one point of a grid twice.
        with self._storage.alone(self._session.study):
            while trial := self._next_trial():
                if config := self._configure(trial):
                    return self._start(trial, config)
        return None

    def _next_trial(self) -> Trial | None:
        live = self._session.others.live()
        nobodys = (trial.number for trial in self._elsewhere() if trial.user_attrs.get(RUN) not in live)
        number = next(nobodys, None)
        return self._asker.ask() if number is None else self._continued(number)

    def _elsewhere(self) -> list[FrozenTrial]:
        """The trials under way that this run does not train."""
        own = {running.trial.number for running in self._running.values()}
        under_way = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return [trial for trial in under_way if trial.number not in own]

    def _continued(self, number: int) -> Trial:
        return Trial(self._study, self._trial_id(number))

    def _trial_id(self, number: int) -> int:
        study_id = self._storage.optuna.get_study_id_from_name(self._study.study_name)
        return self._storage.optuna.get_trial_id_from_study_id_trial_number(study_id, number)

    def _configure(self, trial: Trial) -> TrialConfig | None:
        """The trial's configuration, stored with it; a trial that the study file does not have any more fails."""
        if CONFIG in trial.user_attrs:
            return TrialConfig.from_json(trial.user_attrs[CONFIG])
        config = self._asker.configure(trial)
        if config is None:
            trial.set_user_attr(REASON, "removed")
            trial.set_user_attr(MESSAGE, "it was interrupted, and is not in the study file any more")
            self._study.tell(trial, state=TrialState.FAIL)
            return None
        trial.set_user_attr(CONFIG, config.to_json())
        return config

    def _start(self, trial: Trial, config: TrialConfig) -> TrainingJob:
        trial_id = self._trial_id(trial.number)
        known = self._storage.optuna.get_trial(trial_id).intermediate_values
        if not known:
            self._storage.forget_epochs(trial_id)
        verdict = trial.user_attrs.get(REASON, "")
        trial.set_user_attr(RUN, self._session.run_id)
        key = f"{self._study.study_name}#{trial.number}"
        self._running[key] = _Running(trial, trial_id, config, n_known=max(known, default=-1) + 1, verdict=verdict)
        return TrainingJob(
            key=key,
            label=self._asker.label(trial),
            config=config,
            part=self._part,
            study_folder=self._session.study_folder,
            weights=self._keepsakes.weights(trial.number),
        )

    def _stop(self, running: _Running, reason: str) -> Answer:
        """Stores the verdict before it is answered: some pruners, asked a second time, would let the trial go on."""
        running.stopped = reason
        running.trial.set_user_attr(REASON, reason)
        return "stop"

    def _store(self, running: _Running, result: EpochResult) -> None:
        self._storage.write_epoch(running.trial_id, result)
        running.last = result
        if result.val_accuracy is None:
            return
        if result.epoch < running.n_known:
            # `Trial.report` would ignore a step that has been reported.
            self._storage.optuna.set_trial_intermediate_value(running.trial_id, result.epoch, result.val_accuracy)
        else:
            running.trial.report(result.val_accuracy, result.epoch)
            running.n_known = result.epoch + 1

    def _is_weak(self, running: _Running, epoch: int, *, n_known: int) -> bool:
        """Whether the trial should end after an epoch; `n_known` epochs were stored before it came."""
        if self._part == "confirm" or epoch + 1 < n_known or epoch + 1 == running.config.epochs:
            return False  # never pruned, or it has gone on after this epoch before, or nothing is saved any more
        if epoch + 1 == n_known:
            if running.verdict:
                return True
            running.trial = self._continued(running.trial.number)  # reads the values stored again
        return running.trial.should_prune()

    def _tell_failed(self, running: _Running, failure: Failure) -> None:
        running.trial.set_user_attr(REASON, failure.reason)
        running.trial.set_user_attr(MESSAGE, failure.message)
        running.trial.set_user_attr(TRACEBACK, failure.traceback)
        self._study.tell(running.trial, state=TrialState.FAIL)
        self._session.failures.in_a_row += 1
        if self._session.failures.in_a_row == MAX_FAILURES_IN_A_ROW:
            raise StudyFailedError(
                f"{self._study.study_name}: {MAX_FAILURES_IN_A_ROW} trials in a row failed, the last with "
                f"{failure.reason}: {failure.message}. Mend the cause and run the same command to go on."
            )
