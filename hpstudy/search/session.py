"""One `hpstudy run`: opens the study, trains what is left of it, and records how that went."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

import torch
from optuna.study import Study
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from hpstudy.errors import HpstudyError, StudyFailedError, StudyInterruptedError
from hpstudy.executors.local import LoadData, LocalExecutor
from hpstudy.runner_lock import hold, lock_path
from hpstudy.search.askers import BaselineAsker, SearchAsker, n_search_trials
from hpstudy.search.interruption import Interruption
from hpstudy.search.loop import run
from hpstudy.search.provenance import describe_run
from hpstudy.search.runs import begin_run, end_run
from hpstudy.search.source import Observer, Several, Source, Watched, fewest_first, first_to_last
from hpstudy.search.storage import Storage, open_storage
from hpstudy.search.studies import open_studies, part_name, searches
from hpstudy.search.trials import FailureCount, TrialSource
from hpstudy.spec.study import StudySpec
from hpstudy.tables import BASELINES, FINISHED

_ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass(frozen=True)
class Place:
    """Where a study runs.

    Attributes:
        storage_url: SQLAlchemy URL of the storage.
        load_data: Gives the images, on the device.
        device: Where models are trained.
        command: The command line, for the record.
        checksums: SHA-256 of each data file, for the record.
    """

    storage_url: str
    load_data: LoadData
    device: torch.device
    command: str
    checksums: Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """What a run has before it, for a progress display.

    Attributes:
        study: The study's name.
        n_trials: Trainings in all: sampled trials and baselines.
        n_ended: Those that had ended before this run.
        n_interrupted: Those that an earlier run left unfinished.
        best: Validation accuracy of the best trial of the search so far; None before one is complete.
    """

    study: str
    n_trials: int
    n_ended: int
    n_interrupted: int
    best: float | None


class RunObserver(Observer, Protocol):
    """Watches a whole run."""

    def opened(self, plan: Plan) -> None:
        """The study is open; trainings follow."""
        ...

    def stopping(self, signal_number: int) -> None:
        """A signal has come: the epochs under way are the last. Called in a thread of its own."""
        ...


def run_study(spec: StudySpec, *, place: Place, observer: RunObserver) -> None:
    """Trains a study's baselines and trials until all have ended; what an earlier run has done is not done again.

    Args:
        spec: The study, checked.
        place: Where it runs.
        observer: Is told of everything that happens.

    Raises:
        InputError: The storage has a study of this name that is another one.
        StorageError: The storage cannot be used, or another runner has the study.
        DataError: The images cannot be read.
        StudyFailedError: Nothing succeeded, or five trials in a row failed.
        StudyInterruptedError: A signal stopped it.
    """
    with (
        open_storage(place.storage_url) as storage,
        hold(lock_path(storage.database, study=spec.name), study=spec.name),
    ):
        studies = open_studies(spec, storage, checksums=place.checksums)
        observer.opened(_plan(spec, studies))
        with (
            _recorded(spec, storage=storage, place=place) as run_id,
            Interruption(announce=observer.stopping) as interruption,
        ):
            source = Watched(make_source(spec, storage=storage, studies=studies, run_id=run_id), observer=observer)
            executor = LocalExecutor(load_data=place.load_data, device=place.device)
            try:
                run(source, executor, interrupted=interruption.requested)
            except KeyboardInterrupt:
                raise _interrupted(spec, interruption) from None
            finally:
                executor.close()
            if interruption.requested() and _n_left(spec, studies):
                raise _interrupted(spec, interruption)
            if not any(_count(studies[name], TrialState.COMPLETE) for name in searches(spec)):
                raise StudyFailedError(f"{spec.name}: no trial succeeded; `hpstudy show {spec.name}` says why")


def make_source(spec: StudySpec, *, storage: Storage, studies: Mapping[str, Study], run_id: int) -> Source:
    """The baselines first, then the search; a fair search takes its architectures in turn."""
    failures = FailureCount()

    def trials(name: str, asker: SearchAsker | BaselineAsker) -> TrialSource:
        return TrialSource(
            studies[name],
            storage=storage,
            asker=asker,
            study_folder=spec.folder,
            run_id=run_id,
            failures=failures,
        )

    askers = {name: SearchAsker(studies[name], spec=part) for name, part in searches(spec).items()}
    search = Several([trials(name, asker) for name, asker in askers.items()], order=fewest_first)
    if not spec.baselines:
        return search
    baselines = part_name(spec.name, BASELINES)
    return Several([trials(baselines, BaselineAsker(studies[baselines], spec=spec)), search], order=first_to_last)


@contextmanager
def _recorded(spec: StudySpec, *, storage: Storage, place: Place) -> Iterator[int]:
    """Keeps a row of this run, whose id it gives, with what it runs on and why it ends."""
    record = describe_run(spec, device=place.device, checksums=place.checksums)
    run_id = begin_run(storage.engine, spec=spec, command=place.command, record=record)
    reason = "an unexpected error"
    try:
        yield run_id
        reason = FINISHED
    except HpstudyError as error:
        reason = str(error)
        raise
    finally:
        with suppress(SQLAlchemyError):  # the database may be what failed
            end_run(storage.engine, run_id=run_id, reason=reason)


def _plan(spec: StudySpec, studies: Mapping[str, Study]) -> Plan:
    n_ended = sum(_count(study, *_ENDED) for study in studies.values())
    complete = [
        float(trial.value or 0.0)
        for name in searches(spec)
        for trial in studies[name].get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    ]
    return Plan(
        study=spec.name,
        n_trials=n_ended + _n_left(spec, studies),
        n_ended=n_ended,
        n_interrupted=sum(_count(study, TrialState.RUNNING) for study in studies.values()),
        best=max(complete, default=None),
    )


def _n_left(spec: StudySpec, studies: Mapping[str, Study]) -> int:
    """Trainings that have not ended: those that no run has begun, and those that one has left unfinished."""
    left = {name: n_search_trials(part) for name, part in searches(spec).items()}
    if spec.baselines:
        left[part_name(spec.name, BASELINES)] = len(spec.baselines)
    return sum(
        max(total - _count(studies[name], *_ENDED), _count(studies[name], TrialState.RUNNING))
        for name, total in left.items()
    )


def _count(study: Study, *states: TrialState) -> int:
    return len(study.get_trials(deepcopy=False, states=states))


def _interrupted(spec: StudySpec, interruption: Interruption) -> StudyInterruptedError:
    number = interruption.signal_number or signal.SIGINT
    return StudyInterruptedError(
        f"{spec.name}: stopped by {signal.Signals(number).name}; the same command goes on with it",
        signal_number=number,
    )
