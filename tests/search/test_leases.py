"""Leases on a PostgreSQL server: who is alive, by one's own clock, and who has been taken for dead."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from hpstudy.errors import StorageError
from hpstudy.search.leases import Leases, NoOthers, leased
from hpstudy.search.storage import Storage, open_storage
from hpstudy.tables import LEASES


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = 5000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Runners:
    """Some runners of one study, each with a clock of its own."""

    storage: Storage
    clocks: dict[int, Clock] = field(default_factory=dict)

    def join(self, run_id: int) -> Leases:
        self.clocks[run_id] = Clock(now=1000.0 * run_id)
        leases = Leases(self.storage, run_id=run_id, seconds=120.0, clock=self.clocks[run_id])
        leases.take()
        return leases

    def pass_seconds(self, observer: Leases, run_id: int, seconds: int) -> None:
        """Time goes by for a runner that renews its own lease meanwhile."""
        for _ in range(seconds):
            self.clocks[run_id].now += 1
            observer.renew()


@pytest.fixture
def storage(database: str) -> Iterator[Storage]:
    with open_storage(database) as storage:
        yield storage


def test_a_silent_runner_is_given_up_after_two_minutes_of_the_observers_clock(storage: Storage) -> None:
    runners = Runners(storage)
    first, second, third = (runners.join(run_id) for run_id in (1, 2, 3))
    assert sorted(second.live()) == [1, 3]
    runners.pass_seconds(second, 2, 100)
    third.renew()
    assert sorted(second.live()) == [1, 3]
    runners.pass_seconds(second, 2, 19)
    assert sorted(second.live()) == [1, 3]
    runners.pass_seconds(second, 2, 1)
    assert second.live() == [3]  # 120 s for the first, 20 s for the third
    runners.pass_seconds(second, 2, 100)
    assert second.live() == []
    assert sorted(runners.join(4).live()) == [2]
    with pytest.raises(StorageError, match=r"other runners took this one for dead, .* 120 seconds"):
        first.require_own()
    with pytest.raises(StorageError, match="took this one for dead"):
        first.live()
    first.renew()  # what is lost is not got back
    with pytest.raises(StorageError, match="took this one for dead"):
        first.require_own()
    second.require_own()


def test_a_runner_that_has_just_begun_takes_nothing_over(storage: Storage) -> None:
    runners = Runners(storage)
    runners.join(1)
    late = runners.join(2)
    runners.clocks[2].now += 10_000  # before it looked for the first time
    assert late.live() == [1]


def test_while_a_server_is_frozen_nobody_is_given_up(storage: Storage) -> None:
    runners = Runners(storage)
    runners.join(1)
    second = runners.join(2)
    runners.pass_seconds(second, 2, 15)
    assert second.live() == [1]
    runners.clocks[2].now += 150  # in which nobody's statement was answered
    assert second.live() == [1]
    runners.pass_seconds(second, 2, 79)  # of the 150 seconds 40 count
    assert second.live() == [1]
    runners.pass_seconds(second, 2, 1)
    assert second.live() == []


def test_a_lease_that_is_renewed_in_the_moment_of_giving_up_holds(storage: Storage) -> None:
    runners = Runners(storage)
    first, second = runners.join(1), runners.join(2)
    second.live()
    seen = second._seen
    first.renew()
    second._seen = seen
    assert second._give_up(1) is False
    first.require_own()


def test_a_run_that_ends_leaves_no_lease_and_one_that_lives_renews_it(storage: Storage) -> None:
    with leased(storage, run_id=7, seconds=0.06) as leases, storage.engine.connect() as connection:
        (began,) = connection.execute(select(LEASES.c.beaten_at)).scalars()
        for _ in range(200):
            connection.rollback()
            (beaten,) = connection.execute(select(LEASES.c.beaten_at)).scalars()
            if beaten > began:
                break
            threading.Event().wait(0.05)
        assert beaten > began
        leases.require_own()
    with storage.engine.connect() as connection:
        assert connection.execute(select(LEASES)).all() == []


def test_on_sqlite_there_is_nobody_else_and_the_file_stays_in_place(tmp_path: Path) -> None:
    database = tmp_path / "s.db"
    database.write_bytes(b"first")
    others = NoOthers(database)
    assert tuple(others.live()) == ()
    others.require_own()
    moved = database.rename(tmp_path / "moved.db")
    with pytest.raises(StorageError, match=r"s\.db: was deleted, moved or replaced"):
        others.require_own()
    database.write_bytes(b"second")
    with pytest.raises(StorageError, match=r"s\.db: was deleted, moved or replaced"):
        others.require_own()
    moved.replace(database)
    others.require_own()
