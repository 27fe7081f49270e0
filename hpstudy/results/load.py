"""Reads one study from a storage, which is never written."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from hpstudy.artifacts import study_folder
from hpstudy.database import file_of, read_storage, shown_place
from hpstudy.errors import DamagedStudyError, InputError
from hpstudy.results import queries, rows
from hpstudy.results.digests import StoredStudy, compare
from hpstudy.results.equal import as_one, equal_labels
from hpstudy.results.records import added_up
from hpstudy.results.rows import TrialRow
from hpstudy.results.settings import optuna_settings
from hpstudy.results.soundness import check_identity, check_labels, check_name, check_trials
from hpstudy.results.stored import read_name, shortened
from hpstudy.results.study import StudyResults, left_nothing, searching_runs
from hpstudy.results.trials import StoredTrials, confirmation_frame, setting_column, trial_frame, trial_label
from hpstudy.runner_lock import is_held, lock_path
from hpstudy.spec.identity import identity_domains
from hpstudy.spec.wording import did_you_mean
from hpstudy.tables import (
    ARTIFACTS_ATTRIBUTE,
    CANDIDATES_ATTRIBUTE,
    DESCRIPTION_ATTRIBUTE,
    IDENTITY_ATTRIBUTE,
    REPEATS,
    VALIDATION_ACCURACY,
)

_LONGEST_TITLE = 80


def load_results(url: str, *, study: str) -> StudyResults:
    """Reads a study; also one that plain Optuna made, which has values and settings alone.

    Args:
        url: The storage.
        study: The study's name.

    Raises:
        InputError: The storage has no such study, or it has several objectives.
        DamagedStudyError: What is stored of it is not what hpstudy and Optuna write.
        StorageError: It cannot be read.
    """

    def read(connection: Connection) -> StudyResults:
        queries.require_studies(connection, url)
        return read_study(connection, url, study)

    return read_storage(url, read)


def read_study(connection: Connection, url: str, study: str) -> StudyResults:
    """Reads a study through a connection; as `load_results`."""
    ours, foreign = queries.study_names(connection), queries.foreign_names(connection)
    if study in ours:
        return read_own(connection, url, study)
    if study in foreign:
        return read_foreign(connection, url, study)
    place, near = shown_place(url), did_you_mean(study, [*ours, *foreign])
    raise InputError(f"{study}: {place} has no such study.{near}")


def read_own(connection: Connection, url: str, study: str) -> StudyResults:
    """Reads a study that hpstudy made; as `load_results`."""
    with damage_named(url, study, ours=True):
        return _results(connection, url, study)


def read_foreign(connection: Connection, url: str, study: str) -> StudyResults:
    """Reads a study that plain Optuna made; as `load_results`."""
    with damage_named(url, study, ours=False):
        return _foreign_results(connection, study)


@contextmanager
def damage_named(url: str, study: str, *, ours: bool) -> Iterator[None]:
    """Says of damage that is found while the body runs which study has it, and what to do.

    Args:
        url: The storage.
        study: The study's name.
        ours: Whether hpstudy made it, and can delete it.
    """
    try:
        yield
    except DamagedStudyError as damage:
        repair = f"restore a copy of {shown_place(url)}"
        if ours:
            repair += f", or delete the study with `hpstudy delete {shlex.quote(shortened(study))}`"
        title = shortened(study, longest=_LONGEST_TITLE)
        raise DamagedStudyError(damage.fact, study=title, repair=repair) from None


def study_state(connection: Connection, url: str, study: str, runs: pd.DataFrame) -> str:
    """`running`, `finished` or `interrupted`.

    Args:
        connection: To the storage.
        url: The storage. On SQLite a runner holds a lock file, on a server a lease.
        study: A study of hpstudy's.
        runs: Its runs, oldest first.
    """
    database = file_of(url)
    live = is_held(lock_path(database, study=study)) if database else bool(queries.live_runs(connection, study))
    return "running" if live else "finished" if _is_finished(runs) else "interrupted"


def _is_finished(runs: pd.DataFrame) -> bool:
    """Whether nothing is left to train; what `hpstudy confirm` leaves says nothing of the search."""
    searching = searching_runs(runs)
    return left_nothing(runs) and (searching.empty or left_nothing(searching))


def _results(connection: Connection, url: str, study: str) -> StudyResults:
    read = _read(connection, study)
    head = queries.study_attributes(read.head)
    if IDENTITY_ATTRIBUTE not in head:
        raise DamagedStudyError(f"attribute {IDENTITY_ATTRIBUTE}: is absent")
    identity: Mapping[str, Any] = head[IDENTITY_ATTRIBUTE]
    check_identity(identity)
    titles = rows.trial_titles(read.rows, read.parts)
    attributes = rows.trial_attributes(read.texts, titles)
    check_trials(read.rows, attributes, titles, read.parts)
    repeats = [row for row in read.rows if attributes[row.trial_id].get(REPEATS) is not None]
    state = study_state(connection, url, study, read.runs)
    live = queries.live_runs(connection, study)
    stored = StoredTrials(
        parts=read.parts,
        rows=[row for row in read.rows if attributes[row.trial_id].get(REPEATS) is None],
        attributes=attributes,
        parameters={},
        unfinished="running" if state == "running" else "interrupted",
        own_defaults=added_up(read.runs["record"]).get("architecture_defaults", {}),
        over=[run_id for run_id in read.runs["run_id"] if run_id not in live] if live else (),
    )
    trials, settings = trial_frame(stored, epochs=read.epochs)
    named = head.get(CANDIDATES_ATTRIBUTE, [])
    found = confirmation_frame(stored, epochs=read.epochs)
    check_labels(trials, found, named)
    confirmations, candidates = _confirmations(found, trials, settings, candidates=named)
    return StudyResults(
        name=study,
        description=shortened(head.get(DESCRIPTION_ATTRIBUTE, "")),
        state=state,
        objective=VALIDATION_ACCURACY,
        maximize=True,
        trials=trials,
        epochs=read.epochs,
        confirmations=confirmations,
        candidate=candidates[-1] if candidates else None,
        former_candidates=tuple(candidates[:-1]),
        runs=read.runs,
        settings=settings,
        domains=identity_domains(identity),
        identity=identity,
        artifacts=study_folder(head.get(ARTIFACTS_ATTRIBUTE), study=study),
        digests=compare(read),
        repeats={
            _label(row, row.number, read): _label(row, attributes[row.trial_id][REPEATS], read) for row in repeats
        },
    )


def _read(connection: Connection, study: str) -> StoredStudy:
    """The rows of a study, in the order in which a run writes, backwards: beside one, what is read first is older."""
    check_name(study)
    parts = queries.part_names(connection, study)
    head = next(study_id for study_id, part in parts.items() if not part)
    attributes = queries.attribute_texts(connection, head)
    found = rows.trial_rows(connection, parts)
    titles = rows.trial_titles(found, parts)
    return StoredStudy(
        name=study,
        parts=parts,
        head=attributes,
        rows=found,
        texts=rows.stored_attributes(connection, parts, titles),
        epochs=rows.epoch_frame(connection, parts, titles),
        runs=queries.run_frame(connection, study),
    )


def _label(row: TrialRow, number: int, read: StoredStudy) -> str:
    """The label of a trial in the search of another, by its number."""
    return trial_label(number, read.parts[row.study_id])


def _confirmations(
    stored: pd.DataFrame, trials: pd.DataFrame, settings: Sequence[str], *, candidates: Sequence[str]
) -> tuple[pd.DataFrame, list[str]]:
    """The confirmations, equal configurations as one, and the candidates that a training was begun of."""
    confirmed = trials[trials["label"].isin([*stored["configuration"], *candidates])]
    equal = equal_labels(confirmed, settings=settings)
    merged = as_one(stored, equal=equal, candidates=candidates[::-1])
    return merged, _candidates(candidates, merged)


def _candidates(stored: Sequence[str], confirmations: pd.DataFrame) -> list[str]:
    """The candidates that a training was begun of; the last one where there is none.

    One is stored before the test set is opened, and its run may have ended there: the one before it still stands.
    """
    begun = set(confirmations["configuration"])
    return [candidate for candidate in stored if candidate in begun] or list(stored[-1:])


def _foreign_results(connection: Connection, study: str) -> StudyResults:
    """A study that plain Optuna made: its attributes mean nothing to hpstudy, whatever their names are."""
    read_name(study, place="its name")
    study_id = next(found for found, name in queries.all_names(connection).items() if name == study)
    directions = queries.directions(connection, study_id)
    if len(directions) > 1:
        raise InputError(f"{study}: has {len(directions)} objectives; hpstudy reads studies with one")
    trial_rows = rows.trial_rows(connection, {study_id: ""})
    parameters = rows.parameters(connection, study_id)
    values, domains = optuna_settings(
        (trial_id, setting_column(name), internal, written) for trial_id, name, internal, written in parameters
    )
    stored = StoredTrials({study_id: ""}, trial_rows, attributes={}, parameters=values, unfinished="running")
    epochs = rows.epoch_frame(connection, [], {})
    trials, settings = trial_frame(stored, epochs=epochs)
    took = (trials["ended_at"] - trials["started_at"]).dt.total_seconds().fillna(0.0)
    return StudyResults(
        name=study,
        description="",
        state="running" if (trials["state"] == "running").any() else "finished",
        objective=queries.metric_name(connection, study_id) or "value",
        maximize=directions != ["MINIMIZE"],
        trials=trials.assign(seconds=took),
        epochs=epochs,
        confirmations=confirmation_frame(stored, epochs=epochs),
        candidate=None,
        former_candidates=(),
        runs=queries.no_runs(),
        settings=settings,
        domains=domains,
        identity={},
        artifacts="",
    )
