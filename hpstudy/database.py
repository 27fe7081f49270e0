"""Which database a storage URL names, whether it can be one, and how it is read without being written."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from hpstudy.errors import InputError, StorageError
from hpstudy.sqlite_reading import check_journals, read_committed

_SERVER = "postgresql"
_SERVER_URL = f"{_SERVER}+psycopg://"
"""With its driver: what the name alone means depends on SQLAlchemy's version."""

_MAGIC = b"SQLite format 3\x00"

_PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""What libpq is told, in seconds and the last in milliseconds: a server that is gone without a word, as when a cable is
pulled, is noticed within a minute. Without it Linux tries for a quarter of an hour."""

_ATTEMPTS = 5
_PAUSE_SECONDS = 1.0
"""A server that ends a connection while it is read is asked so often, so long apart."""

_Result = TypeVar("_Result")

TEXT = partial(str, encoding="utf-8", errors="surrogateescape")
"""How a SQLite file's text is read: Python's driver would give up a whole query for one byte that is no UTF-8."""


def file_of(url: str) -> Path | None:
    """The file of a SQLite URL; None for a PostgreSQL server.

    Raises:
        InputError: The URL cannot be understood, names no file, or is of another database.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == _SERVER:
        return None
    if parsed.get_backend_name() != "sqlite":
        # Only the kind is named: the rest of the URL may hold a password.
        raise InputError(
            f"--storage: {parsed.get_backend_name()} is not supported yet; use sqlite:///FILE, or {_SERVER}+psycopg://…"
        )
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite"}:
        raise InputError(f"--storage: {parsed.drivername} is not supported; use sqlite:///FILE")
    if not parsed.database or parsed.database == ":memory:" or parsed.database.startswith("file:"):
        raise InputError("--storage: a study needs a file: sqlite:///hpstudy.db")
    return Path(parsed.database)


def shown_place(url: str) -> str:
    """The storage of a URL as messages name it: a file, or host and database without user and password.

    Raises:
        InputError: As for `file_of`.
    """
    database = file_of(url)
    if database is not None:
        return str(database)
    parsed = _parsed(url)
    return f"{parsed.host or 'localhost'}{f':{parsed.port}' if parsed.port else ''}/{parsed.database or ''}"


def check_sqlite_file(database: Path) -> None:
    """Refuses what SQLite could not use, or would overwrite, as a database.

    Raises:
        StorageError: A folder is missing, something else than a SQLite database is there, or its journal does harm.
    """
    if not database.parent.is_dir():
        raise StorageError(f"{database.parent}: there is no such folder; make it, or choose another --storage")
    if not database.exists():
        return
    if not database.is_file():
        raise StorageError(f"{database}: is no file; choose another --storage")
    try:
        with database.open("rb") as file:
            head = file.read(18)
            n_bytes = file.seek(0, os.SEEK_END)
    except OSError as error:
        raise StorageError(f"{database}: cannot be read ({error.strerror})") from error
    if not head.startswith(_MAGIC):
        found = "an empty file" if not head else "no SQLite database"
        raise StorageError(f"{database}: is {found}; nothing was overwritten; choose another --storage")
    # SQLite reads what is missing of the last page as zeros. The header's 1 stands for pages of 65,536 bytes.
    page_bytes = int.from_bytes(head[len(_MAGIC) :], "big")
    if n_bytes % (page_bytes if page_bytes > 1 else 65_536):
        raise StorageError(f"{database}: its end is missing; restore a copy, or choose another --storage")
    check_journals(database)


@contextmanager
def open_to_read(url: str) -> Iterator[Connection]:
    """A connection that cannot write, to a storage that exists, and sees it at one moment; closed at the end.

    Args:
        url: `sqlite:///FILE`, or `postgresql+psycopg://USER:PASSWORD@HOST/DATABASE`.

    Raises:
        InputError: The URL cannot be used.
        StorageError: There is no such file or server, or it cannot be read. No message holds a password.
    """
    database = file_of(url)
    try:
        with _reading_engine(url) if database is None else _file_engine(database) as engine:
            try:
                with engine.connect() as connection:
                    yield connection
            finally:
                engine.dispose()
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise StorageError(
            f"{shown_place(url)}: cannot be read ({database_fact(error, url)}){_reading_remedy(error)}"
        ) from error


def read_storage(url: str, body: Callable[[Connection], _Result]) -> _Result:
    """What a body reads, through a connection as `open_to_read` opens it.

    Where a server ends the connection meanwhile, as when it is started again, the body is done again.

    Args:
        url: As in `open_to_read`, and so are the errors.
        body: Reads alone.
    """
    n_left = _ATTEMPTS
    while True:
        try:
            with open_to_read(url) as connection:
                return body(connection)
        except StorageError as error:
            n_left -= 1
            if not n_left or not getattr(error.__cause__, "connection_invalidated", False):
                raise
        time.sleep(_PAUSE_SECONDS)


def server_connections(url: str) -> Callable[[], Any]:
    """What makes connections of psycopg's to a PostgreSQL server; nothing is connected yet.

    Args:
        url: As in `open_to_read`.

    Raises:
        InputError: There is no such driver.
        StorageError: The driver is not installed.
    """
    parsed = _parsed(url)
    if parsed.drivername not in {_SERVER, f"{_SERVER}+psycopg"}:
        raise InputError(f"--storage: hpstudy knows no such driver; write {_SERVER_URL}USER:PASSWORD@HOST/DATABASE")
    try:
        dialect = create_engine(_SERVER_URL).dialect
        from hpstudy.server_connection import ServerConnection  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise StorageError(
            f"--storage: {_SERVER} needs its driver; run pip install -e '.[postgres]' in hpstudy's folder"
        ) from error
    arguments, parameters = dialect.create_connect_args(parsed.set(query={**_PATIENCE, **parsed.query}))
    return partial(ServerConnection.connect, *arguments, **parameters)


def server_engine(url: str) -> Engine:
    """An engine for a PostgreSQL server; nothing is connected yet.

    Args:
        url: As in `open_to_read`. The engine itself learns neither user nor password.

    Raises:
        InputError: There is no such driver.
        StorageError: The driver is not installed.
    """
    return create_engine(_SERVER_URL, creator=server_connections(url))


def database_fact(error: BaseException, url: str) -> str:
    """What a database says of an error: the driver's first line, without the URL's password.

    No driver is known to repeat a password, but some repeat what they could not understand.
    """
    fact = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    parsed = _parsed(url)
    for secret in filter(None, (parsed.password, *parsed.normalized_query.get("password", ()))):
        fact = fact.replace(str(secret), "***")
    return fact


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):
        raise InputError("--storage: this is no database URL; write for example sqlite:///hpstudy.db") from None
    if "@" in f"{parsed.host}{parsed.database}" and parsed.get_backend_name() == _SERVER:
        # Read on, the rest of the password would be taken for the host, and shown as such.
        raise InputError("--storage: write an @ in a password as %40, a / as %2F and a : as %3A")
    return parsed


@contextmanager
def _file_engine(database: Path) -> Iterator[Engine]:
    if not database.exists():
        raise StorageError(f"{database}: there is no storage yet; `hpstudy run STUDY.yaml` makes it")
    check_sqlite_file(database)
    with read_committed(database) as connection:
        connection.text_factory = TEXT
        engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
        # Python's driver begins no transaction for what only reads: each query would see another moment.
        event.listen(engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN"))
        yield engine


@contextmanager
def _reading_engine(url: str) -> Iterator[Engine]:
    """An engine whose transactions read alone, each from one moment of the database."""
    yield server_engine(url).execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _reading_remedy(error: Exception) -> str:
    cause = getattr(error, "orig", error)
    is_busy = getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
    return "; wait for the program that writes to it, or end it" if is_busy else ""
