"""Removal of a study with all of its parts."""

from __future__ import annotations

import shutil
from pathlib import Path

import optuna
from sqlalchemy import Connection, delete, select

from hpstudy.artifacts import study_folder
from hpstudy.database import file_of, open_to_read
from hpstudy.errors import ArtifactError, InputError, StorageError, StudyBusyError
from hpstudy.results import queries
from hpstudy.runner_lock import lock_path, require_free
from hpstudy.search.attachments import remove_file, study_attachments, trial_attachments
from hpstudy.search.storage import Storage, open_storage
from hpstudy.tables import (
    ARTIFACTS_ATTRIBUTE,
    EPOCHS,
    IDENTITY_ATTRIBUTE,
    LEASES,
    OPTUNA_STUDIES,
    OPTUNA_TRIALS,
    PART_SEPARATOR,
    RUNS,
)


def check_deletable(url: str, *, study: str) -> None:
    """Refuses what `delete_study` would refuse, before a person is asked; makes no storage where there is none.

    Raises:
        InputError: The storage has no such study of hpstudy's.
        StorageError: There is no such storage, it cannot be read, or a runner has the study.
    """
    database = file_of(url)
    with open_to_read(url) as connection:
        queries.require_studies(connection, url)
        if study not in queries.study_names(connection) and not _left_without_it(connection, study):
            raise _absent(study)
        _require_silence(connection, study)
    if database:
        require_free(lock_path(database, study=study), study=study)


def delete_study(url: str, *, study: str, artifacts: Path) -> None:
    """Deletes a study: its trials, baselines, epochs and runs, and what is left of one that was deleted in part.

    Its files go too, first: weights, predictions, and what was attached to it in Optuna's tools. Stopped half-way, it
    can be deleted again.

    Args:
        url: The storage.
        study: The study's name.
        artifacts: The artifacts folder. Files that lie elsewhere stay.

    Raises:
        InputError: The storage has no such study of hpstudy's.
        StorageError: The storage cannot be used, or a runner has the study.
        ArtifactError: A file cannot be removed; the study stays.
    """
    with open_storage(url) as storage, storage.claimed(study):
        if not _parts(storage, study):
            raise _absent(study)
        storage.exclusive(study, lambda: _delete(storage, study, artifacts))


def _delete(storage: Storage, study: str, artifacts: Path) -> None:
    """Deletes what there is; done again after the server took it back, some of it or all may be gone."""
    storage.transact(lambda connection: _require_silence(connection, study))
    names = _parts(storage, study)
    _delete_files(storage, names, artifacts)
    for name in names:
        _delete_epochs(storage, name)
        optuna.delete_study(study_name=name, storage=storage.optuna)
    storage.transact(lambda connection: _delete_runs(connection, study, on_server=not storage.database))


def _delete_runs(connection: Connection, study: str, *, on_server: bool) -> None:
    if on_server:
        runs = select(RUNS.c.run_id).where(RUNS.c.study == study)
        connection.execute(delete(LEASES).where(LEASES.c.run_id.in_(runs)))
    connection.execute(delete(RUNS).where(RUNS.c.study == study))


def _parts(storage: Storage, study: str) -> list[str]:
    """The Optuna studies to delete, the one that says what they are last: a crash leaves nothing without it."""
    summaries = {summary.study_name: summary for summary in optuna.get_all_study_summaries(storage.optuna)}
    parts = [name for name in summaries if name.startswith(f"{study}{PART_SEPARATOR}")]
    if study not in summaries:
        return storage.transact(lambda connection: queries.parts_left(connection, study))
    # Beside a study that plain Optuna made, names such as NAME/confirm are its maker's.
    return [*parts, study] if IDENTITY_ATTRIBUTE in summaries[study].user_attrs else []


def _left_without_it(connection: Connection, study: str) -> list[str]:
    """What is left of a study that is gone; nothing of one that plain Optuna has under this name."""
    is_there = "" in queries.part_names(connection, study).values()
    return [] if is_there else queries.parts_left(connection, study)


def _require_silence(connection: Connection, study: str) -> None:
    """Refuses a study that a runner on a server has renewed its lease of; on SQLite there are no leases."""
    if queries.live_runs(connection, study):
        raise StudyBusyError(f"{study}: is being run; wait for its runners, or stop them")


def _absent(study: str) -> InputError:
    return InputError(f"{study}: the storage has no such study; `hpstudy list` shows those it has")


def _delete_files(storage: Storage, names: list[str], artifacts: Path) -> None:
    for name in names:
        for attachment in (*study_attachments(storage, name), *trial_attachments(storage, name)):
            remove_file(attachment, folder=artifacts)
        attributes = storage.optuna.get_study_user_attrs(storage.optuna.get_study_id_from_name(name))
        if folder := _own_folder(attributes.get(ARTIFACTS_ATTRIBUTE), study=name):
            _delete_folder(artifacts / folder)


def _own_folder(stored: object, *, study: str) -> str:
    """The study's folder; empty where the storage names another one, which stays."""
    try:
        return study_folder(stored, study=study)
    except StorageError:
        return ""


def _delete_folder(folder: Path) -> None:
    if folder.is_symlink() or not folder.is_dir():  # a link's target lies elsewhere
        return
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise ArtifactError(f"{folder}: cannot be removed ({error.strerror or error})") from error


def _delete_epochs(storage: Storage, name: str) -> None:
    of_study = OPTUNA_TRIALS.join(OPTUNA_STUDIES, OPTUNA_TRIALS.c.study_id == OPTUNA_STUDIES.c.study_id)
    trial_ids = select(OPTUNA_TRIALS.c.trial_id).select_from(of_study).where(OPTUNA_STUDIES.c.study_name == name)
    epochs = delete(EPOCHS).where(EPOCHS.c.trial_id.in_(trial_ids))
    storage.transact(lambda connection: connection.execute(epochs))
