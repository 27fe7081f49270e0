"""What the loading of results asks the database of studies and runs, each checked where it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pandas as pd
from sqlalchemy import Connection, func, inspect, select

from hpstudy.database import shown_place
from hpstudy.errors import DamagedStudyError, StorageError
from hpstudy.results.digests import run_sum
from hpstudy.results.rows import plain_rows
from hpstudy.results.shapes import STUDY_SHAPES, Name, Record
from hpstudy.results.stored import read_count, read_json, read_moment, read_one_of, read_text, shortened
from hpstudy.tables import (
    BASELINES,
    CONFIG,
    CONFIRM,
    DIGEST,
    DIGEST_ATTRIBUTE,
    LEASE_SECONDS,
    LEASES,
    OPTUNA_DIRECTIONS,
    OPTUNA_STUDIES,
    OPTUNA_STUDY_ATTRIBUTES,
    OPTUNA_STUDY_SYSTEM_ATTRIBUTES,
    OPTUNA_TRIAL_ATTRIBUTES,
    OPTUNA_TRIALS,
    PART_SEPARATOR,
    RUN,
    RUNS,
    TEST_DATA_ATTRIBUTE,
)

_DIRECTIONS = ("MAXIMIZE", "MINIMIZE", "NOT_SET")


def has_studies(connection: Connection) -> bool:
    """Whether a database has Optuna's tables."""
    return inspect(connection).has_table(OPTUNA_STUDIES.name)


def require_studies(connection: Connection, url: str) -> None:
    """Refuses a database that has no tables of Optuna's.

    Raises:
        StorageError: It has none.
    """
    if not has_studies(connection):
        raise StorageError(f"{shown_place(url)}: holds no studies")


def all_names(connection: Connection) -> dict[int, str]:
    """The names of all Optuna studies, parts included, by id; without those whose name is no text."""
    query = select(OPTUNA_STUDIES.c.study_id, OPTUNA_STUDIES.c.study_name).order_by(OPTUNA_STUDIES.c.study_id)
    rows = plain_rows(connection, query)
    return {study_id: name for study_id, name in rows if isinstance(name, str)}


def nameless(connection: Connection) -> list[int]:
    """The ids of the Optuna studies whose name is no text, which only a damaged database has."""
    ids = {row[0] for row in plain_rows(connection, select(OPTUNA_STUDIES.c.study_id))}
    return sorted(ids - all_names(connection).keys())


def study_names(connection: Connection) -> list[str]:
    """The names of hpstudy's studies, without their parts, sorted."""
    columns = OPTUNA_STUDY_ATTRIBUTES.c
    query = select(columns.study_id).where(columns.key.in_(STUDY_SHAPES.keys() - {TEST_DATA_ATTRIBUTE}))
    marked = {row[0] for row in plain_rows(connection, query)}
    # Sorted here: each database sorts text in a way of its own.
    return sorted(name for study_id, name in all_names(connection).items() if study_id in marked)


def foreign_names(connection: Connection) -> list[str]:
    """The names of the studies that plain Optuna made, sorted."""
    ours = study_names(connection)
    parts = tuple(name + PART_SEPARATOR for name in ours)
    every = all_names(connection).values()
    return sorted(name for name in every if name not in ours and not name.startswith(parts))


def part_names(connection: Connection, study: str) -> dict[int, str]:
    """The Optuna studies that make up a study of hpstudy's: id to `baselines`, `confirm`, …, empty for itself."""
    prefix = study + PART_SEPARATOR
    return {
        study_id: name.removeprefix(study)[1:]
        for study_id, name in all_names(connection).items()
        if name == study or name.startswith(prefix)
    }


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


def run_frame(connection: Connection, study: str) -> pd.DataFrame:
    """The runs of a study, oldest first; none where the database has no table of runs.

    Beside the columns of the table it has `changed`: whether a run's row is not what its digest says.

    Raises:
        DamagedStudyError: A run is not as hpstudy writes it.
    """
    if not inspect(connection).has_table(RUNS.name):
        return no_runs()
    found = plain_rows(connection, select(RUNS).where(RUNS.c.study == study).order_by(RUNS.c.run_id))
    frame = pd.DataFrame.from_records([_run_row(row) for row in found], columns=no_runs().columns)
    return frame.astype({"started_at": "datetime64[us]", "ended_at": "datetime64[us]"})


def _run_row(cells: Sequence[Any]) -> dict[str, Any]:
    row = dict(zip((column.name for column in RUNS.columns), cells, strict=True))
    place = f"run {row['run_id']}"
    row["run_id"] = read_count(row["run_id"], place="a run's id")
    for name in ("started_at", "ended_at"):
        row[name] = read_moment(row[name], place=f"{place}, {name}")
    if row["started_at"] is None:
        raise DamagedStudyError(f"{place}, started_at: is absent, where a date and time belongs")
    for name in ("end_reason", "command", "study_file"):
        row[name] = read_text(row[name], place=f"{place}, {name}")
    row["record"] = read_json(row["record"], Record, place=f"{place}, record")
    row["changed"] = DIGEST in row["record"] and row["record"][DIGEST] != run_sum(row)
    return row | {name: shortened(row[name]) for name in ("end_reason", "command")}


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
    return pd.DataFrame(columns=[*(column.name for column in RUNS.columns), "changed"])


def attribute_texts(connection: Connection, study_id: int) -> dict[str, str]:
    """Hpstudy's user attributes of an Optuna study, as the JSON texts that are stored.

    Raises:
        DamagedStudyError: One is no text.
    """
    columns = OPTUNA_STUDY_ATTRIBUTES.c
    rows = plain_rows(connection, select(columns.key, columns.value_json).where(columns.study_id == study_id))
    return {
        key: read_text(text, place=f"attribute {key}") for key, text in rows if key in {*STUDY_SHAPES, DIGEST_ATTRIBUTE}
    }


def study_attributes(texts: Mapping[str, str]) -> dict[str, Any]:
    """What `attribute_texts` hold, without the digest.

    Raises:
        DamagedStudyError: One is not as hpstudy writes it.
    """
    return {
        key: read_json(text, STUDY_SHAPES[key], place=f"attribute {key}")
        for key, text in texts.items()
        if key != DIGEST_ATTRIBUTE
    }


def metric_name(connection: Connection, study_id: int) -> str | None:
    """The name that `Study.set_metric_names` gave the objective; None where it gave none.

    Raises:
        DamagedStudyError: It is not as Optuna writes it.
    """
    columns = OPTUNA_STUDY_SYSTEM_ATTRIBUTES.c
    query = select(columns.value_json).where(columns.study_id == study_id, columns.key == "study:metric_names")
    found = plain_rows(connection, query)
    names = read_json(found[0][0], list[Name], place="study:metric_names") if found else []
    return str(names[0]) if names else None


def directions(connection: Connection, study_id: int) -> list[str]:
    """`MAXIMIZE` or `MINIMIZE` of each objective of a study.

    Raises:
        DamagedStudyError: There is none, or another word.
    """
    columns = OPTUNA_DIRECTIONS.c
    query = select(columns.direction).where(columns.study_id == study_id).order_by(columns.objective)
    found = [read_one_of(row[0], _DIRECTIONS, place="direction") for row in plain_rows(connection, query)]
    if not found:
        raise DamagedStudyError("direction: is absent")
    return found
