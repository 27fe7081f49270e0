"""Which database a storage URL names, and whether a file can be one."""

from __future__ import annotations

from pathlib import Path

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
