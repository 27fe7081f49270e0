"""Patience with a database: what it could not do is done again, so that no hiccup ends a study of hours."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import OperationalError, SQLAlchemyError

WAIT_SECONDS = 60.0
"""So long after its first failure something is tried again."""

SILENT_SECONDS = 10.0
"""After so long a person is told that the database is waited for."""

_PAUSE_SECONDS = 0.2

_LOOK_SECONDS = 0.5

_MAY_PASS = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
"""Another program writes; the disk is full; a quota or a file size is exceeded, which SQLite takes for a fault of the
disk."""

_REMEDIES = {
    sqlite3.SQLITE_FULL: "free some space",
    sqlite3.SQLITE_IOERR: "see whether the disk is full or broken",
    sqlite3.SQLITE_BUSY: "end the program that holds it",
}
"""What a person can do about a kind of error, after which the same command goes on."""

_Result = TypeVar("_Result")


class TransactionLostError(Exception):
    """A server ended a transaction: it did not take place, or it did and the server died before it could say so.

    Neither SQLAlchemy's nor Optuna's: Optuna asks for a trial again after an error of SQLAlchemy's, and a trial that
    was stored all the same would stay behind.
    """


DATABASE_ERRORS = (SQLAlchemyError, StorageInternalError, TransactionLostError)
"""How a database says that it cannot be used."""


class Patience:
    """Repeats what fails and may pass, and says so where that takes long. Threads may share one."""

    def __init__(self, *, say: Callable[[str], None] | None = None) -> None:
        """Waits for nothing yet.

        Args:
            say: Is given a line for the terminal once something takes `SILENT_SECONDS`, and another at its end; it is
                called in any thread. None where nobody listens.
        """
        self._say = say
        self._since: dict[int, float] = {}
        self._has_said = False
        self._turn = threading.Lock()

    def repeat(self, action: Callable[[], _Result]) -> _Result:
        """What an action gives, once it succeeds.

        Args:
            action: Something that can be done twice: its first time may have taken place. Within another one it is
                done once, and what it raises is the outer one's to repeat.

        Raises:
            Exception: Whatever the action raises, at once if trying again is of no use, else after `WAIT_SECONDS`.
        """
        thread = threading.get_ident()
        if thread in self._since:
            return action()
        self._since[thread] = time.monotonic()
        try:
            result = _until_it_succeeds(action)
        except BaseException:
            self._has_said = False
            raise
        finally:
            del self._since[thread]
        self._tell_of_the_end()
        return result

    @contextmanager
    def watched(self) -> Iterator[None]:
        """While the body runs a thread looks whether anything takes long."""
        if self._say is None:
            yield
            return
        ended = threading.Event()
        threading.Thread(target=self._watch, args=(ended,), daemon=True).start()
        try:
            yield
        finally:
            ended.set()

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(_LOOK_SECONDS):
            with self._turn:
                begins = min(list(self._since.values()), default=time.monotonic())
                if self._say and not self._has_said and time.monotonic() - begins >= SILENT_SECONDS:
                    self._has_said = True
                    self._say("the database does not answer; waiting…")

    def _tell_of_the_end(self) -> None:
        if self._say and self._has_said:
            with self._turn:
                self._has_said = False
                self._say("the database answers again")


def within(seconds: float, action: Callable[[], object]) -> None:
    """Does something by the way: it is left alone if it takes too long, and nobody hears of an error of the database's.

    Args:
        seconds: How long it is waited for.
        action: Done in a thread, which the end of the process ends.
    """

    def act() -> None:
        with suppress(*DATABASE_ERRORS):
            action()

    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(seconds)


def remedy(error: Exception) -> str:
    """What a person can do about a failed write, for the end of a sentence; empty where nothing is known."""
    known = _REMEDIES.get(_kind(error))
    return f"; {known}, then the same command goes on" if known else ""


def _until_it_succeeds(action: Callable[[], _Result]) -> _Result:
    until: float | None = None
    while True:
        try:
            return action()
        except DATABASE_ERRORS as error:
            until = until or time.monotonic() + WAIT_SECONDS
            if not _may_pass(error) or time.monotonic() > until:
                raise
        time.sleep(_PAUSE_SECONDS)


def _may_pass(error: Exception) -> bool:
    return isinstance(error, TransactionLostError) or _kind(error) in _MAY_PASS


def _kind(error: Exception) -> int:
    """SQLite's code of an error, without what refines it (the upper bytes); 0 for an error that is not SQLite's."""
    cause = error.__cause__ if isinstance(error, StorageInternalError) else error
    code = getattr(cause.orig, "sqlite_errorcode", 0) if isinstance(cause, OperationalError) else 0
    return int(code) & 0xFF
