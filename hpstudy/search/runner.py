"""A run under way: it trains what sources have, confirms, and has a row of what it ran on and why it ended."""

from __future__ import annotations

import signal
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import optuna
from optuna.study import Study

from hpstudy.artifacts import StudyFiles, study_folder
from hpstudy.datasets.images import TrainingData
from hpstudy.errors import HpstudyError, StorageError, StudyInterruptedError, StudyTimeoutError
from hpstudy.search.configurations import choose_configurations
from hpstudy.search.confirmation import (
    ConfirmationPlan,
    extend_confirmation,
    failed_trials,
    fix_candidate,
    require_test_set,
)
from hpstudy.search.digesting import attributes_changing, fill_digests, renew_digest
from hpstudy.search.interruption import Interruption
from hpstudy.search.leases import END_SECONDS, NoOthers, Others, leased
from hpstudy.search.loop import run
from hpstudy.search.patience import DATABASE_ERRORS, WAIT_SECONDS, within
from hpstudy.search.place import Place
from hpstudy.search.plan import StagePlan, confirmation_plan, n_unconfirmed
from hpstudy.search.predictions import keep_test_predictions
from hpstudy.search.provenance import describe_images, describe_model, describe_run
from hpstudy.search.runs import begin_run, end_run, extend_record
from hpstudy.search.source import Observer, Source, Watched
from hpstudy.search.sources import confirmation_source
from hpstudy.search.storage import Storage
from hpstudy.search.studies import open_part, part_name, trained_baselines
from hpstudy.search.subject import Subject
from hpstudy.search.trials import RunContext
from hpstudy.search.user_code import read_user_code
from hpstudy.tables import ARTIFACTS_ATTRIBUTE, CONFIRM, FINISHED, TEST_ACCURACY


class RunObserver(Observer, Protocol):
    """Watches a whole run."""

    def opened(self, plan: StagePlan) -> None:
        """A stage of the study begins; its trainings follow."""
        ...

    def lost(self, key: str, cause: str) -> None:
        """A training's process has died; the training is started again."""
        ...

    def stopping(self, signal_number: int) -> None:
        """A signal has come: the epochs under way are the last. Called in a thread of its own."""
        ...

    def waiting(self, line: str) -> None:
        """The database is waited for, or answers again: what a person is told. Called in any thread."""
        ...


@dataclass(frozen=True)
class _BegunConfirmation:
    """A confirmation that is stored: its Optuna study, what it trains, what is left, and all candidates so far."""

    study: Study
    plan: ConfirmationPlan
    stage: StagePlan
    candidates: list[str]


@dataclass(frozen=True)
class Runner:
    """A run under way.

    Attributes:
        subject: The study.
        head: Its Optuna study `NAME`.
        context: What the sources of the run share.
        place: Where it runs.
        data: The images of the search.
        observer: Is told of everything that happens.
        interruption: Knows whether a signal or the deadline has come.
    """

    subject: Subject
    head: Study
    context: RunContext
    place: Place
    data: TrainingData
    observer: RunObserver
    interruption: Interruption

    @property
    def files(self) -> StudyFiles:
        """Where the study's files are kept.

        Raises:
            StorageError: The storage names no such folder, or one that is not the study's.
        """
        study = self.subject.name
        folder = study_folder(self.head.user_attrs.get(ARTIFACTS_ATTRIBUTE), study=study)
        if not folder:
            raise StorageError(f"{study}: the storage names no folder for its files; `hpstudy run` it with its file")
        return StudyFiles(self.place.artifacts / folder)

    def train(self, source: Source, *, stage: StagePlan, n_left: Callable[[], int]) -> None:
        """Trains all that a source has.

        Args:
            source: Gives the jobs.
            stage: For the observer.
            n_left: How many trainings have not ended.

        Raises:
            StudyInterruptedError: A signal came before the end.
            StudyTimeoutError: The deadline came before the end.
        """
        self.observer.opened(stage)
        with closing(self.place.open_executor()) as executor:
            self.record({"threads": executor.threads, "workers": executor.capacity})
            run(
                Watched(source, observer=self.observer),
                executor,
                interrupted=self.interruption.requested,
                lost=self.observer.lost,
            )
        self._end_if_asked(stage, n_left=n_left())

    def live(self) -> Collection[int]:
        """The runs of others that may be under way."""
        return self.context.storage.exclusive(self.subject.name, self.context.others.live)

    def confirm(self, *, top: int, seeds: int) -> None:
        """Trains the best configurations and the baselines on fresh seeds; keeps what the report needs of them.

        Args:
            top: As in `extend_confirmation`.
            seeds: The same.

        Raises:
            InputError: The test set is not the one that the study has been confirmed on.
        """
        study, storage = self.subject.name, self.context.storage
        begun = storage.exclusive(study, lambda: self._begin_confirmation(top=top, seeds=seeds))
        confirmation, plan = begun.study, begun.plan
        # Now that the candidate is stored the test set may be opened.
        test = self.place.load_data(plan.candidate.config, "confirm").evaluation
        storage.exclusive(study, lambda: require_test_set(confirmation, study=study, test=test.checksums))
        source = confirmation_source(
            confirmation, plan=plan, candidates=begun.candidates, files=self.files, context=self.context
        )
        self.train(source, stage=begun.stage, n_left=lambda: n_unconfirmed(confirmation, plan))
        keep_test_predictions(self.files, confirmation, plan=plan, test=test)
        images = {**describe_images(self.data), "test": len(test)}
        self.record({"images": images, "test_data": dict(test.checksums)})

    def _begin_confirmation(self, *, top: int, seeds: int) -> _BegunConfirmation:
        """Stores what is confirmed, the candidate last."""
        study, storage = self.subject.name, self.context.storage
        with attributes_changing(storage, study=study):
            holds = extend_confirmation(self.head, usual=self.subject.confirm, top=top, seeds=seeds)
        confirmation = open_part(storage, part_name(study, CONFIRM), metric=TEST_ACCURACY)
        plan = ConfirmationPlan(
            choose_configurations(storage, study, top=holds.top),
            n_seeds=holds.seeds,
            study_seed=self.subject.seed,
            failed=failed_trials(confirmation),
        )
        stage = confirmation_plan(study, confirmation, plan, live=self.context.others.live())
        # A run that ends here leaves the former candidate, if there is one, and its weights where they are.
        self._end_if_asked(stage, n_left=stage.n_trials - stage.n_ended)
        with attributes_changing(storage, study=study):
            candidates = fix_candidate(self.head, candidate=plan.candidate)
        return _BegunConfirmation(confirmation, plan, stage, candidates)

    def record_models(self) -> None:
        """Adds the layer tables of the best trial and of the baselines, by their labels, to the run's record.

        Raises:
            InputError: A file of the user's network was changed since the run began.
        """
        tables = {}
        for chosen in choose_configurations(self.context.storage, self.subject.name, top=1):
            self.context.code.require_unchanged(chosen.config.architecture)
            tables[chosen.label] = describe_model(chosen.config, data=self.data, folder=self.subject.folder)
        self.record({"models": tables})

    def record(self, known: Mapping[str, Any]) -> None:
        """Adds to the run's record."""
        extend_record(self.context.storage, run_id=self.context.run_id, record=known)

    def _end_if_asked(self, stage: StagePlan, *, n_left: int) -> None:
        """Raises the error of a signal or of the deadline, where one has come and something is left."""
        if self.interruption.requested() and n_left:
            by_signal = self.interruption.signal_number is not None
            raise (
                _interrupted(self.subject, self.interruption) if by_signal else self._out_of_time(stage, n_left=n_left)
            )

    def _out_of_time(self, stage: StagePlan, *, n_left: int) -> StudyTimeoutError:
        study = self.subject.name
        done = f"{stage.n_trials - n_left} of {stage.n_trials} trainings of the {stage.stage} are done"
        next_step = "the same command goes on with it"
        if stage.stage == "search" and choose_configurations(self.context.storage, study, top=1):
            next_step += f", and `hpstudy confirm {study}` confirms what there is"
        return StudyTimeoutError(f"{study}: the time is over, {done}; {next_step}")


@contextmanager
def begun(
    subject: Subject, *, storage: Storage, place: Place, data: TrainingData, observer: RunObserver, deadline: float
) -> Iterator[Runner]:
    """A run, with a row of what it runs on and why it ends."""
    record = describe_run(subject, device=place.device, data=data)
    run_id = begin_run(storage, subject=subject, command=place.command, record=record)
    reason, seconds = "an unexpected error", WAIT_SECONDS
    early = Interruption(announce=observer.stopping, deadline=deadline)
    try:
        with early as interruption, _others(storage, run_id, place) as others:
            runner = Runner(
                subject=subject,
                head=optuna.load_study(study_name=subject.name, storage=storage.optuna),
                context=RunContext(
                    study=subject.name,
                    storage=storage,
                    run_id=run_id,
                    code=read_user_code(subject, also=trained_baselines(storage, subject.name).values()),
                    others=others,
                    checkpoint_seconds=place.checkpoint_seconds,
                ),
                place=place,
                data=data,
                observer=observer,
                interruption=interruption,
            )
            _bring_digests_up_to_date(storage, subject.name)
            if storage.database:
                runner.files.remove_half_written()  # of runs that were killed: this one holds the study alone
            yield runner
            _bring_digests_up_to_date(storage, subject.name)
        reason = FINISHED
    except HpstudyError as error:
        reason = str(error)
        raise
    except KeyboardInterrupt:  # a second signal
        stopped = _interrupted(subject, early)
        reason, seconds = str(stopped), END_SECONDS
        raise stopped from None
    except DATABASE_ERRORS:
        reason = ""  # the database has been waited for long enough
        raise
    finally:
        if reason:  # what ended the run is told, not that it could not be noted
            within(seconds, lambda: end_run(storage, run_id=run_id, reason=reason))


def _bring_digests_up_to_date(storage: Storage, study: str) -> None:
    """Writes the digests that killed and older runs have left out, and that of the study, which has more runs now."""
    fill_digests(storage, study=study)
    storage.exclusive(study, lambda: renew_digest(storage, study=study))


def _interrupted(subject: Subject, interruption: Interruption) -> StudyInterruptedError:
    number = interruption.signal_number or signal.SIGINT
    message = f"{subject.name}: stopped by {signal.Signals(number).name}; the same command goes on with it"
    return StudyInterruptedError(message, signal_number=number)


def _others(storage: Storage, run_id: int, place: Place) -> AbstractContextManager[Others]:
    """The other runners of the study, who see this one as long as the body runs."""
    if storage.database:
        return nullcontext(NoOthers(storage.database))
    return leased(storage, run_id=run_id, seconds=place.lease_seconds)
