"""Removal of a study with all of its parts."""

from __future__ import annotations

from contextlib import nullcontext

import optuna
from sqlalchemy import delete

from hpstudy.database import sqlite_file
from hpstudy.errors import InputError
from hpstudy.runner_lock import hold, lock_path
from hpstudy.search.storage import Storage, open_storage
from hpstudy.tables import EPOCHS, IDENTITY_ATTRIBUTE, PART_SEPARATOR, RUNS


def delete_study(url: str, *, study: str) -> None:
    """Deletes a study: its trials, baselines, epochs and runs.

    Raises:
        InputError: The storage has no such study of hpstudy's.
        StorageError: The storage cannot be used, or a runner has the study.
    """
    database = sqlite_file(url)
    with open_storage(url) as storage:
        lock = nullcontext() if database is None else hold(lock_path(database, study=study), study=study)
        with lock:
            _delete(storage, study)


def _delete(storage: Storage, study: str) -> None:
    summaries = {summary.study_name: summary for summary in optuna.get_all_study_summaries(storage.optuna)}
    if study not in summaries or IDENTITY_ATTRIBUTE not in summaries[study].user_attrs:
        raise InputError(f"{study}: the storage has no such study; `hpstudy list` shows those it has")
    parts = [name for name in summaries if name == study or name.startswith(f"{study}{PART_SEPARATOR}")]
    for name in parts:
        study_id = storage.optuna.get_study_id_from_name(name)
        trial_ids = [
            storage.optuna.get_trial_id_from_study_id_trial_number(study_id, trial.number)
            for trial in storage.optuna.get_all_trials(study_id, deepcopy=False)
        ]
        with storage.engine.begin() as connection:
            for trial_id in trial_ids:
                connection.execute(delete(EPOCHS).where(EPOCHS.c.trial_id == trial_id))
        optuna.delete_study(study_name=name, storage=storage.optuna)
    with storage.engine.begin() as connection:
        connection.execute(delete(RUNS).where(RUNS.c.study == study))
