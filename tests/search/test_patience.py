"""Every write of a trial's life is tried again while it may pass, and a person hears of it where that takes long."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from optuna.trial import Trial
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from hpstudy.search import patience
from hpstudy.search.patience import Patience, TransactionLostError, within
from hpstudy.search.storage import open_storage
from hpstudy.training.job import EpochResult

N_FAILURES = 7
"""More than the five tries that Optuna itself makes for a new trial."""

EPOCH = EpochResult(0, 0.1, 1.5, 0.25, 1.25, 0.5, 2.0)

WRITES: dict[str, Callable[[Trial], object]] = {
    "ask": lambda trial: trial.study.ask(),
    "suggest": lambda trial: trial.suggest_float("learning_rate", 0.0, 1.0),
    "report": lambda trial: trial.report(0.5, 0),
    "attribute": lambda trial: trial.set_user_attr("config", "{}"),
    "study's attribute": lambda trial: trial.study.set_user_attr("description", "why"),
    "tell": lambda trial: trial.study.tell(trial, 0.5),
}


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY])
@pytest.mark.parametrize("write", [*WRITES, "epoch"])
def test_a_write_waits_for_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: str, code: int) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    with open_storage(f"sqlite:///{tmp_path / 's.db'}") as storage:
        trial = optuna.create_study(study_name="s", storage=storage.optuna).ask()
        left = N_FAILURES

        def execute(_connection: object, _cursor: object, statement: str, *_arguments: object) -> None:
            nonlocal left
            if left and not statement.startswith("SELECT"):
                left -= 1
                raise refused(code)

        event.listen(storage.engine, "before_cursor_execute", execute)
        if write == "epoch":
            storage.write_epoch(0, EPOCH)
        else:
            WRITES[write](trial)
        assert left == 0


def test_a_disk_that_stays_full_ends_the_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr(patience, "_PAUSE_SECONDS", 0.02)
    n_tries = 0

    def write() -> None:
        nonlocal n_tries
        n_tries += 1
        raise refused(sqlite3.SQLITE_FULL)

    with pytest.raises(OperationalError):
        Patience().repeat(write)
    assert n_tries == 2


def test_what_is_done_within_something_else_is_repeated_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_PAUSE_SECONDS", 0.0)
    repeated, done = Patience(), []

    def inner() -> None:
        done.append("inner")
        if done.count("inner") == 1:
            raise TransactionLostError

    def outer() -> None:
        done.append("outer")
        repeated.repeat(inner)

    repeated.repeat(outer)
    assert done == ["outer", "inner", "outer", "inner"]


def test_a_person_hears_of_a_long_wait_and_of_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SILENT_SECONDS", 0.05)
    monkeypatch.setattr(patience, "_LOOK_SECONDS", 0.01)
    said: list[str] = []
    heard = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        heard.set()

    patient = Patience(say=say)
    with patient.watched():
        patient.repeat(lambda: None)
        time.sleep(0.1)
        assert said == []  # nothing is waited for
        patient.repeat(lambda: heard.wait(10))
        assert [line.split()[-1] for line in said] == ["waiting…", "again"]
        heard.clear()
        with pytest.raises(ZeroDivisionError):
            patient.repeat(lambda: heard.wait(10) and 1 / 0)
        assert [line.split()[-1] for line in said] == ["waiting…", "again", "waiting…"]


def test_what_is_done_by_the_way_is_left_where_it_takes_too_long() -> None:
    done: list[int] = []
    within(10, lambda: done.append(1))
    assert done == [1]
    within(10, lambda: (_ for _ in ()).throw(TransactionLostError))
    began = time.monotonic()
    ends = threading.Event()
    within(0.05, lambda: ends.wait(10))
    assert time.monotonic() - began < 5
    ends.set()


def test_ctrl_c_is_taken_while_another_program_holds_the_database(tmp_path: Path) -> None:
    with open_storage(f"sqlite:///{tmp_path / 's.db'}") as storage:
        with closing(sqlite3.connect(tmp_path / "s.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            began = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                storage.write_epoch(0, EPOCH)
            assert time.monotonic() - began < 10  # a second on an idle machine
            other.execute("ROLLBACK")
        storage.write_epoch(0, EPOCH)
        assert storage.n_epochs(0) == 1


def refused(code: int) -> OperationalError:
    """What SQLAlchemy makes of SQLite's error."""
    cause = sqlite3.OperationalError("database or disk is full")
    cause.sqlite_errorcode = code
    return OperationalError("COMMIT", {}, cause)
