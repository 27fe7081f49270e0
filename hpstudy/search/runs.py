"""The table of runs: one row for each `hpstudy run` and `hpstudy confirm`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from hpstudy.search.storage import Storage
from hpstudy.search.subject import Subject
from hpstudy.tables import RUNS


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
        "record": json.dumps(record, sort_keys=True),
    }
    # Added in an earlier attempt, whose answer was lost: to the microsecond no other run has this row.
    added = select(RUNS.c.run_id).where(*(RUNS.c[name] == value for name, value in row.items()))

    def add(connection: Connection) -> int:
        known = connection.execute(added).scalar()
        (run_id,) = (known,) if known else connection.execute(insert(RUNS).values(row)).inserted_primary_key or (0,)
        return int(run_id)

    return storage.exclusive(subject.name, lambda: storage.transact(add))


def extend_record(storage: Storage, *, run_id: int, record: Mapping[str, Any]) -> None:
    """Notes what became known during a run, beside what its record has."""
    of_run = RUNS.c.run_id == run_id

    def extend(connection: Connection) -> None:
        known = json.loads(connection.execute(select(RUNS.c.record).where(of_run)).scalar_one())
        extended = json.dumps({**known, **record}, sort_keys=True)
        connection.execute(update(RUNS).where(of_run).values(record=extended))

    storage.transact(extend)


def end_run(storage: Storage, *, run_id: int, reason: str) -> None:
    """Notes that a run ends now, and why; a run that was killed keeps no end."""
    end = update(RUNS).where(RUNS.c.run_id == run_id).values(ended_at=_now(), end_reason=reason)
    storage.transact(lambda connection: connection.execute(end))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
