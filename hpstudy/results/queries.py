"""What the loading of results asks the database, as plain rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Connection, RowMapping, Select, and_, func, inspect, or_, select

from hpstudy.database import sqlite_file
from hpstudy.errors import StorageError
from hpstudy.tables import (
    EPOCHS,
    IDENTITY_ATTRIBUTE,
    OPTUNA_DIRECTIONS,
    OPTUNA_PARAMETERS,
    OPTUNA_STUDIES,
    OPTUNA_STUDY_ATTRIBUTES,
    OPTUNA_STUDY_SYSTEM_ATTRIBUTES,
    OPTUNA_TRIAL_ATTRIBUTES,
    OPTUNA_TRIALS,
    OPTUNA_VALUES,
    PART_SEPARATOR,
    RUNS,
)


def require_studies(connection: Connection, url: str) -> None:
    """Refuses a database that has no tables of Optuna's.

    Raises:
        StorageError: It has none.
    """
    if not inspect(connection).has_table(OPTUNA_STUDIES.name):
        raise StorageError(f"{sqlite_file(url)}: holds no studies")


def study_names(connection: Connection) -> list[str]:
    """The names of hpstudy's studies, without their parts, sorted."""
    marked = (
        select(OPTUNA_STUDIES.c.study_name)
        .join(OPTUNA_STUDY_ATTRIBUTES, OPTUNA_STUDIES.c.study_id == OPTUNA_STUDY_ATTRIBUTES.c.study_id)
        .where(OPTUNA_STUDY_ATTRIBUTES.c.key == IDENTITY_ATTRIBUTE)
        .order_by(OPTUNA_STUDIES.c.study_name)
    )
    return list(connection.execute(marked).scalars())


def foreign_names(connection: Connection) -> list[str]:
    """The names of the studies that plain Optuna made, sorted."""
    ours = study_names(connection)
    every = connection.execute(select(OPTUNA_STUDIES.c.study_name).order_by(OPTUNA_STUDIES.c.study_name)).scalars()
    parts = tuple(name + PART_SEPARATOR for name in ours)
    return [name for name in every if name not in ours and not name.startswith(parts)]


def belongs(study: str) -> Any:  # noqa: ANN401  # an SQL expression
    """That a row of `studies` is the study itself or a part of it."""
    name = OPTUNA_STUDIES.c.study_name
    return or_(name == study, func.substr(name, 1, len(study) + 1) == study + PART_SEPARATOR)


def trial_rows(connection: Connection, study: str) -> Sequence[RowMapping]:
    """The trials of a study and of its parts, by part and number, with the part's name and the value."""
    first_value = and_(OPTUNA_VALUES.c.trial_id == OPTUNA_TRIALS.c.trial_id, OPTUNA_VALUES.c.objective == 0)
    query = (
        select(OPTUNA_TRIALS, OPTUNA_STUDIES.c.study_name, OPTUNA_VALUES.c.value)
        .join(OPTUNA_STUDIES, and_(OPTUNA_TRIALS.c.study_id == OPTUNA_STUDIES.c.study_id, belongs(study)))
        .join(OPTUNA_VALUES, first_value, isouter=True)
        .order_by(OPTUNA_STUDIES.c.study_name, OPTUNA_TRIALS.c.number)
    )
    return connection.execute(query).mappings().all()


def trial_attributes(connection: Connection, study: str) -> dict[int, dict[str, Any]]:
    """The user attributes of each trial of a study and of its parts, by Optuna's trial id."""
    query = select(
        OPTUNA_TRIAL_ATTRIBUTES.c.trial_id, OPTUNA_TRIAL_ATTRIBUTES.c.key, OPTUNA_TRIAL_ATTRIBUTES.c.value_json
    ).where(OPTUNA_TRIAL_ATTRIBUTES.c.trial_id.in_(_trial_ids(study)))
    attributes: dict[int, dict[str, Any]] = {}
    for trial_id, key, value in connection.execute(query):
        attributes.setdefault(trial_id, {})[key] = json.loads(value)
    return attributes


def trial_attribute(connection: Connection, *, trial_id: int, key: str) -> Any:  # noqa: ANN401  # what JSON holds
    """One user attribute of one trial, by Optuna's trial id; None where it has none."""
    columns = OPTUNA_TRIAL_ATTRIBUTES.c
    query = select(columns.value_json).where(columns.trial_id == trial_id, columns.key == key)
    text = connection.execute(query).scalar()
    return None if text is None else json.loads(text)


def parameters(connection: Connection, study: str) -> list[tuple[int, str, float, str]]:
    """(trial id, name, internal value, distribution as JSON) of each Optuna parameter of a study without parts."""
    query = (
        select(
            OPTUNA_PARAMETERS.c.trial_id,
            OPTUNA_PARAMETERS.c.param_name,
            OPTUNA_PARAMETERS.c.param_value,
            OPTUNA_PARAMETERS.c.distribution_json,
        )
        .join(OPTUNA_TRIALS, OPTUNA_TRIALS.c.trial_id == OPTUNA_PARAMETERS.c.trial_id)
        .join(OPTUNA_STUDIES, OPTUNA_STUDIES.c.study_id == OPTUNA_TRIALS.c.study_id)
        .where(OPTUNA_STUDIES.c.study_name == study)
        .order_by(OPTUNA_PARAMETERS.c.trial_id, OPTUNA_PARAMETERS.c.param_name)
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


def epoch_frame(connection: Connection, study: str) -> pd.DataFrame:
    """The epochs of a study and of its parts; none where the database has no table of epochs."""
    names = [column.name for column in EPOCHS.columns]
    rows: Sequence[Any] = []
    if inspect(connection).has_table(EPOCHS.name):
        query = select(EPOCHS).where(EPOCHS.c.trial_id.in_(_trial_ids(study)))
        rows = connection.execute(query.order_by(EPOCHS.c.trial_id, EPOCHS.c.epoch)).all()
    frame = pd.DataFrame.from_records(rows, columns=names)
    kinds = dict.fromkeys(names, float) | {"trial_id": int, "epoch": int}
    return frame.astype(kinds)


def run_frame(connection: Connection, study: str) -> pd.DataFrame:
    """The runs of a study, oldest first; none where the database has no table of runs."""
    names = [column.name for column in RUNS.columns]
    if not inspect(connection).has_table(RUNS.name):
        return pd.DataFrame(columns=names)
    rows = connection.execute(select(RUNS).where(RUNS.c.study == study).order_by(RUNS.c.run_id)).all()
    frame = pd.DataFrame.from_records(rows, columns=names)
    return frame.assign(record=[json.loads(record) for record in frame["record"]])


def study_attributes(connection: Connection, study: str) -> dict[str, Any]:
    """The user attributes of a study itself."""
    query = (
        select(OPTUNA_STUDY_ATTRIBUTES.c.key, OPTUNA_STUDY_ATTRIBUTES.c.value_json)
        .join(OPTUNA_STUDIES, OPTUNA_STUDIES.c.study_id == OPTUNA_STUDY_ATTRIBUTES.c.study_id)
        .where(OPTUNA_STUDIES.c.study_name == study)
    )
    return {key: json.loads(value) for key, value in connection.execute(query)}


def metric_name(connection: Connection, study: str) -> str | None:
    """The name that `Study.set_metric_names` gave the objective; None where it gave none."""
    query = (
        select(OPTUNA_STUDY_SYSTEM_ATTRIBUTES.c.value_json)
        .join(OPTUNA_STUDIES, OPTUNA_STUDIES.c.study_id == OPTUNA_STUDY_SYSTEM_ATTRIBUTES.c.study_id)
        .where(OPTUNA_STUDIES.c.study_name == study, OPTUNA_STUDY_SYSTEM_ATTRIBUTES.c.key == "study:metric_names")
    )
    names = connection.execute(query).scalar()
    return str(json.loads(names)[0]) if names else None


def directions(connection: Connection, study: str) -> list[str]:
    """`MAXIMIZE` or `MINIMIZE` of each objective of a study."""
    query = (
        select(OPTUNA_DIRECTIONS.c.direction)
        .join(OPTUNA_STUDIES, OPTUNA_STUDIES.c.study_id == OPTUNA_DIRECTIONS.c.study_id)
        .where(OPTUNA_STUDIES.c.study_name == study)
        .order_by(OPTUNA_DIRECTIONS.c.objective)
    )
    return [str(direction) for direction in connection.execute(query).scalars()]


def _trial_ids(study: str) -> Select[Any]:
    of_study = and_(OPTUNA_TRIALS.c.study_id == OPTUNA_STUDIES.c.study_id, belongs(study))
    return select(OPTUNA_TRIALS.c.trial_id).join(OPTUNA_STUDIES, of_study)
