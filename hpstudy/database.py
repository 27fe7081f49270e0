"""Which file a storage URL names, whether it can be a database, and how it is read without being written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from hpstudy.errors import InputError, StorageError


def sqlite_file(url: str) -> Path:
    """The file of a SQLite URL.

    Raises:
        InputError: The URL cannot be understood, names no file, or is of another database.
    """
    try:
        parsed = make_url(url)
    except SQLAlchemyError:
        raise InputError("--storage: this is no database URL; write for example sqlite:///hpstudy.db") from None
    if parsed.get_backend_name() != "sqlite":
        # Only the kind is named: the rest of the URL may hold a password.
        raise InputError(f"--storage: {parsed.get_backend_name()} is not supported yet; use sqlite:///FILE")
    if not parsed.database or parsed.database == ":memory:":
        raise InputError("--storage: a study needs a file: sqlite:///hpstudy.db")
    return Path(parsed.database)


def check_sqlite_file(database: Path) -> None:
    """Refuses what SQLite could not use, or would overwrite, as a database.

    Raises:
        StorageError: A folder is missing, or something else than a SQLite database is there.
    """
    if not database.parent.is_dir():
        raise StorageError(f"{database.parent}: there is no such folder; make it, or choose another --storage")
    if not database.exists():
        return
    if not database.is_file():
        raise StorageError(f"{database}: is no file; choose another --storage")
    try:
        with database.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise StorageError(f"{database}: cannot be read ({error.strerror})") from error
    if head != b"SQLite format 3\x00":
        found = "an empty file" if not head else "no SQLite database"
        raise StorageError(f"{database}: is {found}; nothing was overwritten; choose another --storage")


@contextmanager
def open_to_read(url: str) -> Iterator[Connection]:
    """A connection that cannot write, to a storage that exists; closed at the end.

    Raises:
        InputError: The URL cannot be used.
        StorageError: There is no such file, or it cannot be read.
    """
    database = sqlite_file(url)
    if not database.exists():
        raise StorageError(f"{database}: there is no storage yet; `hpstudy run STUDY.yaml` makes it")
    check_sqlite_file(database)
    engine = create_engine("sqlite://", creator=lambda: _connect_read_only(database))
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        fact = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise StorageError(f"{database}: cannot be read ({fact})") from error
    finally:
        engine.dispose()


def _connect_read_only(database: Path) -> sqlite3.Connection:
    # Without a write-ahead log beside it the file alone is the whole truth. Read as such it can lie in a folder that
    # cannot be written to, and no log or index file is left behind.
    alone = not database.with_name(f"{database.name}-wal").exists()
    address = f"file:{quote(str(database.resolve()))}?mode=ro{'&immutable=1' if alone else ''}"
    return sqlite3.connect(address, uri=True)
