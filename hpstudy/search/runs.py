"""The table of runs: one row for each `hpstudy run` and `hpstudy confirm`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from hpstudy.results.digests import run_sum
from hpstudy.search.storage import Storage
from hpstudy.search.subject import Subject
from hpstudy.tables import DIGEST, RUNS


def begin_run(storage: Storage, *, subject: Subject, command: str, record: Mapping[str, Any]) -> int:
    """Adds a run that begins now.

    Args:
        storage: Where the study is.
        subject: The study that runs.
        command: The command line; it must hold no password.
        record: Plain JSON data: versions, device, threads, git commit, data checksums.

    Returns:
        The run's id, for `end_run`.
    """
    row = {
        "study": subject.name,
        "started_at": _now(),
        "command": command,
        "study_file": subject.text,
        "record": dict(record),
    }
    stored = _with_digest(row)
    # Added in an earlier attempt, whose answer was lost: to the microsecond no other run has this row.
    added = select(RUNS.c.run_id).where(*(RUNS.c[name] == value for name, value in stored.items()))

    def add(connection: Connection) -> int:
        known = connection.execute(added).scalar()
        (run_id,) = (known,) if known else connection.execute(insert(RUNS).values(stored)).inserted_primary_key or (0,)
        return int(run_id)

    return storage.exclusive(subject.name, lambda: storage.transact(add))


def extend_record(storage: Storage, *, run_id: int, record: Mapping[str, Any]) -> None:
    """Notes what became known during a run, beside what its record has."""

    def extend(connection: Connection) -> None:
        row = _row(connection, run_id)
        _update(connection, row | {"record": {**row["record"], **record}})

    storage.transact(extend)


def end_run(storage: Storage, *, run_id: int, reason: str) -> None:
    """Notes that a run ends now, and why; a run that was killed keeps no end."""
    ended_at = _now()

    def end(connection: Connection) -> None:
        _update(connection, _row(connection, run_id) | {"ended_at": ended_at, "end_reason": reason})

    storage.transact(end)


def _row(connection: Connection, run_id: int) -> dict[str, Any]:
    """A run's row, whose record is data."""
    row = dict(connection.execute(select(RUNS).where(RUNS.c.run_id == run_id)).mappings().one())
    return row | {"record": json.loads(row["record"])}


def _update(connection: Connection, row: Mapping[str, Any]) -> None:
    connection.execute(update(RUNS).where(RUNS.c.run_id == row["run_id"]).values(_with_digest(row)))


def _with_digest(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as it is stored: its record is text, and has the row's digest, which is written with it or not at all."""
    return {**row, "record": json.dumps({**row["record"], DIGEST: run_sum(row)}, sort_keys=True)}


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
