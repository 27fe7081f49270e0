"""The table of runs: one row for each `hpstudy run` and `hpstudy confirm`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, insert, select, update

from hpstudy.search.patience import patient
from hpstudy.search.subject import Subject
from hpstudy.tables import RUNS


@patient
def begin_run(engine: Engine, *, subject: Subject, command: str, record: Mapping[str, Any]) -> int:
    """Adds a run that begins now.

    Args:
        engine: Of the storage.
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
    with engine.begin() as connection:
        (run_id,) = connection.execute(insert(RUNS).values(row)).inserted_primary_key or (0,)
    return int(run_id)


@patient
def extend_record(engine: Engine, *, run_id: int, record: Mapping[str, Any]) -> None:
    """Notes what became known during a run, beside what its record has."""
    of_run = RUNS.c.run_id == run_id
    with engine.begin() as connection:
        known = json.loads(connection.execute(select(RUNS.c.record).where(of_run)).scalar_one())
        extended = json.dumps({**known, **record}, sort_keys=True)
        connection.execute(update(RUNS).where(of_run).values(record=extended))


def end_run(engine: Engine, *, run_id: int, reason: str) -> None:
    """Notes that a run ends now, and why; a run that was killed keeps no end."""
    with engine.begin() as connection:
        connection.execute(update(RUNS).where(RUNS.c.run_id == run_id).values(ended_at=_now(), end_reason=reason))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
