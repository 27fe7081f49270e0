"""Writes that wait until a full disk has room again, instead of ending a study that has trained for hours."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy.exc import OperationalError

WAIT_SECONDS = 60.0
"""So long a write is tried again. A lock needs no second try: SQLite itself waits for it (`storage.py`)."""

_PAUSE_SECONDS = 1.0

_MAY_PASS = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
"""A full disk; and a quota or a file size that is exceeded, which SQLite takes for a fault of the disk."""

_REMEDIES = {
    sqlite3.SQLITE_FULL: "free some space",
    sqlite3.SQLITE_IOERR: "see whether the disk is full or broken",
    sqlite3.SQLITE_BUSY: "end the program that holds it",
}
"""What a person can do about a kind of error, after which the same command goes on."""

_OPTUNAS_WRITES = (
    "_create_new_trial",
    "_set_trial_param",
    "create_new_study",
    "set_study_system_attr",
    "set_study_user_attr",
    "set_trial_intermediate_value",
    "set_trial_state_values",
    "set_trial_system_attr",
    "set_trial_user_attr",
)
"""Those that the cache which Optuna lays before a storage calls: of a new trial and a parameter the inner ones."""

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def patient(write: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """A write that is tried again while SQLite finds the disk full, up to `WAIT_SECONDS`.

    Args:
        write: One transaction: what failed was rolled back whole, and can be done again.
    """

    @wraps(write)
    def patient_write(*arguments: _Arguments.args, **keywords: _Arguments.kwargs) -> _Result:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                return write(*arguments, **keywords)
            except (OperationalError, StorageInternalError) as error:
                if _kind(error) not in _MAY_PASS or time.monotonic() > deadline:
                    raise
            time.sleep(_PAUSE_SECONDS)

    return patient_write


def make_patient(storage: RDBStorage) -> None:
    """Makes the writes of an open Optuna storage patient; each of them is one transaction (Optuna 5.0)."""
    for name in _OPTUNAS_WRITES:
        setattr(storage, name, patient(getattr(storage, name)))


def remedy(error: Exception) -> str:
    """What a person can do about a failed write, for the end of a sentence; empty where nothing is known."""
    known = _REMEDIES.get(_kind(error))
    return f"; {known}, then the same command goes on" if known else ""


def _kind(error: Exception) -> int:
    """SQLite's code of an error, without what refines it (the upper bytes); 0 for an error that is not SQLite's."""
    cause = error.__cause__ if isinstance(error, StorageInternalError) else error
    return int(getattr(getattr(cause, "orig", None), "sqlite_errorcode", 0)) & 0xFF
