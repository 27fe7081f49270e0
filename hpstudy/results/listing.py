"""The studies of a storage, one row each."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from hpstudy.database import open_to_read
from hpstudy.results import queries
from hpstudy.results.load import study_state
from hpstudy.results.queries import TrialRow
from hpstudy.results.trials import STATES
from hpstudy.tables import BASELINES, CONFIRM

_COLUMNS = ("study", "complete", "pruned", "failed", "best", "state", "last_run", "objective")


def list_studies(url: str) -> pd.DataFrame:
    """The studies of a storage by name, hpstudy's own first.

    Columns: `study`, `complete`, `pruned`, `failed` (counts over the search), `best` (validation accuracy, for a study
    that plain Optuna made its best value; NaN where there is none or several objectives), `state` (as in
    `StudyResults`), `last_run` (UTC, NaT where it never ran) and `objective`: empty for hpstudy's studies, for those
    of plain Optuna what `best` is (`value`, the name of the metric, or `2 objectives`).

    Raises:
        StorageError: The storage cannot be read.
    """
    with open_to_read(url) as connection:
        queries.require_studies(connection, url)
        ours = [_study_row(connection, url, study) for study in queries.study_names(connection)]
        foreign = [_foreign_row(connection, study) for study in queries.foreign_names(connection)]
    return pd.DataFrame([*ours, *foreign], columns=_COLUMNS).astype({"best": float, "last_run": "datetime64[us]"})


def _study_row(connection: Connection, url: str, study: str) -> dict[str, Any]:
    parts = queries.part_names(connection, study)
    search = [study_id for study_id, part in parts.items() if part not in (BASELINES, CONFIRM)]
    repeats = queries.repeats(connection, search)
    rows = [row for row in queries.trial_rows(connection, search) if row.trial_id not in repeats]
    runs = queries.run_frame(connection, study)
    return {
        "study": study,
        **_counts(rows),
        "best": max(_complete(rows), default=None),
        "state": study_state(connection, url, study, runs),
        "last_run": runs["started_at"].max(),
        "objective": "",
    }


def _foreign_row(connection: Connection, study: str) -> dict[str, Any]:
    rows = queries.trial_rows(connection, [queries.study_id(connection, study)])
    directions = queries.directions(connection, study)
    better = min if directions == ["MINIMIZE"] else max
    several = len(directions) > 1
    running = any(row.state == "RUNNING" for row in rows)
    return {
        "study": study,
        **_counts(rows),
        "best": None if several else better(_complete(rows), default=None),
        "state": "running" if running else "finished",
        "last_run": max((row.started_at for row in rows if row.started_at), default=None, key=str),
        "objective": f"{len(directions)} objectives" if several else queries.metric_name(connection, study) or "value",
    }


def _counts(rows: list[TrialRow]) -> dict[str, int]:
    counted = Counter(row.state for row in rows)
    return {name: counted[state] for state, name in STATES.items() if name != "waiting"}


def _complete(rows: list[TrialRow]) -> list[float]:
    return [row.value for row in rows if row.state == "COMPLETE" and row.value is not None]
