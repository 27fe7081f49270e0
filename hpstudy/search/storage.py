"""The study storage: Optuna's tables and hpstudy's own, in one database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages import RDBStorage
from sqlalchemy import Engine, delete, event, func, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from hpstudy.database import check_sqlite_file, database_fact, file_of, shown_place
from hpstudy.errors import StorageError
from hpstudy.runner_lock import hold, lock_path
from hpstudy.search.patience import make_patient, patient, remedy
from hpstudy.search.server import lock, open_server
from hpstudy.tables import EPOCHS, METADATA
from hpstudy.training.job import EpochResult

_BUSY_SECONDS = 60
"""How long SQLite waits for another writer; its default of 5 s is short beside a dashboard that reads much."""


@dataclass(frozen=True)
class Storage:
    """An open storage.

    Attributes:
        database: The SQLite file; None for a PostgreSQL server.
        optuna: Optuna's view of it.
    """

    database: Path | None
    optuna: RDBStorage

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's view of it."""
        return self.optuna.engine

    @contextmanager
    def claimed(self, study: str) -> Iterator[None]:
        """What a runner of a study holds as long as it runs: on SQLite the study itself, on a server nothing.

        Raises:
            StudyBusyError: Another runner has it.
            StorageError: The lock file cannot be written.
        """
        with hold(lock_path(self.database, study=study), study=study) if self.database else nullcontext():
            yield

    @contextmanager
    def alone(self, study: str) -> Iterator[None]:
        """While the body runs, no other runner of a study counts, asks for trials or changes what they share.

        On a server runners wait here for each other, so the body is to be short, and must not ask for it again. On
        SQLite a study has one runner at most.
        """
        if self.database:
            yield
            return
        with self.engine.begin() as connection:
            lock(connection, study)
            yield

    def study_names(self) -> list[str]:
        """The names of all Optuna studies, parts included."""
        return [study.study_name for study in self.optuna.get_all_studies()]

    @patient
    def write_epoch(self, trial_id: int, result: EpochResult) -> None:
        """Stores an epoch; one that is there already is replaced.

        Args:
            trial_id: Optuna's `trials.trial_id`.
            result: Finite losses only: a divergent epoch is not stored.
        """
        row = {
            "trial_id": trial_id,
            "epoch": result.epoch,
            "learning_rate": result.learning_rate,
            "train_loss": result.train_loss,
            "train_accuracy": result.train_accuracy,
            "val_loss": result.val_loss,
            "val_accuracy": result.val_accuracy,
            "seconds": result.seconds,
        }
        same = (EPOCHS.c.trial_id == trial_id) & (EPOCHS.c.epoch == result.epoch)
        with self.engine.begin() as connection:
            connection.execute(delete(EPOCHS).where(same))
            connection.execute(insert(EPOCHS).values(row))

    def n_epochs(self, trial_id: int) -> int:
        """How many epochs of a trial are stored."""
        of_trial = select(func.count()).select_from(EPOCHS).where(EPOCHS.c.trial_id == trial_id)
        with self.engine.connect() as connection:
            return int(connection.execute(of_trial).scalar_one())

    @patient
    def forget_epochs(self, trial_id: int) -> None:
        """Deletes the epochs of a trial: SQLite gives the ids of trials that were deleted with Optuna out again."""
        with self.engine.begin() as connection:
            connection.execute(delete(EPOCHS).where(EPOCHS.c.trial_id == trial_id))


@contextmanager
def open_storage(url: str) -> Iterator[Storage]:
    """Opens a storage for writing, and makes it where there is none; closes it at the end.

    Args:
        url: `sqlite:///FILE`, or `postgresql+psycopg://USER:PASSWORD@HOST/DATABASE`.

    Raises:
        InputError: The URL cannot be used.
        StorageError: The database cannot be opened, or fails while it is used. No message holds a password.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    database = file_of(url)
    with _told_in_a_sentence(url):
        storage = Storage(database, _opened(url, database))
        try:
            yield storage
        finally:
            storage.optuna.remove_session()
            storage.engine.dispose()


def _opened(url: str, database: Path | None) -> RDBStorage:
    try:
        return open_server(url) if database is None else _open_file(url, database)
    except RuntimeError as error:  # the schema of another version of Optuna
        raise StorageError(f"{shown_place(url)}: the database cannot be used ({error})") from error


def _open_file(url: str, database: Path) -> RDBStorage:
    # Two processes that create one file at once fail in Optuna's schema: one lock around it.
    with hold(lock_path(database, study=""), study=database.name, patience_seconds=_BUSY_SECONDS):
        check_sqlite_file(database)
        if not database.exists():
            _create_sqlite(url, database)
        storage = _open_sqlite(url)
        METADATA.create_all(storage.engine)
    return storage


def _create_sqlite(url: str, database: Path) -> None:
    """Makes a database that takes its name once it is whole: a run killed meanwhile leaves none, not half of one."""
    new = database.with_name(f".{database.name}.new")
    for left in (new, new.with_name(f"{new.name}-journal")):  # of a run that was killed here
        left.unlink(missing_ok=True)
    storage = RDBStorage(make_url(url).set(database=str(new)).render_as_string(hide_password=False))
    METADATA.create_all(storage.engine)
    storage.remove_session()
    storage.engine.dispose()
    new.replace(database)


def _open_sqlite(url: str) -> RDBStorage:
    storage = RDBStorage(url, engine_kwargs={"connect_args": {"timeout": _BUSY_SECONDS}})
    event.listen(storage.engine, "connect", _use_write_ahead_log)
    storage.engine.dispose()  # the connections that opening left behind were made before the listener
    make_patient(storage)
    return storage


def _use_write_ahead_log(connection: sqlite3.Connection, _record: object) -> None:
    # Readers never block the runner, and a trial costs a third of what the rollback journal takes.
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


@contextmanager
def _told_in_a_sentence(url: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        cause = error.__cause__ if isinstance(error, optuna.exceptions.StorageInternalError) else error
        fact = database_fact(cause or error, url)
        raise StorageError(f"{shown_place(url)}: the database cannot be used ({fact}){remedy(error)}") from error
