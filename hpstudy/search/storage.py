"""The study storage: Optuna's tables and hpstudy's own, in one database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import optuna
from optuna.storages import RDBStorage
from sqlalchemy import Connection, Engine, Insert, Table, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url

from hpstudy.database import TEXT, check_sqlite_file, database_fact, file_of, shown_place
from hpstudy.errors import StorageError
from hpstudy.results.queries import all_names
from hpstudy.runner_lock import hold, lock_path
from hpstudy.search.optuna_storage import PatientStorage
from hpstudy.search.patience import DATABASE_ERRORS, Patience, remedy
from hpstudy.search.server import lock, open_server
from hpstudy.tables import EPOCHS, METADATA
from hpstudy.training.job import EpochResult

_OPENING_SECONDS = 60.0
"""So long the opening of a file waits for a program that holds it."""

_BUSY_SECONDS = 1.0
"""So long SQLite itself waits for another writer, and no signal is taken; then it is tried again, as all that fails."""

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Storage:
    """An open storage.

    Attributes:
        database: The SQLite file; None for a PostgreSQL server.
        optuna: Optuna's view of it.
    """

    database: Path | None
    optuna: PatientStorage

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

    def exclusive(self, study: str, body: Callable[[], _Result], *, undo: Callable[[], None] | None = None) -> _Result:
        """What a body gives while no other runner of a study counts, asks for trials or changes what they share.

        On a server the body is one transaction, whose locks end with it: all that it stores is there or nothing, and it
        stores nothing where it raises an error. If the server ends it in the middle the body is done again from its
        beginning. If it ends while it is committed nobody knows which of the two it is, so a body looks for what it has
        done before; and it finds that, since the lock has waited for the end of the former transaction. Runners wait
        here for each other: a body is to be short, and must not ask for this again.

        On SQLite a study has one runner at most, and each step of the body is stored for itself.

        Args:
            study: The study's name.
            body: What is to be done.
            undo: Called before the body is done again: makes it forget what it believed to have stored.
        """
        if self.database:
            return body()
        n_attempts = 0

        def attempt() -> _Result:
            nonlocal n_attempts
            n_attempts += 1
            if n_attempts > 1 and undo:
                undo()
            with self.engine.begin() as connection:
                lock(connection, study)
                with self.optuna.joined(connection):
                    return body()

        return self.optuna.patience.repeat(attempt)

    def transact(self, body: Callable[[Connection], _Result]) -> _Result:
        """What a body gives that reads or writes in one transaction; within an exclusive body in that one's.

        Args:
            body: Is done again where the transaction did not take place, or may have done so: it has to leave the same
                behind if it is done twice.
        """

        def attempt() -> _Result:
            if self.optuna.connection is not None:
                return body(self.optuna.connection)
            with self.engine.begin() as connection:
                return body(connection)

        return self.optuna.patience.repeat(attempt)

    def study_names(self) -> list[str]:
        """The names of all Optuna studies, parts included."""
        # By a query of our own: Optuna reads all that every study has, and one that is damaged would hide the others.
        return list(self.transact(all_names).values())

    def trial_id(self, study: str, number: int) -> int:
        """Optuna's id of a trial, by the name of its Optuna study and its number, which exist."""
        study_id = self.optuna.get_study_id_from_name(study)
        return self.optuna.get_trial_id_from_study_id_trial_number(study_id, number)

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
        self.transact(lambda connection: connection.execute(self.replacing(EPOCHS, row)))

    def n_epochs(self, trial_id: int) -> int:
        """How many epochs of a trial are stored."""
        of_trial = select(func.count()).select_from(EPOCHS).where(EPOCHS.c.trial_id == trial_id)
        return self.transact(lambda connection: int(connection.execute(of_trial).scalar_one()))

    def forget_epochs(self, trial_id: int) -> None:
        """Deletes the epochs of a trial: SQLite gives the ids of trials that were deleted with Optuna out again."""
        of_trial = delete(EPOCHS).where(EPOCHS.c.trial_id == trial_id)
        self.transact(lambda connection: connection.execute(of_trial))

    def replacing(self, table: Table, row: Mapping[str, Any]) -> Insert:
        """An insertion of a row that takes the place of the one with its primary key, if there is one."""
        insert = sqlite.insert(table) if self.database else postgresql.insert(table)
        key = [column.name for column in table.primary_key]
        return insert.values(row).on_conflict_do_update(index_elements=key, set_=row)


@contextmanager
def open_storage(url: str, *, say: Callable[[str], None] | None = None) -> Iterator[Storage]:
    """Opens a storage for writing, and makes it where there is none; closes it at the end.

    Args:
        url: `sqlite:///FILE`, or `postgresql+psycopg://USER:PASSWORD@HOST/DATABASE`.
        say: As in `Patience`.

    Raises:
        InputError: The URL cannot be used.
        StorageError: The database cannot be opened, or fails while it is used. No message holds a password.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    database = file_of(url)
    patience = Patience(say=say)
    with _told_in_a_sentence(url), patience.watched():
        storage = Storage(database, _opened(url, database, patience))
        try:
            yield storage
        finally:
            storage.optuna.remove_session()
            storage.engine.dispose()


def _opened(url: str, database: Path | None, patience: Patience) -> PatientStorage:
    try:
        return open_server(url, patience) if database is None else _open_file(url, database, patience)
    except RuntimeError as error:  # the schema of another version of Optuna
        raise StorageError(f"{shown_place(url)}: the database cannot be used ({error})") from error


def _open_file(url: str, database: Path, patience: Patience) -> PatientStorage:
    # Two processes that create one file at once fail in Optuna's schema: one lock around it.
    with hold(lock_path(database, study=""), study=database.name, patience_seconds=_OPENING_SECONDS):
        check_sqlite_file(database)
        if not database.exists():
            _create_sqlite(url, database)
        storage = PatientStorage(FileConnector(url, database), patience=patience)
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


class FileConnector:
    """Connects to a SQLite file.

    Attributes:
        url: SQLAlchemy's.
        pings: A file is always there.
    """

    pings = False

    def __init__(self, url: str, database: Path) -> None:
        """Connects to nothing yet."""
        self.url = url
        self._database = database.absolute()
        self._busy_seconds = _OPENING_SECONDS

    def __reduce__(self) -> tuple[type[FileConnector], tuple[str, Path]]:
        return FileConnector, (self.url, self._database)

    def opened(self) -> None:
        """From here on what meets another writer is repeated."""
        self._busy_seconds = _BUSY_SECONDS

    def connect(self) -> sqlite3.Connection:
        """A connection that any thread may use, one at a time."""
        connection = sqlite3.connect(self._database, timeout=self._busy_seconds, check_same_thread=False)
        connection.text_factory = TEXT
        # Readers never block the runner, and a trial costs a third of what the rollback journal takes.
        connection.execute("PRAGMA journal_mode=WAL").close()
        connection.execute("PRAGMA synchronous=NORMAL").close()
        return connection


@contextmanager
def _told_in_a_sentence(url: str) -> Iterator[None]:
    try:
        yield
    except DATABASE_ERRORS as error:
        fact = database_fact(error if error.__cause__ is None or hasattr(error, "orig") else error.__cause__, url)
        raise StorageError(f"{shown_place(url)}: the database cannot be used ({fact}){remedy(error)}") from error
