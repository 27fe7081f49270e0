"""Every write of a trial's life is tried again while the disk is full."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna.trial import Trial
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from hpstudy.search import patience
from hpstudy.search.storage import open_storage

N_FAILURES = 7
"""More than the five tries that Optuna itself makes for a new trial."""

WRITES: dict[str, Callable[[Trial], object]] = {
    "ask": lambda trial: trial.study.ask(),
    "suggest": lambda trial: trial.suggest_float("learning_rate", 0.0, 1.0),
    "report": lambda trial: trial.report(0.5, 0),
    "attribute": lambda trial: trial.set_user_attr("config", "{}"),
    "study's attribute": lambda trial: trial.study.set_user_attr("description", "why"),
    "tell": lambda trial: trial.study.tell(trial, 0.5),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_waits_for_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: str) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    with open_storage(f"sqlite:///{tmp_path / 's.db'}") as storage:
        trial = optuna.create_study(study_name="s", storage=storage.optuna).ask()
        left = N_FAILURES

        def execute(_connection: object, _cursor: object, statement: str, *_arguments: object) -> None:
            nonlocal left
            if left and not statement.startswith("SELECT"):
                left -= 1
                raise full()

        event.listen(storage.engine, "before_cursor_execute", execute)
        WRITES[write](trial)
        assert left == 0


def test_a_disk_that_stays_full_ends_the_patience(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr(patience, "_PAUSE_SECONDS", 0.02)
    n_tries = 0

    @patience.patient
    def write() -> None:
        nonlocal n_tries
        n_tries += 1
        raise full()

    with pytest.raises(OperationalError):
        write()
    assert n_tries == 2


def full() -> OperationalError:
    """What SQLAlchemy makes of a full disk."""
    cause = sqlite3.OperationalError("database or disk is full")
    cause.sqlite_errorcode = sqlite3.SQLITE_FULL
    return OperationalError("COMMIT", {}, cause)
