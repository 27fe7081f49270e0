"""One `hpstudy run` or `confirm`: opens the study, trains what is left of it, and records how that went."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import optuna
import torch
from optuna.exceptions import StorageInternalError
from optuna.study import Study
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from hpstudy.artifacts import StudyFiles
from hpstudy.datasets.images import TrainingData
from hpstudy.errors import HpstudyError, InputError, StudyFailedError, StudyInterruptedError, StudyTimeoutError
from hpstudy.executors.local import LoadData
from hpstudy.executors.protocol import Executor
from hpstudy.search.confirmation import (
    choose_configurations,
    extend_confirmation,
    open_confirmation,
    plan_confirmation,
)
from hpstudy.search.evidence import write_evidence
from hpstudy.search.interruption import Interruption
from hpstudy.search.leases import NoOthers, Others, leased
from hpstudy.search.loop import run
from hpstudy.search.plan import Plan, confirmation_plan, count, n_left, n_unconfirmed, search_plan
from hpstudy.search.preflight import first_config
from hpstudy.search.provenance import describe_images, describe_model, describe_run
from hpstudy.search.runs import begin_run, end_run, extend_record
from hpstudy.search.source import Observer, Source, Watched
from hpstudy.search.sources import confirmation_source, search_source
from hpstudy.search.storage import Storage, open_storage
from hpstudy.search.studies import check_evidence, open_studies, searches
from hpstudy.search.subject import Subject, stored_subject, subject_of
from hpstudy.search.trials import Session
from hpstudy.spec.study import StudySpec
from hpstudy.tables import ARTIFACTS_ATTRIBUTE, FINISHED, LEASE_SECONDS
from hpstudy.training.job import CHECKPOINT_SECONDS


@dataclass(frozen=True)
class Place:
    """Where a study runs.

    Attributes:
        storage_url: SQLAlchemy URL of the storage.
        artifacts: The folder under which the study's files are kept.
        load_data: Gives the images, where the executor wants them.
        device: Where models are trained.
        open_executor: Makes what trains; it is closed by who opened it.
        command: The command line, for the record.
        checkpoint_seconds: At least so long between two checkpoints of a training.
        lease_seconds: On a server, how long another runner must be silent before its trials are taken over.
    """

    storage_url: str
    artifacts: Path
    load_data: LoadData
    device: torch.device
    open_executor: Callable[[], Executor]
    command: str
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    lease_seconds: float = LEASE_SECONDS


class RunObserver(Observer, Protocol):
    """Watches a whole run."""

    def opened(self, plan: Plan) -> None:
        """A stage of the study begins; its trainings follow."""
        ...

    def lost(self, key: str, cause: str) -> None:
        """A training's process has died; the training is started again."""
        ...

    def stopping(self, signal_number: int) -> None:
        """A signal has come: the epochs under way are the last. Called in a thread of its own."""
        ...


def run_study(spec: StudySpec, *, place: Place, observer: RunObserver, deadline: float = math.inf) -> None:
    """Trains a study's baselines and trials until all have ended, then confirms the best; nothing is done twice.

    On a server several runners share the trials of a study, and of its confirmation.

    Args:
        spec: The study, checked. With `confirm` None it is not confirmed.
        place: Where it runs.
        observer: Is told of everything that happens.
        deadline: On `time.monotonic`; the epochs that are under way then are the last.

    Raises:
        InputError: The storage has a study of this name that is another one.
        StorageError: The storage cannot be used, another runner has the study (on SQLite), or others took this one for
            dead (on a server).
        DataError: The images cannot be read.
        ArtifactError: Weights or predictions cannot be written.
        StudyFailedError: Nothing succeeded, or five trials in a row failed.
        StudyInterruptedError: A signal stopped it.
        StudyTimeoutError: The deadline came before the end.
    """
    data = place.load_data(first_config(spec, spec.architectures[0]), "search")
    with _locked(spec.name, place) as storage:
        with storage.alone(spec.name):
            studies = open_studies(spec, storage, checksums=data.train.checksums)
        begun = _runner(subject_of(spec), storage=storage, place=place, data=data, observer=observer, deadline=deadline)
        with begun as runner:
            source = search_source(spec, studies, files=runner.files, session=runner.session)
            stage = search_plan(spec, studies, live=runner.live())
            runner.train(source, stage=stage, n_left=lambda: n_left(spec, studies))
            if not any(count(studies[name], TrialState.COMPLETE) for name in searches(spec)):
                raise StudyFailedError(f"{spec.name}: no trial succeeded; `hpstudy show {spec.name}` says why")
            runner.record_models()
            if spec.confirm:
                runner.confirm(top=spec.confirm.top, seeds=spec.confirm.seeds)


def confirm_study(
    name: str, *, top: int, seeds: int, place: Place, observer: RunObserver, deadline: float = math.inf
) -> None:
    """Confirms a study that has run, or brings its confirmation to more configurations and seeds.

    Args:
        name: The study.
        top: So many of the best trials; 0 for as many as its file says or an earlier confirmation had.
        seeds: So many seeds each; 0 likewise.
        place: Where it runs; `load_data` must give the images that the study was searched on.
        observer: Is told of everything that happens.
        deadline: As for `run_study`.

    Raises:
        InputError: The storage has no such study, no trial of it is complete, or the images or the user's code are
            not what they were.
        StorageError: As `run_study`; and so are the others.
    """
    with _locked(name, place) as storage:
        subject = stored_subject(storage, name)
        head = optuna.load_study(study_name=name, storage=storage.optuna)
        configurations = choose_configurations(storage, name, top=1)
        if not configurations:
            raise InputError(f"{name}: no trial is complete yet, so there is nothing to confirm")
        data = place.load_data(configurations[0].config, "search")
        check_evidence(subject, head, checksums=data.train.checksums)
        begun = _runner(subject, storage=storage, place=place, data=data, observer=observer, deadline=deadline)
        with begun as runner:
            runner.record_models()
            runner.confirm(top=top, seeds=seeds)


@dataclass(frozen=True)
class _Runner:
    """A run under way.

    Attributes:
        subject: The study.
        head: Its Optuna study `NAME`.
        session: What the sources of the run share.
        place: Where it runs.
        data: The images of the search.
        observer: Is told of everything that happens.
        interruption: Knows whether a signal or the deadline has come.
    """

    subject: Subject
    head: Study
    session: Session
    place: Place
    data: TrainingData
    observer: RunObserver
    interruption: Interruption

    @property
    def files(self) -> StudyFiles:
        """Where the study's files are kept."""
        return StudyFiles(self.place.artifacts / self.head.user_attrs[ARTIFACTS_ATTRIBUTE])

    def train(self, source: Source, *, stage: Plan, n_left: Callable[[], int]) -> None:
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
        try:
            with closing(self.place.open_executor()) as executor:
                self.record({"threads": executor.threads})
                run(
                    Watched(source, observer=self.observer),
                    executor,
                    interrupted=self.interruption.requested,
                    lost=self.observer.lost,
                )
        except KeyboardInterrupt:
            raise self._interrupted() from None
        if self.interruption.requested() and (left := n_left()):
            raise self._interrupted() if self.interruption.signal_number else self._out_of_time(stage, n_left=left)

    def live(self) -> Collection[int]:
        """The runs of others that may be under way."""
        with self.session.storage.alone(self.subject.name):
            return self.session.others.live()

    def confirm(self, *, top: int, seeds: int) -> None:
        """Trains the best configurations and the baselines on fresh seeds; keeps what the report needs of them.

        Args:
            top: As in `extend_confirmation`.
            seeds: The same.
        """
        study, storage = self.subject.name, self.session.storage
        with storage.alone(study):
            holds = extend_confirmation(self.head, top=top, seeds=seeds)
            plan = plan_confirmation(
                self.head,
                configurations=choose_configurations(storage, study, top=holds.top),
                n_seeds=holds.seeds,
                study_seed=self.subject.seed,
            )
            confirmation = open_confirmation(storage, study)
        stage = confirmation_plan(study, confirmation, plan, live=self.live())
        source = confirmation_source(confirmation, plan=plan, files=self.files, session=self.session)
        self.train(source, stage=stage, n_left=lambda: n_unconfirmed(confirmation, plan))
        test = self.place.load_data(plan.candidate.config, "confirm").evaluation
        write_evidence(self.files, confirmation, plan=plan, test=test)
        self.record({"images": {**describe_images(self.data), "test": len(test)}})

    def record_models(self) -> None:
        """Adds the layer tables of the best trial and of the baselines to the run's record."""
        best, *others = choose_configurations(self.session.storage, self.subject.name, top=1)
        named = {chosen.label: chosen.config for chosen in others} | {"best": best.config}
        tables = {
            label: describe_model(config, data=self.data, folder=self.subject.folder) for label, config in named.items()
        }
        self.record({"models": tables})

    def record(self, known: Mapping[str, Any]) -> None:
        """Adds to the run's record."""
        extend_record(self.session.storage.engine, run_id=self.session.run_id, record=known)

    def _out_of_time(self, stage: Plan, *, n_left: int) -> StudyTimeoutError:
        study = self.subject.name
        done = f"{stage.n_trials - n_left} of {stage.n_trials} trainings of the {stage.stage} are done"
        next_step = "the same command goes on with it"
        if stage.stage == "search" and choose_configurations(self.session.storage, study, top=1):
            next_step += f", and `hpstudy confirm {study}` confirms what there is"
        return StudyTimeoutError(f"{study}: the time is over, {done}; {next_step}")

    def _interrupted(self) -> StudyInterruptedError:
        number = self.interruption.signal_number or signal.SIGINT
        return StudyInterruptedError(
            f"{self.subject.name}: stopped by {signal.Signals(number).name}; the same command goes on with it",
            signal_number=number,
        )


@contextmanager
def _locked(study: str, place: Place) -> Iterator[Storage]:
    """The open storage, with what a runner of the study holds there."""
    with open_storage(place.storage_url) as storage, storage.claimed(study):
        yield storage


@contextmanager
def _runner(
    subject: Subject, *, storage: Storage, place: Place, data: TrainingData, observer: RunObserver, deadline: float
) -> Iterator[_Runner]:
    """A run, with a row of what it runs on and why it ends."""
    record = describe_run(subject, device=place.device, data=data)
    run_id = begin_run(storage.engine, subject=subject, command=place.command, record=record)
    reason = "an unexpected error"
    try:
        early = Interruption(announce=observer.stopping, deadline=deadline)
        with early as interruption, _others(storage, run_id, place) as others:
            runner = _Runner(
                subject=subject,
                head=optuna.load_study(study_name=subject.name, storage=storage.optuna),
                session=Session(
                    study=subject.name,
                    storage=storage,
                    study_folder=subject.folder,
                    run_id=run_id,
                    others=others,
                    checkpoint_seconds=place.checkpoint_seconds,
                ),
                place=place,
                data=data,
                observer=observer,
                interruption=interruption,
            )
            if storage.database:
                runner.files.remove_half_written()  # of runs that were killed: this one holds the study alone
            yield runner
        reason = FINISHED
    except HpstudyError as error:
        reason = str(error)
        raise
    except (SQLAlchemyError, StorageInternalError):
        reason = ""  # the database has been waited for long enough
        raise
    finally:
        if reason:
            with suppress(SQLAlchemyError):  # what ended the run is told, not that it could not be noted
                end_run(storage.engine, run_id=run_id, reason=reason)


def _others(storage: Storage, run_id: int, place: Place) -> AbstractContextManager[Others]:
    """The other runners of the study, who see this one as long as the body runs."""
    if storage.database:
        return nullcontext(NoOthers())
    return leased(storage.engine, run_id=run_id, seconds=place.lease_seconds)
