"""Which runners of a study are alive: on a server each holds a lease, which it renews as long as it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import delete, func, select, update

from hpstudy.errors import StorageError
from hpstudy.search.patience import DATABASE_ERRORS, within
from hpstudy.search.storage import Storage
from hpstudy.tables import LEASES

_BEATS = 6
"""So many times a lease is renewed in the time after which it would be given up."""

END_SECONDS = 0.3
"""So long the end of a run waits for each of its last words: a second signal stops it within two seconds."""


class Others(Protocol):
    """The other runners of a study, as one of them sees them."""

    def live(self) -> Collection[int]:
        """The runs of others that may be under way: what they train is theirs.

        Called while the study is locked.
        """
        ...

    def require_own(self) -> None:
        """Makes sure that what this run trains is still its own.

        Raises:
            StorageError: Another runner has taken it for dead, or the database is not there any more.
        """
        ...


class NoOthers:
    """A study on SQLite has one runner: whatever it did not begin itself is nobody's. Its file has to stay in place."""

    def __init__(self, database: Path) -> None:
        """Takes the file, which is open."""
        self._database = database
        self._opened = _inode(database)

    def live(self) -> Collection[int]:
        """None."""
        return ()

    def require_own(self) -> None:
        """Makes sure that the file is the one that was opened.

        Raises:
            StorageError: It was deleted, moved or replaced. SQLite goes on writing to it, where nobody will read it.
        """
        if self._opened is None or _inode(self._database) != self._opened:
            raise StorageError(
                f"{self._database}: was deleted, moved or replaced while the study ran; what has been trained since is "
                f"lost with it. Put the file back, with {self._database.name}-wal if there is one, and run the same "
                "command to go on; without it the study begins anew"
            )


def _inode(file: Path) -> tuple[int, int] | None:
    """What tells a file from another of its name; None where there is none."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


class Leases:
    """The leases on a server: this run's own, and what it has seen of the others'.

    A lease is given up by whoever has seen it unchanged for long enough on its own clock. So no two machines' clocks
    are ever compared, and a runner that has just begun waits before it takes anything over. Of time in which this run
    could not reach the server either, no more counts than between two of its own beats: while a server was frozen
    nobody could renew anything.
    """

    def __init__(self, storage: Storage, *, run_id: int, seconds: float, clock: Callable[[], float]) -> None:
        """Holds no lease yet.

        Args:
            storage: On a server.
            run_id: This run.
            seconds: How long another's lease must stay as it is before it is given up.
            clock: Seconds from any moment, never set back.
        """
        self._storage = storage
        self._run_id = run_id
        self._seconds = seconds
        self._clock = clock
        self._seen: dict[int, tuple[datetime, float]] = {}
        self._turn = threading.Lock()
        self._in_touch_seconds = 0.0
        self._last_touch = clock()

    def take(self) -> None:
        """Begins this run's lease."""
        lease = {"run_id": self._run_id, "beaten_at": func.clock_timestamp()}
        self._storage.transact(lambda connection: connection.execute(self._storage.replacing(LEASES, lease)))

    def renew(self) -> None:
        """Renews this run's lease, if it still has one; tries once: the next beat is near.

        Raises:
            SQLAlchemyError: The server cannot be reached.
            TransactionLostError: It ended the connection.
        """
        own = LEASES.c.run_id == self._run_id
        with self._storage.engine.begin() as connection:
            connection.execute(update(LEASES).where(own).values(beaten_at=func.clock_timestamp()))
        self._touch()

    def end(self) -> None:
        """Ends this run's lease: what it leaves unfinished is nobody's from here on."""
        own = delete(LEASES).where(LEASES.c.run_id == self._run_id)
        self._storage.transact(lambda connection: connection.execute(own))

    def live(self) -> Collection[int]:
        """The runs of others that have a lease; one that has been silent for too long loses it here.

        Raises:
            StorageError: This run has lost its own.
        """
        rows = self._storage.transact(lambda connection: connection.execute(select(LEASES)).all())
        found = {int(run_id): beaten_at for run_id, beaten_at in rows}
        if self._run_id not in found:
            raise self._lost()
        now = self._touch()
        unknown = (None, now)
        self._seen = {
            run_id: seen if (seen := self._seen.get(run_id, unknown))[0] == beaten_at else (beaten_at, now)
            for run_id, beaten_at in found.items()
        }
        others = self._seen.keys() - {self._run_id}
        return [run_id for run_id in others if not (self._is_silent(run_id, now) and self._give_up(run_id))]

    def require_own(self) -> None:
        """Makes sure that this run has its lease.

        Raises:
            StorageError: It has lost it.
        """
        own = select(LEASES).where(LEASES.c.run_id == self._run_id)
        if self._storage.transact(lambda connection: connection.execute(own).first()) is None:
            raise self._lost()

    def _touch(self) -> float:
        """Notes that the server has answered; gives the seconds that this run was in touch with it."""
        with self._turn:
            now = self._clock()
            self._in_touch_seconds += min(now - self._last_touch, 2 * self._seconds / _BEATS)
            self._last_touch = now
            return self._in_touch_seconds

    def _is_silent(self, run_id: int, now: float) -> bool:
        return now - self._seen[run_id][1] >= self._seconds

    def _give_up(self, run_id: int) -> bool:
        """Deletes another's lease as it was last seen; False if it has been renewed in this very moment."""
        as_seen = (LEASES.c.run_id == run_id) & (LEASES.c.beaten_at == self._seen[run_id][0])
        return self._storage.transact(
            lambda connection: connection.execute(delete(LEASES).where(as_seen)).rowcount == 1
        )

    def _lost(self) -> StorageError:
        return StorageError(
            "other runners took this one for dead, since the database had not heard of it for "
            f"{self._seconds:.0f} seconds, and go on with its trials; the same command joins them again"
        )


@contextmanager
def leased(
    storage: Storage, *, run_id: int, seconds: float, clock: Callable[[], float] = time.monotonic
) -> Iterator[Leases]:
    """This run's lease while the body runs, renewed by a thread.

    Args:
        storage: On a server.
        run_id: The run.
        seconds: As in `Leases`.
        clock: As in `Leases`.
    """
    leases = Leases(storage, run_id=run_id, seconds=seconds, clock=clock)
    leases.take()
    ended = threading.Event()
    beating = threading.Thread(target=_beat, args=(leases, ended, seconds / _BEATS), daemon=True)
    beating.start()
    try:
        yield leases
    finally:
        ended.set()
        beating.join(timeout=END_SECONDS)  # no longer: it may be waiting for a server that is gone
        within(END_SECONDS, leases.end)  # and the database may be what failed


def _beat(leases: Leases, ended: threading.Event, seconds: float) -> None:
    while not ended.wait(seconds):
        with suppress(*DATABASE_ERRORS):  # the next beat may find the server again
            leases.renew()
