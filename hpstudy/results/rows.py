"""The rows of trials and epochs that the loading of results reads, each checked where it is read."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, and_, inspect, select
from sqlalchemy.exc import DatabaseError

from hpstudy.errors import DamagedStudyError
from hpstudy.results.shapes import TRIAL_SHAPES
from hpstudy.results.stored import (
    read_count,
    read_json,
    read_moment,
    read_name,
    read_number,
    read_one_of,
    read_table,
    read_text,
)
from hpstudy.tables import (
    BASELINE,
    BASELINES,
    CONFIG,
    CONFIRM,
    CONFIRM_SEED,
    CONFIRMS,
    DIGEST,
    EPOCHS,
    MESSAGE,
    N_PARAMETERS,
    OPTUNA_PARAMETERS,
    OPTUNA_TRIAL_ATTRIBUTES,
    OPTUNA_TRIALS,
    OPTUNA_VALUES,
    PART_SEPARATOR,
    PREDICTIONS_SHA256,
    REASON,
    REPEATS,
    RUN,
    TRAIN_ACCURACY,
    WEIGHTS_SHA256,
)

READ = (
    *(BASELINE, CONFIG, CONFIRMS, CONFIRM_SEED, MESSAGE, N_PARAMETERS, REASON, REPEATS, RUN, TRAIN_ACCURACY),
    *(PREDICTIONS_SHA256, WEIGHTS_SHA256),
)
"""The user attributes of a trial that results have; a traceback, for one, is long and not among them."""

STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed", "WAITING": "waiting"}
"""Optuna's states in hpstudy's words; RUNNING is `running` or `interrupted`."""

_KNOWN_STATES = (*STATES, "RUNNING")

_INFINITE = {"INF_POS": math.inf, "INF_NEG": -math.inf}
"""Optuna keeps an infinite value as its kind alone, without the number."""

_LARGEST = 1e50
"""Nothing that a training measures in float32 comes near it; figures and sums could not bear much more."""

_LONGEST_SECONDS = 1e9


@dataclass(frozen=True)
class TrialRow:
    """A row of Optuna's table of trials.

    Attributes:
        trial_id: Optuna's.
        study_id: Optuna's, of the study or of a part of it.
        number: From 0 in each Optuna study.
        state: In Optuna's words.
        started_at: UTC; None for a trial that waits.
        ended_at: The same; None until it has ended.
        value: Of the first objective; it may be infinite; None where there is none.
    """

    trial_id: int
    study_id: int
    number: int
    state: str
    started_at: datetime | None
    ended_at: datetime | None
    value: float | None


def trial_title(part: str, number: object) -> str:
    """A trial as a message names it, before its labels are known: `trial 3`, `baseline trial 0`."""
    if part in {BASELINES, CONFIRM}:
        return f"{'baseline' if part == BASELINES else 'confirmation'} trial {number}"
    return f"trial {part}{PART_SEPARATOR}{number}" if part else f"trial {number}"


def trial_titles(rows: Sequence[TrialRow], parts: Mapping[int, str]) -> dict[int, str]:
    """What messages call each trial, by its id."""
    return {row.trial_id: trial_title(parts[row.study_id], row.number) for row in rows}


def trial_rows(
    connection: Connection, parts: Mapping[int, str], *, trial_ids: Collection[int] | None = None
) -> list[TrialRow]:
    """The trials of some Optuna studies, by study and number.

    Args:
        connection: To the storage.
        parts: The id of each study to the part that it is, for messages.
        trial_ids: These alone; None for all.

    Raises:
        DamagedStudyError: A row is not as Optuna writes it.
    """
    first_value = and_(OPTUNA_VALUES.c.trial_id == OPTUNA_TRIALS.c.trial_id, OPTUNA_VALUES.c.objective == 0)
    trials = OPTUNA_TRIALS.c
    columns = [trials.trial_id, trials.study_id, trials.number, trials.state]
    columns += [trials.datetime_start, trials.datetime_complete, OPTUNA_VALUES.c.value, OPTUNA_VALUES.c.value_type]
    query = (
        select(*columns)
        .join(OPTUNA_VALUES, first_value, isouter=True)
        .where(trials.study_id.in_(parts) if trial_ids is None else trials.trial_id.in_(trial_ids))
        .order_by(trials.study_id, trials.number)
    )
    return [_trial_row(row, parts) for row in plain_rows(connection, query)]


def _trial_row(row: Sequence[Any], parts: Mapping[int, str]) -> TrialRow:
    trial_id, study_id, number, state, started_at, ended_at, value, kind = row
    place = trial_title(parts[study_id], number if isinstance(number, int) else f"with the id {trial_id}")
    return TrialRow(
        trial_id,
        study_id,
        read_count(number, place=f"{place}, number"),
        read_one_of(state, _KNOWN_STATES, place=f"{place}, state"),
        read_moment(started_at, place=f"{place}, datetime_start"),
        read_moment(ended_at, place=f"{place}, datetime_complete"),
        _value(value, kind, place=f"{place}, value"),
    )


def _value(value: object, kind: object, *, place: str) -> float | None:
    if kind is None:
        return None
    if read_one_of(kind, ("FINITE", *_INFINITE), place=f"{place}_type") != "FINITE":
        return _INFINITE[str(kind)]
    return read_number(value, place=place)


def stored_attributes(
    connection: Connection,
    study_ids: Collection[int],
    titles: Mapping[int, str],
    *,
    trial_ids: Collection[int] | None = None,
) -> dict[int, dict[str, str]]:
    """Hpstudy's own user attributes of each trial, and its digest, by trial id, as the JSON texts that are stored.

    Args:
        connection: To the storage.
        study_ids: The Optuna studies of the trials.
        titles: What messages call each trial, by its id; others are left out, since they have begun meanwhile.
        trial_ids: These alone; None for all.

    Raises:
        DamagedStudyError: One is no text.
    """
    columns = OPTUNA_TRIAL_ATTRIBUTES.c
    query = select(columns.trial_id, columns.key, columns.value_json).where(
        columns.trial_id.in_(ids_of(study_ids, trial_ids)), columns.key.in_((*READ, DIGEST))
    )
    texts: dict[int, dict[str, str]] = {trial_id: {} for trial_id in titles}
    for trial_id, key, text in plain_rows(connection, query):
        if trial_id in texts:
            texts[trial_id][key] = (
                text if isinstance(text, str) else read_text(text, place=f"{titles[trial_id]}, {key}")
            )
    return texts


def trial_attributes(texts: Mapping[int, Mapping[str, str]], titles: Mapping[int, str]) -> dict[int, dict[str, Any]]:
    """What `stored_attributes` hold, without the digests.

    Raises:
        DamagedStudyError: One is not as hpstudy writes it.
    """
    return {
        trial_id: {
            key: read_json(text, TRIAL_SHAPES[key], place=f"{titles[trial_id]}, {key}")
            for key, text in of_trial.items()
            if key != DIGEST
        }
        for trial_id, of_trial in texts.items()
    }


def trial_attribute(connection: Connection, *, trial_id: int, key: str) -> Any:  # noqa: ANN401  # what JSON holds
    """One user attribute of one trial, by Optuna's trial id; None where it has none.

    Raises:
        DamagedStudyError: It is not as hpstudy writes it.
    """
    columns = OPTUNA_TRIAL_ATTRIBUTES.c
    query = select(columns.value_json).where(columns.trial_id == trial_id, columns.key == key)
    found = plain_rows(connection, query)
    return read_json(found[0][0], TRIAL_SHAPES[key], place=key) if found else None


def parameters(connection: Connection, study_id: int) -> list[tuple[int, str, float, str]]:
    """(trial id, name, internal value, distribution as JSON) of each parameter of an Optuna study.

    By the order in which they were first suggested.

    Raises:
        DamagedStudyError: A row is not as Optuna writes it.
    """
    columns = OPTUNA_PARAMETERS.c
    query = (
        select(columns.trial_id, columns.param_name, columns.param_value, columns.distribution_json)
        .join(OPTUNA_TRIALS, OPTUNA_TRIALS.c.trial_id == columns.trial_id)
        .where(OPTUNA_TRIALS.c.study_id == study_id)
        .order_by(columns.param_id)
    )
    return [
        (
            trial_id,
            read_name(name, place="a parameter's name"),
            read_number(value, place="a parameter's value"),
            read_text(distribution, place="a parameter's distribution"),
        )
        for trial_id, name, value, distribution in plain_rows(connection, query)
    ]


def epoch_frame(
    connection: Connection,
    study_ids: Collection[int],
    titles: Mapping[int, str],
    *,
    trial_ids: Collection[int] | None = None,
) -> pd.DataFrame:
    """The epochs of some Optuna studies, by trial; none where the database has no table of epochs.

    Args:
        connection: To the storage.
        study_ids: The studies.
        titles: What messages call each trial, by its id; epochs of others are left out, since they began meanwhile.
        trial_ids: These alone; None for all.

    Raises:
        DamagedStudyError: A row is not as hpstudy writes it.
    """
    names = [column.name for column in EPOCHS.columns]
    rows: Sequence[Any] = []
    if inspect(connection).has_table(EPOCHS.name):
        query = select(EPOCHS).where(EPOCHS.c.trial_id.in_(ids_of(study_ids, trial_ids)))
        rows = plain_rows(connection, query.order_by(EPOCHS.c.trial_id, EPOCHS.c.epoch))
    numbers = read_table(rows, n_columns=len(names), place=f"the table {EPOCHS.name}")
    frame = pd.DataFrame(numbers, columns=names)
    frame = frame[frame["trial_id"].isin(titles)].reset_index(drop=True)
    _check_epochs(frame, titles)
    return frame.astype({"trial_id": int, "epoch": int})


def _check_epochs(epochs: pd.DataFrame, titles: Mapping[int, str]) -> None:
    """Epochs count from 0, and every number is one that a training can have measured."""
    trial, epoch = epochs["trial_id"], epochs["epoch"]
    expected = (epoch.shift(fill_value=-1) + 1).where(trial == trial.shift(), 0)
    _refuse(epoch != expected, epochs, titles, "the epochs do not count from 0")
    for name in epochs.columns.drop(["trial_id", "epoch"]):
        low, high = _limits(name)
        wrong = ~epochs[name].between(low, high)
        if name.startswith("val_"):
            wrong &= epochs[name].notna()
        _refuse(wrong, epochs, titles, f"{name} of an epoch is no number from {low:g} to {high:g}")


def _limits(name: str) -> tuple[float, float]:
    if name == "seconds":
        return 0.0, _LONGEST_SECONDS
    return (0.0, 1.0) if name.endswith("accuracy") else (-_LARGEST, _LARGEST)


def _refuse(wrong: pd.Series[bool], epochs: pd.DataFrame, titles: Mapping[int, str], fact: str) -> None:
    if wrong.any():
        raise DamagedStudyError(f"{titles[int(epochs['trial_id'][wrong].iloc[0])]}: {fact}")


def plain_rows(connection: Connection, query: Select[Any]) -> Sequence[Any]:
    """The driver's own tuples: SQLAlchemy's row objects take half of the time that 200,000 epochs need."""
    cursor = connection.execute(query).cursor
    try:
        return cursor.fetchall() if cursor else []
    except connection.dialect.loaded_dbapi.Error as error:  # pages that the file has no more, or text that is none
        raise DatabaseError(str(query), None, error) from error


def ids_of(study_ids: Collection[int], trial_ids: Collection[int] | None) -> Select[Any] | Collection[int]:
    """What a column of trial ids is held against: some trials, or where none are given all of some studies."""
    if trial_ids is not None:
        return trial_ids
    return select(OPTUNA_TRIALS.c.trial_id).where(OPTUNA_TRIALS.c.study_id.in_(study_ids))
