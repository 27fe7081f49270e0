"""What the loading of results asks the database, as plain rows."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Select, and_, func, inspect, select

from hpstudy.database import shown_place
from hpstudy.errors import StorageError
from hpstudy.tables import (
    BASELINE,
    BASELINES,
    CONFIG,
    CONFIRM,
    CONFIRM_SEED,
    CONFIRMS,
    EPOCHS,
    IDENTITY_ATTRIBUTE,
    LEASE_SECONDS,
    LEASES,
    MESSAGE,
    N_PARAMETERS,
    OPTUNA_DIRECTIONS,
    OPTUNA_PARAMETERS,
    OPTUNA_STUDIES,
    OPTUNA_STUDY_ATTRIBUTES,
    OPTUNA_STUDY_SYSTEM_ATTRIBUTES,
    OPTUNA_TRIAL_ATTRIBUTES,
    OPTUNA_TRIALS,
    OPTUNA_VALUES,
    PART_SEPARATOR,
    REASON,
    REPEATS,
    RUN,
    RUNS,
    TRAIN_ACCURACY,
)

_READ = (BASELINE, CONFIG, CONFIRMS, CONFIRM_SEED, MESSAGE, N_PARAMETERS, REASON, REPEATS, RUN, TRAIN_ACCURACY)
"""The user attributes of a trial that results have; a traceback, for one, is long and not among them."""

_INFINITE = {"INF_POS": math.inf, "INF_NEG": -math.inf}
"""Optuna keeps an infinite value as its kind alone, without the number."""


@dataclass(frozen=True)
class TrialRow:
    """A row of Optuna's table of trials.

    Attributes:
        trial_id: Optuna's.
        study_id: Optuna's, of the study or of a part of it.
        number: From 0 in each Optuna study.
        state: In Optuna's words.
        started_at: UTC; text where the database is SQLite; None for a trial that waits.
        ended_at: The same; None until it has ended.
        value: Of the first objective; it may be infinite; None where there is none.
    """

    trial_id: int
    study_id: int
    number: int
    state: str
    started_at: datetime | str | None
    ended_at: datetime | str | None
    value: float | None


def require_studies(connection: Connection, url: str) -> None:
    """Refuses a database that has no tables of Optuna's.

    Raises:
        StorageError: It has none.
    """
    if not inspect(connection).has_table(OPTUNA_STUDIES.name):
        raise StorageError(f"{shown_place(url)}: holds no studies")


def study_names(connection: Connection) -> list[str]:
    """The names of hpstudy's studies, without their parts, sorted."""
    marked = (
        select(OPTUNA_STUDIES.c.study_name)
        .join(OPTUNA_STUDY_ATTRIBUTES, OPTUNA_STUDIES.c.study_id == OPTUNA_STUDY_ATTRIBUTES.c.study_id)
        .where(OPTUNA_STUDY_ATTRIBUTES.c.key == IDENTITY_ATTRIBUTE)
    )
    return sorted(connection.execute(marked).scalars())  # here: each database sorts text in a way of its own


def foreign_names(connection: Connection) -> list[str]:
    """The names of the studies that plain Optuna made, sorted."""
    ours = study_names(connection)
    parts = tuple(name + PART_SEPARATOR for name in ours)
    every = connection.execute(select(OPTUNA_STUDIES.c.study_name)).scalars()
    return sorted(name for name in every if name not in ours and not name.startswith(parts))


def part_names(connection: Connection, study: str) -> dict[int, str]:
    """The Optuna studies that make up a study of hpstudy's: id to `baselines`, `confirm`, …, empty for itself."""
    prefix = study + PART_SEPARATOR
    every = connection.execute(select(OPTUNA_STUDIES.c.study_id, OPTUNA_STUDIES.c.study_name)).all()
    return {row[0]: row[1].removeprefix(study)[1:] for row in every if row[1] == study or row[1].startswith(prefix)}


def parts_left(connection: Connection, study: str) -> list[str]:
    """The names of the parts of hpstudy's that are left of a study that is gone, sorted.

    Those that hold a trial that hpstudy ran, and empty ones that are called as hpstudy calls its own. Others are plain
    Optuna's, whatever their names begin with.
    """
    parts = part_names(connection, study)
    with_trials = select(OPTUNA_TRIALS.c.study_id).where(OPTUNA_TRIALS.c.study_id.in_(parts)).distinct()
    marks = OPTUNA_TRIALS.join(OPTUNA_TRIAL_ATTRIBUTES, OPTUNA_TRIAL_ATTRIBUTES.c.trial_id == OPTUNA_TRIALS.c.trial_id)
    ran = (
        with_trials.select_from(marks)
        .where(OPTUNA_TRIAL_ATTRIBUTES.c.key.in_((CONFIG, RUN)))
        .group_by(OPTUNA_TRIALS.c.study_id, OPTUNA_TRIALS.c.trial_id)
        .having(func.count() == len((CONFIG, RUN)))
    )
    not_empty, ours = (set(connection.execute(query).scalars()) for query in (with_trials, ran))
    return sorted(
        f"{study}{PART_SEPARATOR}{part}"
        for part_id, part in parts.items()
        if part_id in ours or (part_id not in not_empty and part in {BASELINES, CONFIRM})
    )


def study_id(connection: Connection, study: str) -> int:
    """Optuna's id of the study of exactly this name, which exists."""
    query = select(OPTUNA_STUDIES.c.study_id).where(OPTUNA_STUDIES.c.study_name == study)
    return int(connection.execute(query).scalar_one())


def trial_rows(connection: Connection, study_ids: Collection[int]) -> list[TrialRow]:
    """The trials of some Optuna studies, by study and number."""
    first_value = and_(OPTUNA_VALUES.c.trial_id == OPTUNA_TRIALS.c.trial_id, OPTUNA_VALUES.c.objective == 0)
    trials = OPTUNA_TRIALS.c
    columns = [trials.trial_id, trials.study_id, trials.number, trials.state]
    columns += [trials.datetime_start, trials.datetime_complete, OPTUNA_VALUES.c.value, OPTUNA_VALUES.c.value_type]
    query = (
        select(*columns)
        .join(OPTUNA_VALUES, first_value, isouter=True)
        .where(trials.study_id.in_(study_ids))
        .order_by(trials.study_id, trials.number)
    )
    return [
        TrialRow(trial_id, of_study, number, state, started_at, ended_at, _INFINITE.get(kind, value))
        for trial_id, of_study, number, state, started_at, ended_at, value, kind in _plain_rows(connection, query)
    ]


def trial_attributes(connection: Connection, study_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Hpstudy's own user attributes of each trial of some Optuna studies, by trial id."""
    query = select(
        OPTUNA_TRIAL_ATTRIBUTES.c.trial_id, OPTUNA_TRIAL_ATTRIBUTES.c.key, OPTUNA_TRIAL_ATTRIBUTES.c.value_json
    ).where(OPTUNA_TRIAL_ATTRIBUTES.c.trial_id.in_(_trial_ids(study_ids)), OPTUNA_TRIAL_ATTRIBUTES.c.key.in_(_READ))
    attributes: dict[int, dict[str, Any]] = {}
    for trial_id, key, value in _plain_rows(connection, query):
        attributes.setdefault(trial_id, {})[key] = json.loads(value)
    return attributes


def repeats(connection: Connection, study_ids: Collection[int]) -> frozenset[int]:
    """The ids of the trials that are draws which repeat another, and so were not trained."""
    columns = OPTUNA_TRIAL_ATTRIBUTES.c
    query = select(columns.trial_id, columns.value_json).where(
        columns.trial_id.in_(_trial_ids(study_ids)), columns.key == REPEATS
    )
    return frozenset(trial_id for trial_id, value in _plain_rows(connection, query) if json.loads(value) is not None)


def trial_attribute(connection: Connection, *, trial_id: int, key: str) -> Any:  # noqa: ANN401  # what JSON holds
    """One user attribute of one trial, by Optuna's trial id; None where it has none."""
    columns = OPTUNA_TRIAL_ATTRIBUTES.c
    query = select(columns.value_json).where(columns.trial_id == trial_id, columns.key == key)
    text = connection.execute(query).scalar()
    return None if text is None else json.loads(text)


def parameters(connection: Connection, study_id: int) -> Sequence[tuple[int, str, float, str]]:
    """(trial id, name, internal value, distribution as JSON) of each parameter of an Optuna study.

    By the order in which they were first suggested.
    """
    columns = OPTUNA_PARAMETERS.c
    query = (
        select(columns.trial_id, columns.param_name, columns.param_value, columns.distribution_json)
        .join(OPTUNA_TRIALS, OPTUNA_TRIALS.c.trial_id == columns.trial_id)
        .where(OPTUNA_TRIALS.c.study_id == study_id)
        .order_by(columns.param_id)
    )
    return _plain_rows(connection, query)


def epoch_frame(connection: Connection, study_ids: Collection[int]) -> pd.DataFrame:
    """The epochs of some Optuna studies, by trial; none where the database has no table of epochs."""
    names = [column.name for column in EPOCHS.columns]
    rows: Sequence[Any] = []
    if inspect(connection).has_table(EPOCHS.name):
        query = select(EPOCHS).where(EPOCHS.c.trial_id.in_(_trial_ids(study_ids)))
        rows = _plain_rows(connection, query.order_by(EPOCHS.c.trial_id, EPOCHS.c.epoch))
    numbers = np.array(rows, dtype=np.float64).reshape(-1, len(names))  # NULL becomes NaN
    return pd.DataFrame(numbers, columns=names).astype({"trial_id": int, "epoch": int})


def run_frame(connection: Connection, study: str) -> pd.DataFrame:
    """The runs of a study, oldest first; none where the database has no table of runs."""
    if not inspect(connection).has_table(RUNS.name):
        return no_runs()
    rows = connection.execute(select(RUNS).where(RUNS.c.study == study).order_by(RUNS.c.run_id)).all()
    frame = pd.DataFrame.from_records(rows, columns=no_runs().columns)
    # pandas makes an absent text NaN or leaves it None, as the others are.
    reasons = [reason if isinstance(reason, str) else "" for reason in frame["end_reason"]]
    return frame.assign(end_reason=reasons, record=[json.loads(record) for record in frame["record"]])


def live_runs(connection: Connection, study: str) -> frozenset[int]:
    """The runs of a study that have renewed their lease lately, by the server's clock; none where there are no leases.

    A guess that is right but for two minutes after a runner was killed.
    """
    if not inspect(connection).has_table(LEASES.name):
        return frozenset()
    query = (
        select(LEASES.c.run_id)
        .join(RUNS, RUNS.c.run_id == LEASES.c.run_id)
        .where(RUNS.c.study == study, LEASES.c.beaten_at > func.now() - timedelta(seconds=LEASE_SECONDS))
    )
    return frozenset(connection.execute(query).scalars())


def no_runs() -> pd.DataFrame:
    """The frame of runs, with none in it."""
    return pd.DataFrame(columns=[column.name for column in RUNS.columns])


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


def _plain_rows(connection: Connection, query: Select[Any]) -> Sequence[Any]:
    """The driver's own tuples: SQLAlchemy's row objects take half of the time that 200,000 epochs need."""
    cursor = connection.execute(query).cursor
    return cursor.fetchall() if cursor else []


def _trial_ids(study_ids: Collection[int]) -> Select[Any]:
    return select(OPTUNA_TRIALS.c.trial_id).where(OPTUNA_TRIALS.c.study_id.in_(study_ids))
