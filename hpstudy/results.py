"""`StudyResults`: all of a finished or running study as pandas frames, read from the storage and never written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from sqlalchemy import Connection, Select, and_, column, create_engine, func, inspect, or_, select, table
from sqlalchemy.exc import SQLAlchemyError

from hpstudy.database import check_sqlite_file, shown, sqlite_file
from hpstudy.errors import InputError, StorageError
from hpstudy.runner_lock import is_held, lock_path
from hpstudy.spec.wording import did_you_mean
from hpstudy.tables import (
    BASELINES,
    DESCRIPTION_ATTRIBUTE,
    EPOCHS,
    FINISHED,
    IDENTITY_ATTRIBUTE,
    PART_SEPARATOR,
    RUNS,
)

_STUDIES = table("studies", column("study_id"), column("study_name"))
_STUDY_ATTRIBUTES = table("study_user_attributes", column("study_id"), column("key"), column("value_json"))
_TRIALS = table(
    "trials",
    column("trial_id"),
    column("number"),
    column("study_id"),
    column("state"),
    column("datetime_start"),
    column("datetime_complete"),
)
_VALUES = table("trial_values", column("trial_id"), column("value"))
_ATTRIBUTES = table("trial_user_attributes", column("trial_id"), column("key"), column("value_json"))

_FIXED = (
    "trial_id",
    "label",
    "part",
    "number",
    "state",
    "reason",
    "message",
    "value",
    "train_accuracy",
    "seconds",
    "epochs_planned",
)
"""The columns of `StudyResults.trials` that are no settings (and `epochs`)."""

_STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed", "WAITING": "waiting"}


@dataclass(frozen=True)
class StudyResults:
    """A study as it stands in the storage.

    Attributes:
        name: The study's name.
        description: The question that it asks.
        state: `running`, `finished`, or `interrupted` (its last run was stopped or killed before its end).
        trials: One row a trial, baselines first, then by number. Columns: `trial_id`, `label` (a number, a
            baseline's name, or `architecture/number` in a fair study), `part` (`search` or `baselines`), `number`,
            `state` (complete, pruned, failed, running, interrupted), `reason`, `message`, `value` (validation
            accuracy of the last epoch, NaN where there is none), `train_accuracy` (of the last weights, without
            dropout), `seconds`, `epochs` (trained) of `epochs_planned`, and one column for each setting.
        epochs: One row a trial and epoch, as in the table `hpstudy_epochs`.
        runs: One row a `hpstudy run`, as in the table `hpstudy_runs`, oldest first.
        settings: The setting columns of `trials`.
    """

    name: str
    description: str
    state: str
    trials: pd.DataFrame
    epochs: pd.DataFrame
    runs: pd.DataFrame
    settings: tuple[str, ...]


def load_results(url: str, *, study: str) -> StudyResults:
    """Reads a study.

    Args:
        url: The storage; nothing is written to it.
        study: The study's name.

    Raises:
        InputError: The storage has no such study.
        StorageError: It cannot be read.
    """
    with _reading(url) as connection:
        known = _study_names(connection)
        if study not in known:
            raise InputError(f"{study}: {shown(url)} has no such study.{did_you_mean(study, known)}")
        live = _is_running(url, study)
        trials, settings = _trials(connection, study, live=live)
        epochs = pd.read_sql(select(EPOCHS).where(EPOCHS.c.trial_id.in_(_trial_ids(study))), connection)
        runs = _runs(connection, study)
        attributes = _study_attributes(connection, study)
    return StudyResults(
        name=study,
        description=str(attributes.get(DESCRIPTION_ATTRIBUTE, "")),
        state=_state(runs["end_reason"], live=live),
        trials=_with_epochs(trials, epochs),
        epochs=epochs.sort_values(["trial_id", "epoch"], ignore_index=True),
        runs=runs,
        settings=settings,
    )


def find_trial(results: StudyResults, trial: str) -> int:
    """The row of a trial in `results.trials`.

    Args:
        results: The study.
        trial: A trial's label (`12`, or `lenet5/12` in a fair study), `best`, or a baseline's name.

    Raises:
        InputError: The study has no such trial, or no trial is complete yet.
    """
    trials = results.trials
    if trial == "best":
        complete = trials[(trials["part"] == "search") & (trials["state"] == "complete")]
        if complete.empty:
            raise InputError(f"{results.name}: no trial is complete yet")
        return int(complete.index[int(complete["value"].argmax())])
    found = trials.index[trials["label"] == trial]
    if found.empty:
        names = trials["label"][trials["part"] == BASELINES]
        known = ", ".join(["a number below " + str((trials["part"] == "search").sum()), "best", *names])
        raise InputError(f"{results.name}: no trial {trial!r};{did_you_mean(trial, names)} known: {known}")
    return int(found[0])


def list_studies(url: str) -> pd.DataFrame:
    """The studies of a storage, one row each, by name.

    Columns: `study`, `complete`, `pruned`, `failed` (counts over the search), `best` (validation accuracy, NaN
    where there is none), `state` (as in `StudyResults`) and `last_run` (UTC, NaT where it never ran).

    Raises:
        StorageError: The storage cannot be read.
    """
    with _reading(url) as connection:
        rows = [_study_row(connection, url, study) for study in _study_names(connection)]
    columns = ["study", "complete", "pruned", "failed", "best", "state", "last_run"]
    return pd.DataFrame(rows, columns=columns)


@contextmanager
def _reading(url: str) -> Iterator[Connection]:
    database = sqlite_file(url)
    if database is None:
        engine = create_engine(url)
    else:
        if not database.exists():
            raise StorageError(f"{database}: there is no storage yet; `hpstudy run STUDY.yaml` makes it")
        check_sqlite_file(database)
        engine = create_engine("sqlite://", creator=lambda: _connect_read_only(database))
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(EPOCHS.name):
                raise StorageError(f"{shown(url)}: holds no studies of hpstudy")
            yield connection
    except SQLAlchemyError as error:
        fact = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise StorageError(f"{shown(url)}: cannot be read ({fact})") from error
    finally:
        engine.dispose()


def _connect_read_only(database: Path) -> sqlite3.Connection:
    address = f"file:{quote(str(database.resolve()))}?mode=ro"
    try:
        connection = sqlite3.connect(address, uri=True)
        connection.execute("SELECT 1 FROM sqlite_master")
    except sqlite3.OperationalError:
        # A write-ahead log needs its index file beside the database; in a folder that cannot be written to, and
        # with no log there, the file alone is the whole truth.
        if database.with_name(f"{database.name}-wal").exists():
            raise
        connection = sqlite3.connect(f"{address}&immutable=1", uri=True)
    return connection


def _study_names(connection: Connection) -> list[str]:
    marked = (
        select(_STUDIES.c.study_name)
        .join(_STUDY_ATTRIBUTES, _STUDIES.c.study_id == _STUDY_ATTRIBUTES.c.study_id)
        .where(_STUDY_ATTRIBUTES.c.key == IDENTITY_ATTRIBUTE)
        .order_by(_STUDIES.c.study_name)
    )
    return list(connection.execute(marked).scalars())


def _is_running(url: str, study: str) -> bool:
    database = sqlite_file(url)
    return database is not None and is_held(lock_path(database, study=study))


def _belongs(study: str) -> Any:  # noqa: ANN401  # an SQL expression
    """That a row of `studies` is the study itself or a part of it."""
    name = _STUDIES.c.study_name
    return or_(name == study, func.substr(name, 1, len(study) + 1) == study + PART_SEPARATOR)


def _trial_ids(study: str) -> Select[Any]:
    of_study = and_(_TRIALS.c.study_id == _STUDIES.c.study_id, _belongs(study))
    return select(_TRIALS.c.trial_id).join(_STUDIES, of_study)


def _trials(connection: Connection, study: str, *, live: bool) -> tuple[pd.DataFrame, tuple[str, ...]]:
    query = (
        select(_TRIALS, _STUDIES.c.study_name, _VALUES.c.value)
        .join(_STUDIES, and_(_TRIALS.c.study_id == _STUDIES.c.study_id, _belongs(study)))
        .join(_VALUES, _VALUES.c.trial_id == _TRIALS.c.trial_id, isouter=True)
    )
    frame = pd.read_sql(query, connection, parse_dates=["datetime_start", "datetime_complete"])
    attributes = _attributes(connection, study)
    unfinished = "running" if live else "interrupted"
    rows = []
    for row in frame.to_dict("records"):
        of_trial = attributes.get(int(row["trial_id"]), {})
        part = str(row["study_name"]).removeprefix(study).removeprefix(PART_SEPARATOR)
        baseline = of_trial.get("baseline")
        rows.append(
            {
                "trial_id": int(row["trial_id"]),
                "label": baseline or (f"{part}{PART_SEPARATOR}{row['number']}" if part else str(row["number"])),
                "part": BASELINES if part == BASELINES else "search",
                "number": int(row["number"]),
                "state": _STATES.get(str(row["state"]), unfinished),
                "reason": of_trial.get("reason", ""),
                "message": of_trial.get("message", ""),
                "value": row["value"],
                "train_accuracy": of_trial.get("train_accuracy"),
                "seconds": (row["datetime_complete"] - row["datetime_start"]).total_seconds(),
                "epochs_planned": of_trial.get("config", {}).get("epochs"),
                **_settings(of_trial.get("config")),
            }
        )
    trials = pd.DataFrame(rows, columns=None if rows else _FIXED)
    trials = trials.astype({"value": float, "train_accuracy": float, "seconds": float})
    trials.loc[trials["state"] != "complete", "value"] = float("nan")
    ordered = trials.sort_values(["part", "number", "label"], ignore_index=True)
    return ordered, tuple(name for name in ordered.columns if name not in _FIXED)


def _settings(config: dict[str, Any] | None) -> dict[str, Any]:
    """A stored configuration as one value a setting; empty for a trial that was killed before it had one."""
    if config is None:
        return {}
    apart = {"options", "dataset", "validation", "seeds", "epochs"}
    values = {name: value for name, value in config.items() if name not in apart}
    return values | {f"{config['architecture']}.{name}": value for name, value in config["options"].items()}


def _attributes(connection: Connection, study: str) -> dict[int, dict[str, Any]]:
    query = select(_ATTRIBUTES).where(_ATTRIBUTES.c.trial_id.in_(_trial_ids(study)))
    attributes: dict[int, dict[str, Any]] = {}
    for trial_id, key, value in connection.execute(query):
        attributes.setdefault(trial_id, {})[key] = json.loads(value)
    return attributes


def _study_attributes(connection: Connection, study: str) -> dict[str, Any]:
    query = (
        select(_STUDY_ATTRIBUTES.c.key, _STUDY_ATTRIBUTES.c.value_json)
        .join(_STUDIES, _STUDIES.c.study_id == _STUDY_ATTRIBUTES.c.study_id)
        .where(_STUDIES.c.study_name == study)
    )
    return {key: json.loads(value) for key, value in connection.execute(query)}


def _with_epochs(trials: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """Adds the number of epochs trained."""
    counts = epochs.groupby("trial_id").size()
    return trials.assign(epochs=trials["trial_id"].map(counts).fillna(0).astype(int))


def _study_row(connection: Connection, url: str, study: str) -> dict[str, Any]:
    trials, _ = _trials(connection, study, live=_is_running(url, study))
    search = trials[trials["part"] == "search"]
    counts = search["state"].value_counts()
    runs = _runs(connection, study)
    return {
        "study": study,
        **{state: int(counts.get(state, 0)) for state in ("complete", "pruned", "failed")},
        "best": search["value"].max(),
        "state": _state(runs["end_reason"], live=_is_running(url, study)),
        "last_run": pd.to_datetime(runs["started_at"]).max(),
    }


def _runs(connection: Connection, study: str) -> pd.DataFrame:
    return pd.read_sql(select(RUNS).where(RUNS.c.study == study).order_by(RUNS.c.run_id), connection)


def _state(end_reasons: pd.Series[str], *, live: bool) -> str:
    if live:
        return "running"
    return "finished" if list(end_reasons)[-1:] == [FINISHED] else "interrupted"
