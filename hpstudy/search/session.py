"""One `hpstudy run` or `confirm`: opens the study and trains what is left of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from optuna.trial import TrialState

from hpstudy.errors import InputError, StudyFailedError
from hpstudy.search.configurations import choose_configurations
from hpstudy.search.examination import require_sound
from hpstudy.search.place import Place
from hpstudy.search.plan import count, n_left, search_plan
from hpstudy.search.preflight import first_config
from hpstudy.search.runner import RunObserver, begun
from hpstudy.search.sources import search_source
from hpstudy.search.storage import Storage, open_storage
from hpstudy.search.studies import check_evidence, open_studies, require_searched, searches
from hpstudy.search.subject import stored_subject, subject_of
from hpstudy.spec.study import StudySpec


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
    require_sound(place.storage_url, study=spec.name)
    data = place.load_data(first_config(spec, spec.architectures[0]), "search")
    with _claimed(spec.name, place, observer) as storage:
        studies = storage.exclusive(spec.name, lambda: open_studies(spec, storage, checksums=data.train.checksums))
        under_way = begun(
            subject_of(spec), storage=storage, place=place, data=data, observer=observer, deadline=deadline
        )
        with under_way as runner:
            source = search_source(spec, studies, files=runner.files, context=runner.context)
            stage = search_plan(spec, studies, live=runner.live())
            runner.train(source, stage=stage, n_left=lambda: n_left(spec, studies))
            succeeded = any(count(studies[name], TrialState.COMPLETE) for name in searches(spec))
            if succeeded:
                runner.record_models()
            if succeeded and spec.confirm:
                runner.confirm(top=spec.confirm.top, seeds=spec.confirm.seeds)
    if not succeeded:  # the run has ended all the same: nothing of it is left to train
        raise StudyFailedError(f"{spec.name}: no trial succeeded; `hpstudy show {spec.name}` says why")


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
        StudyBusyError: Others are searching it (on a server).
        StorageError: As `run_study`; and so are the others.
    """
    require_sound(place.storage_url, study=name)
    with _claimed(name, place, observer) as storage:
        subject = stored_subject(storage, name)
        configurations = choose_configurations(storage, name, top=1)
        if not configurations:
            raise InputError(f"{name}: no trial is complete yet, so there is nothing to confirm")
        data = place.load_data(configurations[0].config, "search")
        check_evidence(subject, storage, checksums=data.train.checksums)
        under_way = begun(subject, storage=storage, place=place, data=data, observer=observer, deadline=deadline)
        with under_way as runner:
            require_searched(storage, name, live=runner.live())
            runner.record_models()
            runner.confirm(top=top, seeds=seeds)


@contextmanager
def _claimed(study: str, place: Place, observer: RunObserver) -> Iterator[Storage]:
    """The open storage, with what a runner of the study holds there."""
    with open_storage(place.storage_url, say=observer.waiting) as storage, storage.claimed(study):
        yield storage
