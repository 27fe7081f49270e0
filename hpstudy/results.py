"""`StudyResults`: all of a finished or running study as pandas frames, read from the storage and never written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection, RowMapping, Select, and_, column, func, inspect, or_, select, table

from hpstudy.database import open_to_read, sqlite_file
from hpstudy.errors import InputError, StorageError
from hpstudy.runner_lock import is_held, lock_path
from hpstudy.spec.wording import did_you_mean
from hpstudy.tables import (
    BASELINE,
    BASELINES,
    CONFIG,
    DESCRIPTION_ATTRIBUTE,
    EPOCHS,
    FINISHED,
    IDENTITY_ATTRIBUTE,
    MESSAGE,
    OPTUNA_STUDIES,
    OPTUNA_TRIALS,
    PART_SEPARATOR,
    REASON,
    RUNS,
    TRAIN_ACCURACY,
)

_STUDY_ATTRIBUTES = table("study_user_attributes", column("study_id"), column("key"), column("value_json"))
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
    "epochs_planned",
)
"""The columns of `StudyResults.trials` that are no settings, but for those that come from the epochs."""

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
            dropout), `epochs` (trained) of `epochs_planned`, `seconds` (of these epochs), and a column a setting.
        epochs: One row a trial and epoch, as in the table `hpstudy_epochs`.
        runs: One row a `hpstudy run`, as in the table `hpstudy_runs`, oldest first.
        settings: The setting columns of `trials`.
        searched: The settings that the study varies.
    """

    name: str
    description: str
    state: str
    trials: pd.DataFrame
    epochs: pd.DataFrame
    runs: pd.DataFrame
    settings: tuple[str, ...]
    searched: tuple[str, ...]


def load_results(url: str, *, study: str) -> StudyResults:
    """Reads a study.

    Args:
        url: The storage; nothing is written to it.
        study: The study's name.

    Raises:
        InputError: The storage has no such study.
        StorageError: It cannot be read.
    """
    with open_to_read(url) as connection:
        _require_our_tables(connection, url)
        known = _study_names(connection)
        if study not in known:
            raise InputError(f"{study}: {url} has no such study.{did_you_mean(study, known)}")
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
        searched=_searched(attributes[IDENTITY_ATTRIBUTE]),
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
        numbers = trials["label"][trials["part"] == "search"]
        some = [f"{numbers.iloc[0]} to {numbers.iloc[-1]}"] if len(numbers) else []
        known = ", ".join([*some, "best", *names])
        raise InputError(f"{results.name}: no trial {trial!r};{did_you_mean(trial, names)} known: {known}")
    return int(found[0])


def list_studies(url: str) -> pd.DataFrame:
    """The studies of a storage, one row each, by name.

    Columns: `study`, `complete`, `pruned`, `failed` (counts over the search), `best` (validation accuracy, NaN
    where there is none), `state` (as in `StudyResults`) and `last_run` (UTC, NaT where it never ran).

    Raises:
        StorageError: The storage cannot be read.
    """
    with open_to_read(url) as connection:
        _require_our_tables(connection, url)
        rows = [_study_row(connection, url, study) for study in _study_names(connection)]
    columns = ["study", "complete", "pruned", "failed", "best", "state", "last_run"]
    return pd.DataFrame(rows, columns=columns).astype({"best": float})


def _require_our_tables(connection: Connection, url: str) -> None:
    if not inspect(connection).has_table(EPOCHS.name):
        raise StorageError(f"{sqlite_file(url)}: holds no studies of hpstudy")


def _study_names(connection: Connection) -> list[str]:
    marked = (
        select(OPTUNA_STUDIES.c.study_name)
        .join(_STUDY_ATTRIBUTES, OPTUNA_STUDIES.c.study_id == _STUDY_ATTRIBUTES.c.study_id)
        .where(_STUDY_ATTRIBUTES.c.key == IDENTITY_ATTRIBUTE)
        .order_by(OPTUNA_STUDIES.c.study_name)
    )
    return list(connection.execute(marked).scalars())


def _is_running(url: str, study: str) -> bool:
    return is_held(lock_path(sqlite_file(url), study=study))


def _belongs(study: str) -> Any:  # noqa: ANN401  # an SQL expression
    """That a row of `studies` is the study itself or a part of it."""
    name = OPTUNA_STUDIES.c.study_name
    return or_(name == study, func.substr(name, 1, len(study) + 1) == study + PART_SEPARATOR)


def _trial_ids(study: str) -> Select[Any]:
    of_study = and_(OPTUNA_TRIALS.c.study_id == OPTUNA_STUDIES.c.study_id, _belongs(study))
    return select(OPTUNA_TRIALS.c.trial_id).join(OPTUNA_STUDIES, of_study)


def _trials(connection: Connection, study: str, *, live: bool) -> tuple[pd.DataFrame, tuple[str, ...]]:
    query = (
        select(OPTUNA_TRIALS, OPTUNA_STUDIES.c.study_name, _VALUES.c.value)
        .join(OPTUNA_STUDIES, and_(OPTUNA_TRIALS.c.study_id == OPTUNA_STUDIES.c.study_id, _belongs(study)))
        .join(_VALUES, _VALUES.c.trial_id == OPTUNA_TRIALS.c.trial_id, isouter=True)
    )
    attributes = _attributes(connection, study)
    rows = [
        _trial_row(
            row, attributes.get(row["trial_id"], {}), study=study, unfinished="running" if live else "interrupted"
        )
        for row in connection.execute(query).mappings()
    ]
    trials = pd.DataFrame(rows, columns=None if rows else _FIXED)
    trials = trials.astype({"value": float, "train_accuracy": float})
    trials.loc[trials["state"] != "complete", "value"] = float("nan")
    ordered = trials.sort_values(["part", "number", "label"], ignore_index=True)
    return ordered, tuple(name for name in ordered.columns if name not in _FIXED)


def _trial_row(row: RowMapping, attributes: Mapping[str, Any], *, study: str, unfinished: str) -> dict[str, Any]:
    part = str(row["study_name"]).removeprefix(study).removeprefix(PART_SEPARATOR)
    number = f"{part}{PART_SEPARATOR}{row['number']}" if part else str(row["number"])
    config = attributes.get(CONFIG)
    return {
        "trial_id": row["trial_id"],
        "label": attributes.get(BASELINE) or number,
        "part": BASELINES if part == BASELINES else "search",
        "number": row["number"],
        "state": _STATES.get(row["state"], unfinished),
        "reason": attributes.get(REASON, ""),
        "message": attributes.get(MESSAGE, ""),
        "value": row["value"],
        "train_accuracy": attributes.get(TRAIN_ACCURACY),
        "epochs_planned": config["epochs"] if config else None,
        **_settings(config),
    }


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


def _searched(identity: Mapping[str, Any]) -> tuple[str, ...]:
    """The settings that are no single value in a study's identity, which is written as a study file."""
    several = ("architecture",) if len(identity["architecture"]) > 1 else ()
    ranged = (name for name, domain in identity["settings"].items() if isinstance(domain, (list, dict)))
    return (*several, *(name for name in ranged if "value" not in identity["settings"][name]))


def _study_attributes(connection: Connection, study: str) -> dict[str, Any]:
    query = (
        select(_STUDY_ATTRIBUTES.c.key, _STUDY_ATTRIBUTES.c.value_json)
        .join(OPTUNA_STUDIES, OPTUNA_STUDIES.c.study_id == _STUDY_ATTRIBUTES.c.study_id)
        .where(OPTUNA_STUDIES.c.study_name == study)
    )
    return {key: json.loads(value) for key, value in connection.execute(query)}


def _with_epochs(trials: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """Adds the number of epochs trained and their time."""
    by_trial = epochs.groupby("trial_id")["seconds"]
    return trials.assign(
        epochs=trials["trial_id"].map(by_trial.size()).fillna(0).astype(int),
        seconds=trials["trial_id"].map(by_trial.sum()).fillna(0.0),
    )


def _study_row(connection: Connection, url: str, study: str) -> dict[str, Any]:
    baselines = study + PART_SEPARATOR + BASELINES
    of_search = and_(
        OPTUNA_TRIALS.c.study_id == OPTUNA_STUDIES.c.study_id,
        _belongs(study),
        OPTUNA_STUDIES.c.study_name != baselines,
    )
    state, value = OPTUNA_TRIALS.c.state, _VALUES.c.value
    query = (
        select(state, func.count(), func.max(value))
        .select_from(OPTUNA_TRIALS.join(OPTUNA_STUDIES, of_search))
        .join(_VALUES, _VALUES.c.trial_id == OPTUNA_TRIALS.c.trial_id, isouter=True)
        .group_by(state)
    )
    rows = {row[0]: (row[1], row[2]) for row in connection.execute(query)}
    runs = _runs(connection, study)
    return {
        "study": study,
        **{name: rows.get(key, (0, None))[0] for key, name in _STATES.items() if name != "waiting"},
        "best": rows.get("COMPLETE", (0, None))[1],
        "state": _state(runs["end_reason"], live=_is_running(url, study)),
        "last_run": pd.to_datetime(runs["started_at"]).max(),
    }


def _runs(connection: Connection, study: str) -> pd.DataFrame:
    return pd.read_sql(select(RUNS).where(RUNS.c.study == study).order_by(RUNS.c.run_id), connection)


def _state(end_reasons: pd.Series[str], *, live: bool) -> str:
    if live:
        return "running"
    return "finished" if list(end_reasons)[-1:] == [FINISHED] else "interrupted"
