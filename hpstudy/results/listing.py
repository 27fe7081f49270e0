"""The studies of a storage, one row each."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import Connection, and_, func, select

from hpstudy.database import open_to_read
from hpstudy.results import queries
from hpstudy.results.load import is_running, study_state
from hpstudy.results.trials import STATES
from hpstudy.tables import BASELINES, CONFIRM, OPTUNA_STUDIES, OPTUNA_TRIALS, OPTUNA_VALUES, PART_SEPARATOR


def list_studies(url: str) -> pd.DataFrame:
    """The studies of a storage that hpstudy made, by name.

    Columns: `study`, `complete`, `pruned`, `failed` (counts over the search), `best` (validation accuracy, NaN
    where there is none), `state` (as in `StudyResults`) and `last_run` (UTC, NaT where it never ran).

    Raises:
        StorageError: The storage cannot be read.
    """
    with open_to_read(url) as connection:
        queries.require_studies(connection, url)
        rows = [_study_row(connection, url, study) for study in queries.study_names(connection)]
    columns = ["study", "complete", "pruned", "failed", "best", "state", "last_run"]
    return pd.DataFrame(rows, columns=columns).astype({"best": float})


def _study_row(connection: Connection, url: str, study: str) -> dict[str, Any]:
    apart = [study + PART_SEPARATOR + part for part in (BASELINES, CONFIRM)]
    of_search = and_(
        OPTUNA_TRIALS.c.study_id == OPTUNA_STUDIES.c.study_id,
        queries.belongs(study),
        OPTUNA_STUDIES.c.study_name.not_in(apart),
    )
    state = OPTUNA_TRIALS.c.state
    query = (
        select(state, func.count(), func.max(OPTUNA_VALUES.c.value))
        .select_from(OPTUNA_TRIALS.join(OPTUNA_STUDIES, of_search))
        .join(OPTUNA_VALUES, OPTUNA_VALUES.c.trial_id == OPTUNA_TRIALS.c.trial_id, isouter=True)
        .group_by(state)
    )
    rows = {row[0]: (row[1], row[2]) for row in connection.execute(query)}
    runs = queries.run_frame(connection, study)
    return {
        "study": study,
        **{name: rows.get(key, (0, None))[0] for key, name in STATES.items() if name != "waiting"},
        "best": rows.get("COMPLETE", (0, None))[1],
        "state": study_state(runs["end_reason"], live=is_running(url, study)),
        "last_run": pd.to_datetime(runs["started_at"]).max(),
    }
