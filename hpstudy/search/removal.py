"""Removal of a study with all of its parts."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, delete, select

from hpstudy.artifacts import study_folder
from hpstudy.database import file_of, read_storage
from hpstudy.errors import ArtifactError, DamagedStudyError, InputError, StorageError, StudyBusyError
from hpstudy.results import queries
from hpstudy.runner_lock import lock_path, require_free
from hpstudy.search.attachments import remove_file, study_attachments, trial_attachments
from hpstudy.search.storage import Storage, open_storage
from hpstudy.tables import (
    ARTIFACTS_ATTRIBUTE,
    EPOCHS,
    LEASES,
    OPTUNA_OF_A_STUDY,
    OPTUNA_OF_A_TRIAL,
    OPTUNA_TRIALS,
    RUNS,
)


def check_deletable(url: str, *, study: str) -> None:
    """Refuses what `delete_study` would refuse, before a person is asked; makes no storage where there is none.

    Raises:
        InputError: The storage has no such study of hpstudy's.
        StorageError: There is no such storage, it cannot be read, or a runner has the study.
    """
    database = file_of(url)

    def check(connection: Connection) -> None:
        queries.require_studies(connection, url)
        if study not in queries.study_names(connection) and not _left_without_it(connection, study):
            raise _absent(study)
        _require_silence(connection, study)

    read_storage(url, check)
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
        if not storage.transact(lambda connection: _parts(connection, study)):
            raise _absent(study)
        storage.exclusive(study, lambda: _delete(storage, study, artifacts))


def _delete(storage: Storage, study: str, artifacts: Path) -> None:
    """Deletes what there is; done again after the server took it back, some of it or all may be gone."""
    storage.transact(lambda connection: _require_silence(connection, study))
    parts = storage.transact(lambda connection: _parts(connection, study))
    _delete_files(storage, parts, artifacts)
    for study_id in parts:
        storage.transact(partial(_delete_rows, study_id=study_id))
    storage.transact(lambda connection: _delete_runs(connection, study, on_server=not storage.database))


def _delete_runs(connection: Connection, study: str, *, on_server: bool) -> None:
    if on_server:
        runs = select(RUNS.c.run_id).where(RUNS.c.study == study)
        connection.execute(delete(LEASES).where(LEASES.c.run_id.in_(runs)))
    connection.execute(delete(RUNS).where(RUNS.c.study == study))


def _parts(connection: Connection, study: str) -> dict[int, str]:
    """The Optuna studies to delete, id to name; last the one that says what they are, which a crash must leave.

    By queries of our own, as the deletion is: Optuna reads what it deletes, and cannot read what is damaged.
    """
    found = queries.part_names(connection, study)
    names = {study_id: name for study_id, name in queries.all_names(connection).items() if study_id in found}
    if study not in names.values():
        left = queries.parts_left(connection, study)
        return {study_id: name for study_id, name in names.items() if name in left}
    # Beside a study that plain Optuna made, names such as NAME/confirm are its maker's.
    if study not in queries.study_names(connection):
        return {}
    return dict(sorted(names.items(), key=lambda item: item[1] == study))


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


def _delete_files(storage: Storage, parts: Mapping[int, str], artifacts: Path) -> None:
    for study_id, name in parts.items():
        for attachment in (*study_attachments(storage, name), *trial_attachments(storage, name)):
            remove_file(attachment, folder=artifacts)
        if folder := _own_folder(_folder(storage, study_id), study=name):
            _delete_folder(artifacts / folder)


def _own_folder(stored: object, *, study: str) -> str:
    """The study's folder; empty where the storage names another one, which stays."""
    try:
        return study_folder(stored, study=study)
    except StorageError:
        return ""


def _folder(storage: Storage, study_id: int) -> str:
    """The name of a study's folder under the artifacts folder; empty where none is stored, or not as hpstudy does."""
    with suppress(DamagedStudyError):
        texts = storage.transact(lambda connection: queries.attribute_texts(connection, study_id))
        known = {key: text for key, text in texts.items() if key == ARTIFACTS_ATTRIBUTE}
        return str(queries.study_attributes(known).get(ARTIFACTS_ATTRIBUTE, ""))
    return ""


def _delete_folder(folder: Path) -> None:
    if folder.is_symlink() or not folder.is_dir():  # a link's target lies elsewhere
        return
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise ArtifactError(f"{folder}: cannot be removed ({error.strerror or error})") from error


def _delete_rows(connection: Connection, *, study_id: int) -> None:
    """Deletes an Optuna study."""
    trials = select(OPTUNA_TRIALS.c.trial_id).where(OPTUNA_TRIALS.c.study_id == study_id)
    for table in (EPOCHS, *OPTUNA_OF_A_TRIAL):
        connection.execute(delete(table).where(table.c.trial_id.in_(trials)))
    for table in OPTUNA_OF_A_STUDY:
        connection.execute(delete(table).where(table.c.study_id == study_id))
