"""Removal of a study with all of its parts."""

from __future__ import annotations

import optuna
from sqlalchemy import delete, select

from hpstudy.database import sqlite_file
from hpstudy.errors import InputError
from hpstudy.runner_lock import hold, lock_path
from hpstudy.search.storage import Storage, open_storage
from hpstudy.tables import EPOCHS, IDENTITY_ATTRIBUTE, OPTUNA_STUDIES, OPTUNA_TRIALS, PART_SEPARATOR, RUNS


def delete_study(url: str, *, study: str) -> None:
    """Deletes a study: its trials, baselines, epochs and runs, and what is left of one that was deleted in part.

    Raises:
        InputError: The storage has no such study of hpstudy's.
        StorageError: The storage cannot be used, or a runner has the study.
    """
    with open_storage(url) as storage, hold(lock_path(sqlite_file(url), study=study), study=study):
        names = _parts(storage, study)
        if not names:
            raise InputError(f"{study}: the storage has no such study; `hpstudy list` shows those it has")
        for name in names:
            _delete_epochs(storage, name)
            optuna.delete_study(study_name=name, storage=storage.optuna)
        with storage.engine.begin() as connection:
            connection.execute(delete(RUNS).where(RUNS.c.study == study))


def _parts(storage: Storage, study: str) -> list[str]:
    """The Optuna studies to delete, the one that says what they are last: a crash leaves nothing without it."""
    summaries = {summary.study_name: summary for summary in optuna.get_all_study_summaries(storage.optuna)}
    parts = [name for name in summaries if name.startswith(f"{study}{PART_SEPARATOR}")]
    ours = study in summaries and IDENTITY_ATTRIBUTE in summaries[study].user_attrs
    return [*parts, study] if ours else parts


def _delete_epochs(storage: Storage, name: str) -> None:
    of_study = OPTUNA_TRIALS.join(OPTUNA_STUDIES, OPTUNA_TRIALS.c.study_id == OPTUNA_STUDIES.c.study_id)
    trial_ids = select(OPTUNA_TRIALS.c.trial_id).select_from(of_study).where(OPTUNA_STUDIES.c.study_name == name)
    with storage.engine.begin() as connection:
        connection.execute(delete(EPOCHS).where(EPOCHS.c.trial_id.in_(trial_ids)))
