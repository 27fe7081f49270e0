"""The file lock that gives a study on SQLite one runner."""

from __future__ import annotations

import hashlib
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from hpstudy.errors import StorageError, StudyBusyError

_PATIENCE_SECONDS = 2.0
"""A reader's probe holds the lock for an instant: a runner waits longer than that before it says "busy"."""


_PLAIN = re.compile(r"[A-Za-z0-9._-]*")
_LONGEST = 80


def lock_path(database: Path, *, study: str) -> Path:
    """The lock file of a study, hidden beside its database, also of one named by a link; it stays between runs.

    No study's own name holds a slash, but a database from elsewhere may say anything: then it is the sum of the name.
    """
    database = database.resolve() if database.is_symlink() else database
    plain = study if len(study) <= _LONGEST and _PLAIN.fullmatch(study) else _sum(study)
    return database.with_name(f".{database.name}.{plain}.lock")


@contextmanager
def hold(path: Path, *, study: str, patience_seconds: float = _PATIENCE_SECONDS) -> Iterator[None]:
    """Holds a study's lock while the body runs.

    The operating system lets go of it when the process ends, however it ends.

    Args:
        path: The lock file.
        study: For the message.
        patience_seconds: So long another process may still hold it.

    Raises:
        StudyBusyError: Another process holds it; the message names host and process.
        StorageError: The lock file cannot be written.
    """
    if not path.parent.is_dir():
        raise StorageError(f"{path.parent}: there is no such folder; make it, or choose another --storage")
    lock = FileLock(path, timeout=patience_seconds)
    try:
        lock.acquire(poll_interval=0.1)
    except Timeout:
        raise _busy(path, study) from None
    except OSError as error:
        raise StorageError(f"{path.parent}: cannot be written to ({error.strerror})") from error
    try:
        with suppress(OSError):  # a full disk: it is only what another runner would be told
            path.write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
        yield
    finally:
        lock.release()


def require_free(path: Path, *, study: str) -> None:
    """Refuses a study that has a runner now, without taking the lock.

    Raises:
        StudyBusyError: As in `hold`.
    """
    if is_held(path):
        raise _busy(path, study)


def is_held(path: Path) -> bool:
    """Whether a runner holds the lock now; False where that cannot be found out."""
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def _sum(study: str) -> str:
    return hashlib.sha256(study.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _busy(path: Path, study: str) -> StudyBusyError:
    owner = ""
    with suppress(OSError):  # Windows lets nobody read a file that another process has locked
        owner = path.read_text(encoding="utf-8", errors="replace").strip()
    owner = owner or "another process"
    return StudyBusyError(f"{study}: is being run by {owner}; wait for it, or stop it")
