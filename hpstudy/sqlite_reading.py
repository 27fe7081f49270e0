"""A SQLite file as a reader sees it: what was committed, whoever is writing to it or died while it wrote."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from hpstudy.errors import StorageError

PATIENCE_SECONDS = 20.0
"""How long a reader waits for a program that is writing: in the rollback journal's mode a commit locks readers out."""

_JOURNALS = ("-journal", "-wal")
"""What SQLite lays beside a file, and what belongs to its content."""

_INDEX = "-shm"
"""The index of a write-ahead log, which all who have the file open share; it can be made anew."""

_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
"""How a rollback journal begins, and how one ends that names a file (https://sqlite.org/fileformat2.html)."""

_WRITE_AHEAD = b"\x02\x02"
"""What the header has at bytes 18 and 19 where a write-ahead log is used (https://sqlite.org/fileformat2.html)."""

_UNREADABLE_IN_PLACE = (
    sqlite3.SQLITE_READONLY,  # a hot journal, which only a writer may roll back; an index file that cannot be made
    sqlite3.SQLITE_CANTOPEN,  # the same index file, in a folder that cannot be written to
    sqlite3.SQLITE_IOERR,  # the same, on a full disk
    sqlite3.SQLITE_FULL,
)

_COPIES = 5
_PAUSE_SECONDS = 0.5


@contextmanager
def read_committed(database: Path) -> Iterator[sqlite3.Connection]:
    """A connection that reads a SQLite file and cannot change it; closed at the end, with nothing left beside the file.

    The locks are SQLite's own, so that no change is seen before it is committed. What a killed writer has left half
    done is undone in a copy: rolled back in place, somebody else's file would be written.

    Args:
        database: A SQLite file.

    Raises:
        sqlite3.Error: SQLite cannot read it, or another program has had it locked for `PATIENCE_SECONDS`.
        StorageError: It cannot be copied, or was changed while it was read or copied.
    """
    database = database.resolve()  # a link's journals lie where it leads
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(_opened(database))
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _UNREADABLE_IN_PLACE:
                raise
            connection = stack.enter_context(_copied(database, reason=str(error)))
        yield connection


def check_journals(database: Path) -> None:
    """Refuses journals that do harm: SQLite would wait for a pipe, and after a rollback deletes a file that one names.

    Such a name is written where a transaction changes several databases at once; a study's never does.

    Raises:
        StorageError: One of the two is there.
    """
    for journal in (_beside(database.resolve(), suffix) for suffix in (*_JOURNALS, _INDEX)):
        with suppress(FileNotFoundError):  # a writer may be done with it at any moment
            if not stat.S_ISREG(journal.lstat().st_mode):
                raise StorageError(f"{journal}: is no file; remove it, or choose another --storage")
            if _last_bytes(journal, len(_JOURNAL_MAGIC)) == _JOURNAL_MAGIC:
                raise StorageError(
                    f"{journal}: names a file for SQLite to delete, which no journal of a study does; "
                    "choose another --storage"
                )


def _opened(database: Path) -> AbstractContextManager[sqlite3.Connection]:
    """The connection in place, or to a copy where SQLite would have to make a file and could not remove it again."""
    journals = [suffix for suffix in _JOURNALS if _beside(database, suffix).exists()]
    if not _has_write_ahead_log(database):
        return _in_place(database, "mode=ro")
    if journals:
        has_index = _beside(database, _INDEX).exists() or "-wal" not in journals
        return _in_place(database, "mode=ro") if has_index else _copied(database, reason="its -shm file is missing")
    if not os.access(database.parent, os.W_OK):
        return _alone(database)
    if not os.access(database, os.W_OK):
        return _copied(database, reason="its log would be another user's")
    # A connection that may write, and does not, removes the log and the index file when it closes.
    return _in_place(database, "mode=rw")


@contextmanager
def _in_place(database: Path, mode: str) -> Iterator[sqlite3.Connection]:
    with closing(_connect(database, mode)) as connection:
        yield connection


@contextmanager
def _alone(database: Path) -> Iterator[sqlite3.Connection]:
    """Reads a file as the whole truth, without locks: in a folder that cannot be written to."""
    before = _stamps(database)
    with closing(_connect(database, "mode=ro&immutable=1")) as connection:
        yield connection
    if set(before) != {""} or _stamps(database) != before:
        raise StorageError(f"{database}: was written to while it was read; run the command again")


@contextmanager
def _copied(database: Path, *, reason: str) -> Iterator[sqlite3.Connection]:
    with TemporaryDirectory(prefix="hpstudy-") as folder:
        copy = _copy(database, Path(folder), reason=reason)
        with closing(_connect(copy, "mode=rw")) as connection:
            yield connection


def _connect(database: Path, mode: str) -> sqlite3.Connection:
    """An open connection that has read once: only then SQLite looks at journals and locks."""
    address = f"file:{quote(str(database))}?{mode}"
    connection = sqlite3.connect(address, uri=True, timeout=PATIENCE_SECONDS, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _has_write_ahead_log(database: Path) -> bool:
    with database.open("rb") as file:
        return file.read(20)[18:] == _WRITE_AHEAD


def _copy(database: Path, folder: Path, *, reason: str) -> Path:
    """A copy of a file and of its journals, from one moment.

    Raises:
        StorageError: There is no room, or the files do not come to rest.
    """
    copy = folder / database.name
    for _ in range(_COPIES):
        before = _stamps(database)
        try:
            for suffix in before:
                shutil.copyfile(_beside(database, suffix), _beside(copy, suffix), follow_symlinks=False)
        except FileNotFoundError:  # a journal that another program has just rolled back
            pass
        except OSError as error:
            raise StorageError(
                f"{database}: cannot be read in place ({reason}), nor copied to {folder.parent} "
                f"({error.strerror or error}); "
                "set TMPDIR to a folder with room"
            ) from error
        if _stamps(database) == before:
            return copy
        for suffix in before:
            _beside(copy, suffix).unlink(missing_ok=True)
        time.sleep(_PAUSE_SECONDS)
    raise StorageError(f"{database}: is being written to while it is copied; run the command again")


def _stamps(database: Path) -> dict[str, tuple[int, int, int]]:
    """Which of its files there are, by suffix, and what changes with each write to one."""
    there = {suffix: _beside(database, suffix) for suffix in ("", *_JOURNALS)}
    stamps: dict[str, tuple[int, int, int]] = {}
    for suffix, file in there.items():
        with suppress(FileNotFoundError):
            status = file.stat()
            stamps[suffix] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return stamps


def _last_bytes(path: Path, n: int) -> bytes:
    with path.open("rb") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - n, 0))
        return file.read()


def _beside(database: Path, suffix: str) -> Path:
    return database.with_name(database.name + suffix)
