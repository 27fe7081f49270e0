"""The source over one Optuna study: asks for trials, stores their epochs, prunes them and tells their ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

from optuna.study import Study, load_study
from optuna.trial import FrozenTrial, Trial, TrialState

from hpstudy.errors import StudyFailedError
from hpstudy.search.askers import Asker
from hpstudy.search.digesting import write_trial_digests
from hpstudy.search.keepsakes import Keepsakes
from hpstudy.search.leases import Others
from hpstudy.search.repeated_draws import InHand, RepeatedDraws
from hpstudy.search.repeats import is_repeat
from hpstudy.search.storage import Storage
from hpstudy.search.user_code import UserCode
from hpstudy.spec.config import TrialConfig
from hpstudy.tables import (
    CONFIG,
    DIVERGED,
    MESSAGE,
    N_PARAMETERS,
    OUT_OF_TIME,
    PART_SEPARATOR,
    PREDICTIONS_SHA256,
    REASON,
    REMOVED,
    RUN,
    TRACEBACK,
    TRAIN_ACCURACY,
    WEIGHTS_SHA256,
)
from hpstudy.training.job import CHECKPOINT_SECONDS, Answer, EpochResult, Failure, Outcome, Part, TrainingJob

MAX_FAILURES_IN_A_ROW = 5


@dataclass
class _Running:
    """A trial under way.

    Attributes:
        trial: Optuna's.
        trial_id: Its id in the storage.
        config: What is trained.
        n_known: Epochs that the storage has.
        verdict: Why it was told to stop after the last of them; empty while it goes on. Its process or the run may have
            died since: then it is trained again up to there, and told the same.
        last: The last epoch's result.
        seconds: What each epoch so far took.
    """

    trial: Trial
    trial_id: int
    config: TrialConfig
    n_known: int
    verdict: str
    last: EpochResult | None = None
    seconds: dict[int, float] = field(default_factory=dict)


class FailureCount:
    """How many trainings of a study have failed in a row, over all of its sources."""

    def __init__(self) -> None:
        self.in_a_row = 0


@dataclass(frozen=True)
class RunContext:
    """What the sources of one run share.

    Attributes:
        study: The study's name, without a part.
        storage: Where their trials are.
        run_id: The run's row.
        code: The user's networks as the run found them.
        others: The other runners of the study.
        checkpoint_seconds: At least so long between two checkpoints of a training.
        failures: Counts over all of them.
    """

    study: str
    storage: Storage
    run_id: int
    code: UserCode
    others: Others
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    failures: FailureCount = field(default_factory=FailureCount)


class TrialSource:
    """Jobs that are the trials of one Optuna study.

    Trials that a run left unfinished and that no living runner has come first, under their numbers: Optuna's
    `Trial(study, trial_id)` continues one in place. Their training yields the epochs that its checkpoint has once more
    and goes on; without a checkpoint it begins again, which gives the same curve. Epochs that the storage has are not
    judged again, but for the last one: a run may have been killed before it could answer it.

    A draw that repeats an earlier trial ends with that trial's state and value at once; while that one is under way the
    draw is held, and others are asked for. All of it follows from what is stored, so that another run finds the same.
    """

    def __init__(
        self,
        study: Study,
        *,
        asker: Asker,
        keepsakes: Keepsakes,
        part: Part,
        context: RunContext,
        max_seconds: float | None = None,
    ) -> None:
        """Has no trial under way.

        Args:
            study: The Optuna study.
            asker: Says which trial comes next.
            keepsakes: Keeps the files of its trials.
            part: Which data they see.
            context: What the sources of a run share.
            max_seconds: A trial whose epochs have taken longer in all is stopped; None for no limit.
        """
        self._study = study
        self._asker = asker
        self._keepsakes = keepsakes
        self._part: Part = part
        self._context = context
        self._storage = context.storage
        self._max_seconds = max_seconds
        self._running: dict[str, _Running] = {}
        self._repeats = RepeatedDraws(storage=self._storage, asker=asker, own=self._own, tell=self._tell)

    def next_jobs(self, n: int) -> Sequence[TrainingJob]:
        """At most `n` jobs: interrupted trials, then new ones.

        Raises:
            InputError: A file of the user's network was changed while the run was under way.
        """
        jobs: list[TrainingJob] = []
        while len(jobs) < n and (job := self._next_job()):
            jobs.append(job)
        return jobs

    def epoch_ended(self, key: str, result: EpochResult) -> Answer:
        """Stores the epoch; answers stop where it diverged, took too long or the pruner says so."""
        running = self._running[key]
        self._context.others.require_own()
        if result.diverged:
            return self._stop(running, f"{DIVERGED} in epoch {result.epoch + 1}: the loss was not finite")
        n_known = running.n_known
        self._store(running, result)
        if result.epoch + 1 < n_known:
            return "go"
        if running.verdict:
            return "stop"
        reason = self._reason_to_stop(running, result.epoch, is_known=result.epoch + 1 == n_known)
        return self._stop(running, reason) if reason else "go"

    def ended(self, key: str, end: Outcome | Failure) -> None:
        """Tells Optuna the end of a trial, and removes what was kept in case that it did not come to it.

        Raises:
            StudyFailedError: It is the fifth in a row to fail.
        """
        self._context.others.require_own()
        running = self._running.pop(key)
        if isinstance(end, Failure):
            self._tell_failed(running.trial, end)
        else:
            self._tell_ended(running, end)
        self._repeats.settle(self._study)
        self._keepsakes.tidy(self._study)
        self._give_up_if_nothing_works(end)

    def _tell_ended(self, running: _Running, outcome: Outcome) -> None:
        running.trial.set_user_attr(N_PARAMETERS, outcome.n_parameters)
        if outcome.stopped or running.last is None:
            self._tell(running.trial, state=TrialState.PRUNED)
            return
        predictions_sha256 = self._keepsakes.keep_predictions(running.trial.number, outcome)
        running.trial.set_user_attr(PREDICTIONS_SHA256, predictions_sha256)
        running.trial.set_user_attr(TRAIN_ACCURACY, outcome.train_accuracy)
        running.trial.set_user_attr(WEIGHTS_SHA256, outcome.weights_sha256)
        self._tell(running.trial, value=running.last.val_accuracy)

    def _tell(self, trial: Trial, *, value: float | None = None, state: TrialState | None = None) -> None:
        """Stores the end of a trial, then its digest: a run that is killed in between leaves none."""
        self._study.tell(trial, value, state=state)
        study_id = self._storage.optuna.get_study_id_from_name(self._study.study_name)
        part = self._study.study_name.removeprefix(self._context.study).removeprefix(PART_SEPARATOR)
        trial_ids = [self._trial_id(trial.number)]
        write_trial_digests(self._storage, parts={study_id: part}, trial_ids=trial_ids)

    def restarting(self, key: str) -> None:
        """Asks whether the network is still the one that the training began with.

        Raises:
            InputError: A file of the user's was changed since the run began.
        """
        self._context.code.require_unchanged(self._running[key].config.architecture)

    def waits(self) -> bool:
        """Whether others train trials of this study, which may come to be nobody's."""
        return bool(self._elsewhere())

    def _next_job(self) -> TrainingJob | None:
        """The training of one more trial, which is this run's from here on."""
        # The settings are drawn here too: two runners that draw at once would take one point of a grid twice.
        in_hand = self._repeats.in_hand
        running = self._storage.exclusive(self._context.study, self._claim, undo=lambda: self._forget(in_hand))
        if running is None:
            return None
        job = self._job(running)
        self._running[job.key] = running
        return job

    def _claim(self) -> _Running | None:
        """One more trial, as it is stored; done twice it finds the trial of the first time, which nobody trains."""
        self._repeats.settle(self._study)
        while trial := self._next_trial():
            if (config := self._configure(trial)) and not self._is_repeat(trial, config):
                self._context.code.require_unchanged(config.architecture)
                return self._begun(trial, config)
        return None

    def _forget(self, in_hand: InHand) -> None:
        """Opens the study anew: Optuna keeps what it has read, and some of it may have been taken back."""
        self._repeats.in_hand = in_hand
        study, storage = self._study, self._storage.optuna
        self._study = load_study(study_name=study.study_name, storage=storage, pruner=study.pruner)

    def _next_trial(self) -> Trial | None:
        live = self._context.others.live()
        nobodys = (trial.number for trial in self._elsewhere() if trial.user_attrs.get(RUN) not in live)
        number = next(chain(self._repeats.released(), nobodys), None)
        return self._asker.ask(self._study) if number is None else self._continued(number)

    def _elsewhere(self) -> list[FrozenTrial]:
        """The trials under way that this run does not train."""
        own = {running.trial.number for running in self._running.values()} | self._repeats.numbers
        under_way = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return [trial for trial in under_way if trial.number not in own]

    def _continued(self, number: int) -> Trial:
        return Trial(self._study, self._trial_id(number))

    def _trial_id(self, number: int) -> int:
        return self._storage.trial_id(self._study.study_name, number)

    def _configure(self, trial: Trial) -> TrialConfig | None:
        """The trial's configuration, stored with it; None for one that has failed, or that the file has no more."""
        if MESSAGE in trial.user_attrs and REASON in trial.user_attrs:
            self._tell(trial, state=TrialState.FAIL)  # a run was killed before it could say so
            return None
        if CONFIG in trial.user_attrs:
            return TrialConfig.from_json(trial.user_attrs[CONFIG])
        config = self._asker.configure(trial)
        if config is None:
            message = "it was interrupted, and is not in the study file any more"
            self._tell_failed(trial, Failure(REMOVED, message, traceback=""))
            return None
        trial.set_user_attr(CONFIG, config.to_json())
        return config

    def _is_repeat(self, trial: Trial, config: TrialConfig) -> bool:
        """Whether a trial repeats another; then it has ended, or ends with that one."""
        has_begun = RUN in trial.user_attrs and not is_repeat(trial)
        return not has_begun and self._repeats.take(trial, config)

    def _own(self, trial: Trial) -> None:
        """Makes a trial this run's own."""
        if RUN not in trial.user_attrs:  # new: epochs that are there are not its own
            self._storage.forget_epochs(self._trial_id(trial.number))
        trial.set_user_attr(RUN, self._context.run_id)

    def _begun(self, trial: Trial, config: TrialConfig) -> _Running:
        trial_id = self._trial_id(trial.number)
        verdict = trial.user_attrs.get(REASON, "")
        self._own(trial)
        return _Running(trial, trial_id, config, n_known=self._storage.n_epochs(trial_id), verdict=verdict)

    def _job(self, running: _Running) -> TrainingJob:
        number = running.trial.number
        return TrainingJob(
            key=f"{self._study.study_name}#{number}",
            label=self._asker.label(running.trial),
            config=running.config,
            part=self._part,
            study_folder=self._context.code.folder,
            weights=self._keepsakes.weights(number),
            checkpoint=self._keepsakes.checkpoint(number),
            checkpoint_seconds=self._context.checkpoint_seconds,
        )

    def _stop(self, running: _Running, reason: str) -> Answer:
        """Stores the verdict before it is answered: some pruners, asked a second time, would let the trial go on."""
        running.verdict = reason
        running.trial.set_user_attr(REASON, reason)
        return "stop"

    def _store(self, running: _Running, result: EpochResult) -> None:
        self._storage.write_epoch(running.trial_id, result)
        running.last = result
        running.seconds[result.epoch] = result.seconds
        if result.val_accuracy is not None and result.epoch < running.n_known:
            # `Trial.report` would ignore a step that has been reported.
            self._storage.optuna.set_trial_intermediate_value(running.trial_id, result.epoch, result.val_accuracy)
        elif result.val_accuracy is not None:
            running.trial.report(result.val_accuracy, result.epoch)
        running.n_known = max(running.n_known, result.epoch + 1)

    def _reason_to_stop(self, running: _Running, epoch: int, *, is_known: bool) -> str:
        """Why a trial should end after an epoch that has been stored, maybe by an earlier run; empty if it goes on."""
        if self._part == "confirm" or epoch + 1 == running.config.epochs:
            return ""  # never stopped, or nothing is saved any more
        seconds = sum(running.seconds.values())
        if self._max_seconds is not None and seconds > self._max_seconds:
            return f"{OUT_OF_TIME} after epoch {epoch + 1}: {seconds:.1f} s, and max_seconds is {self._max_seconds:g}"
        if is_known:
            running.trial = self._continued(running.trial.number)  # reads the values stored again
        return f"pruned after epoch {epoch + 1}" if running.trial.should_prune() else ""

    def _tell_failed(self, trial: Trial, failure: Failure) -> None:
        trial.set_user_attr(TRACEBACK, failure.traceback)
        trial.set_user_attr(MESSAGE, failure.message)
        trial.set_user_attr(REASON, failure.reason)  # last: with a message beside it, it is no verdict but a failure
        self._tell(trial, state=TrialState.FAIL)

    def _give_up_if_nothing_works(self, end: Outcome | Failure) -> None:
        failures = self._context.failures
        failures.in_a_row = failures.in_a_row + 1 if isinstance(end, Failure) else 0
        if isinstance(end, Failure) and failures.in_a_row == MAX_FAILURES_IN_A_ROW:
            raise StudyFailedError(
                f"{self._study.study_name}: {MAX_FAILURES_IN_A_ROW} trials in a row failed, the last with "
                f"{end.reason}: {end.message}. Mend the cause and run the same command to go on."
            )
