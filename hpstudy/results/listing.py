"""The studies of a storage, one row each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from hpstudy.database import database_fact, read_storage
from hpstudy.errors import DamagedStudyError, StorageError
from hpstudy.results import queries
from hpstudy.results.digests import damage_fact
from hpstudy.results.load import read_foreign, read_own
from hpstudy.results.rows import STATES, trial_rows
from hpstudy.results.stored import LONGEST_NAME, read_name, shortened
from hpstudy.results.study import StudyResults

_COLUMNS = ("study", "complete", "pruned", "failed", "best", "state", "last_run", "objective", "damage")
_KINDS = dict.fromkeys(("complete", "pruned", "failed"), "Int64") | {"best": "float64", "last_run": "datetime64[us]"}
DAMAGED = "damaged"


def list_studies(url: str) -> pd.DataFrame:
    """The studies of a storage by name, hpstudy's own first.

    Columns: `study`, `complete`, `pruned`, `failed` (counts over the search), `best` (validation accuracy, for a study
    that plain Optuna made its best value; NaN where there is none or several objectives), `state` (as in
    `StudyResults`), `last_run` (UTC, NaT where it never ran), `objective`: empty for hpstudy's studies, for those
    of plain Optuna what `best` is (`value`, the name of the metric, or `2 objectives`), and `damage`: what is not as
    hpstudy stored it, empty for a sound study. The `state` of one that cannot be read is `damaged`, its counts missing.

    Raises:
        StorageError: The storage cannot be read.
    """
    rows = read_storage(url, lambda connection: _rows(connection, url))
    return pd.DataFrame(rows, columns=_COLUMNS).astype(_KINDS)


def _rows(connection: Connection, url: str) -> list[dict[str, Any]]:
    queries.require_studies(connection, url)
    rows = [_sound_row(_study_row, connection, url, study) for study in queries.study_names(connection)]
    rows += [_sound_row(_foreign_row, connection, url, study) for study in queries.foreign_names(connection)]
    rows += [_damaged_row(f"study {study_id}", "its name is no text") for study_id in queries.nameless(connection)]
    return rows


_Read = Callable[[Connection, str, str], dict[str, Any]]


def _sound_row(read: _Read, connection: Connection, url: str, study: str) -> dict[str, Any]:
    """The row of a study; one that says why it cannot be read, where that is so: the others are listed all the same."""
    try:
        return {"damage": ""} | read(connection, url, study)
    except StorageError as damage:
        fact = damage.fact if isinstance(damage, DamagedStudyError) else str(damage)
    except DatabaseError as error:
        if type(error) is not DatabaseError:  # a server that is gone, or a locked file: for all of them
            raise
        fact = database_fact(error, url)
    return _damaged_row(shortened(study, longest=LONGEST_NAME), fact)


def _damaged_row(study: str, fact: str) -> dict[str, Any]:
    counts = dict.fromkeys(("complete", "pruned", "failed", "best", "last_run"))
    return {"study": study, **counts, "state": DAMAGED, "objective": "", "damage": fact}


def _study_row(connection: Connection, url: str, study: str) -> dict[str, Any]:
    results = read_own(connection, url, study)
    damage = damage_fact(results.digests)
    return {**_results_row(results), "last_run": results.runs["started_at"].max(), "objective": "", "damage": damage}


def _foreign_row(connection: Connection, url: str, study: str) -> dict[str, Any]:
    read_name(study, place="its name")
    study_id = next(found for found, name in queries.all_names(connection).items() if name == study)
    directions = queries.directions(connection, study_id)
    if len(directions) == 1:
        results = read_foreign(connection, url, study)
        last_run = results.trials["started_at"].max()
        return {**_results_row(results), "last_run": last_run, "objective": results.objective}
    rows = trial_rows(connection, {study_id: ""})
    counted = Counter(row.state for row in rows)
    return {
        "study": study,
        **_counts({STATES.get(state, "running"): count for state, count in counted.items()}),
        "best": None,
        "state": "running" if counted["RUNNING"] else "finished",
        "last_run": max((row.started_at for row in rows if row.started_at), default=None),
        "objective": f"{len(directions)} objectives",
    }


def _results_row(results: StudyResults) -> dict[str, Any]:
    best = None if results.ranked.empty else results.ranked["value"].iloc[0]
    counted = results.search["state"].value_counts().to_dict()
    return {"study": results.name, **_counts(counted), "best": best, "state": results.state}


def _counts(counted: Mapping[Any, int]) -> dict[str, int]:
    return {state: int(counted.get(state, 0)) for state in ("complete", "pruned", "failed")}
