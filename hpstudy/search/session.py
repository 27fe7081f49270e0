"""One `hpstudy run`: opens the study, trains what is left of it, and records how that went."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from optuna.study import Study
from optuna.trial import TrialState

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
from hpstudy.search.trials import TrialSource
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
    """

    study: str
    n_trials: int
    n_ended: int
    n_interrupted: int


class RunObserver(Observer, Protocol):
    """Watches a whole run."""

    def opened(self, plan: Plan) -> None:
        """The study is open; trainings follow."""
        ...

    def stopping(self) -> None:
        """A signal has come: the epochs under way are the last. Called inside a signal handler."""
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
    with open_storage(place.storage_url) as storage, _only_runner(storage, spec.name):
        studies = open_studies(spec, storage)
        observer.opened(_plan(spec, studies))
        with (
            _recorded(spec, storage=storage, place=place) as run_id,
            Interruption(announce=observer.stopping) as interruption,
        ):
            source = make_source(spec, storage=storage, studies=studies, run_id=run_id)
            executor = LocalExecutor(load_data=place.load_data, device=place.device)
            try:
                run(Watched(source, observer=observer), executor, interrupted=interruption.requested)
            except KeyboardInterrupt:
                raise _interrupted(spec, interruption) from None
            finally:
                executor.close()
            if interruption.requested() and _count(studies, *_ENDED) < _n_trainings(spec):
                raise _interrupted(spec, interruption)
        if not _count(studies, TrialState.COMPLETE):
            raise StudyFailedError(f"{spec.name}: no trial succeeded; `hpstudy show {spec.name}` says why")


def make_source(spec: StudySpec, *, storage: Storage, studies: Mapping[str, Study], run_id: int) -> Source:
    """The baselines first, then the search; a fair search takes its architectures in turn."""
    folder = Path(spec.path).resolve().parent

    def trials(name: str, asker: SearchAsker | BaselineAsker) -> TrialSource:
        return TrialSource(studies[name], storage=storage, asker=asker, study_folder=folder, run_id=run_id)

    askers = {name: SearchAsker(studies[name], spec=part) for name, part in searches(spec).items()}
    search = Several([trials(name, asker) for name, asker in askers.items()], order=fewest_first)
    if not spec.baselines:
        return search
    baselines = part_name(spec.name, BASELINES)
    return Several([trials(baselines, BaselineAsker(studies[baselines], spec=spec)), search], order=first_to_last)


def _only_runner(storage: Storage, name: str) -> AbstractContextManager[None]:
    if storage.database is None:
        return nullcontext()
    return hold(lock_path(storage.database, study=name), study=name)


@contextmanager
def _recorded(spec: StudySpec, *, storage: Storage, place: Place) -> Iterator[int]:
    """Keeps a row of this run, whose id it gives, with what it runs on and why it ends."""
    record = describe_run(spec, device=place.device, checksums=place.checksums)
    run_id = begin_run(storage.engine, spec=spec, command=place.command, record=record)
    try:
        yield run_id
    except HpstudyError as error:
        end_run(storage.engine, run_id=run_id, reason=str(error))
        raise
    end_run(storage.engine, run_id=run_id, reason=FINISHED)


def _plan(spec: StudySpec, studies: Mapping[str, Study]) -> Plan:
    return Plan(
        study=spec.name,
        n_trials=_n_trainings(spec),
        n_ended=_count(studies, *_ENDED),
        n_interrupted=_count(studies, TrialState.RUNNING),
    )


def _n_trainings(spec: StudySpec) -> int:
    return len(spec.baselines) + sum(n_search_trials(part) for part in searches(spec).values())


def _count(studies: Mapping[str, Study], *states: TrialState) -> int:
    return sum(len(study.get_trials(deepcopy=False, states=states)) for study in studies.values())


def _interrupted(spec: StudySpec, interruption: Interruption) -> StudyInterruptedError:
    number = interruption.signal_number or signal.SIGINT
    return StudyInterruptedError(
        f"{spec.name}: stopped by {signal.Signals(number).name}; the same command goes on with it",
        signal_number=number,
    )
