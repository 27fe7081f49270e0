"""Writes the digests of a study: what is changed has none meanwhile, so that a crash leaves none and no wrong one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from hpstudy.results import queries, rows
from hpstudy.results.digests import ENDED_STATES, FORMAT, attributes_sum, optuna_sum, trial_sums
from hpstudy.search.storage import Storage
from hpstudy.tables import (
    CONFIG,
    DIGEST,
    DIGEST_ATTRIBUTE,
    OPTUNA_INTERMEDIATES,
    OPTUNA_PARAMETERS,
    OPTUNA_STUDY_ATTRIBUTES,
    OPTUNA_TRIAL_ATTRIBUTES,
    RUN,
    RUNS,
)

_AT_ONCE = 500
"""Trials of which digests are written in one transaction."""


def write_trial_digests(storage: Storage, *, parts: Mapping[int, str], trial_ids: Sequence[int]) -> None:
    """Writes the digests of trials that have ended, from what is stored of them.

    Another runner may write the same one at the same time.

    Args:
        storage: Where they are.
        parts: The Optuna studies that the trials are of, as in `part_names`.
        trial_ids: The trials.
    """
    for first in range(0, len(trial_ids), _AT_ONCE):
        storage.transact(partial(_write_some, parts=parts, trial_ids=trial_ids[first : first + _AT_ONCE]))


def _write_some(connection: Connection, *, parts: Mapping[int, str], trial_ids: Sequence[int]) -> None:
    found = trial_digests(connection, parts=parts, trial_ids=trial_ids)
    written = [{"trial_id": ended, "key": DIGEST, "value_json": json.dumps(found[ended])} for ended in found]
    if written:
        insert_new = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        connection.execute(insert_new(OPTUNA_TRIAL_ATTRIBUTES).on_conflict_do_nothing(), written)


def trial_digests(
    connection: Connection, *, parts: Mapping[int, str], trial_ids: Collection[int] | None = None
) -> dict[int, dict[str, Any]]:
    """What the digests of trials are by what is stored of them, by trial id; of those alone that have ended.

    Args:
        connection: To the storage.
        parts: The Optuna studies that the trials are of.
        trial_ids: The trials; None for all.
    """
    found = rows.trial_rows(connection, parts, trial_ids=trial_ids)
    titles = rows.trial_titles(found, parts)
    texts = rows.stored_attributes(connection, parts, titles, trial_ids=trial_ids)
    epochs = rows.epoch_frame(connection, parts, titles, trial_ids=trial_ids)
    sums = trial_sums(found, texts, epochs)
    drawn: dict[int, list[Any]] = {}
    reported: dict[int, list[Any]] = {}
    parameters, intermediates = OPTUNA_PARAMETERS.c, OPTUNA_INTERMEDIATES.c
    ids = rows.ids_of(parts, trial_ids)
    query = select(parameters.trial_id, parameters.param_name, parameters.param_value, parameters.distribution_json)
    for trial_id, *cells in rows.plain_rows(connection, query.where(parameters.trial_id.in_(ids))):
        drawn.setdefault(trial_id, []).append(cells)
    columns = (intermediates.step, intermediates.intermediate_value, intermediates.intermediate_value_type)
    query = select(intermediates.trial_id, *columns).where(intermediates.trial_id.in_(ids))
    for trial_id, *cells in rows.plain_rows(connection, query):
        reported.setdefault(trial_id, []).append(cells)
    return {
        trial_id: {
            "format": FORMAT,
            "results": total,
            "optuna": optuna_sum(drawn.get(trial_id, ()), reported.get(trial_id, ())),
        }
        for trial_id, total in sums.items()
    }


def fill_digests(storage: Storage, *, study: str) -> None:
    """Writes the digests of those trainings that have ended and have none: a run was killed there, or was older."""
    parts = storage.transact(lambda connection: queries.part_names(connection, study))
    found = storage.transact(lambda connection: rows.trial_rows(connection, parts))
    titles = rows.trial_titles(found, parts)
    texts = storage.transact(lambda connection: rows.stored_attributes(connection, parts, titles))
    left = [
        row.trial_id
        for row in found
        if row.state in ENDED_STATES and texts[row.trial_id].keys() & {CONFIG, RUN, DIGEST} == {CONFIG, RUN}
    ]
    write_trial_digests(storage, parts=parts, trial_ids=left)


@contextmanager
def attributes_changing(storage: Storage, *, study: str) -> Iterator[None]:
    """Has no digest of a study's attributes while the body changes them, and writes the new one at its end.

    On a server the caller has the study for itself. Where the body fails there is none until the next run.
    """
    storage.transact(lambda connection: _delete(connection, _head(connection, study)))
    yield
    renew_digest(storage, study=study)


def renew_digest(storage: Storage, *, study: str) -> None:
    """Writes the digest of a study's attributes, with the runs and the trials that it has now."""
    storage.transact(lambda connection: _write(connection, study))


def _write(connection: Connection, study: str) -> None:
    head = _head(connection, study)
    parts = queries.part_names(connection, study)
    counted = Counter(row.study_id for row in rows.trial_rows(connection, parts))
    runs = select(RUNS.c.run_id).where(RUNS.c.study == study).order_by(RUNS.c.run_id)
    digest = {
        "format": FORMAT,
        "name": study,
        "attributes": attributes_sum(queries.attribute_texts(connection, head)),
        "runs": [row[0] for row in rows.plain_rows(connection, runs)],
        "trials": {part: counted[study_id] for study_id, part in parts.items()},
    }
    _delete(connection, head)
    row = {"study_id": head, "key": DIGEST_ATTRIBUTE, "value_json": json.dumps(digest)}
    connection.execute(insert(OPTUNA_STUDY_ATTRIBUTES).values(row))


def _delete(connection: Connection, study_id: int) -> None:
    columns = OPTUNA_STUDY_ATTRIBUTES.c
    connection.execute(
        delete(OPTUNA_STUDY_ATTRIBUTES).where(columns.study_id == study_id, columns.key == DIGEST_ATTRIBUTE)
    )


def _head(connection: Connection, study: str) -> int:
    """The id of the Optuna study that has the attributes, which exists."""
    return next(study_id for study_id, part in queries.part_names(connection, study).items() if not part)
