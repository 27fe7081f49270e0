"""Reads one study from a storage, which is never written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from hpstudy.database import open_to_read, sqlite_file
from hpstudy.errors import InputError
from hpstudy.results import queries
from hpstudy.results.settings import identity_domains, optuna_domain, optuna_value
from hpstudy.results.study import StudyResults
from hpstudy.results.trials import StoredTrials, confirmation_frame, trial_frame
from hpstudy.runner_lock import is_held, lock_path
from hpstudy.spec.catalogue import Scalar
from hpstudy.spec.study import Domain, Fixed
from hpstudy.spec.wording import did_you_mean
from hpstudy.tables import (
    ARTIFACTS_ATTRIBUTE,
    CANDIDATES_ATTRIBUTE,
    DESCRIPTION_ATTRIBUTE,
    FINISHED,
    IDENTITY_ATTRIBUTE,
)


def load_results(url: str, *, study: str) -> StudyResults:
    """Reads a study; also one that plain Optuna made, which has values and settings alone.

    Args:
        url: The storage.
        study: The study's name.

    Raises:
        InputError: The storage has no such study, or it has several objectives.
        StorageError: It cannot be read.
    """
    with open_to_read(url) as connection:
        queries.require_studies(connection, url)
        known = [*queries.study_names(connection), *queries.foreign_names(connection)]
        if study not in known:
            raise InputError(f"{study}: {url} has no such study.{did_you_mean(study, known)}")
        directions = queries.directions(connection, study)
        if len(directions) > 1:
            raise InputError(f"{study}: has {len(directions)} objectives; hpstudy reads studies with one")
        return _results(connection, study, live=is_running(url, study), maximize=directions != ["MINIMIZE"])


def is_running(url: str, study: str) -> bool:
    """Whether a runner has the study now."""
    return is_held(lock_path(sqlite_file(url), study=study))


def study_state(end_reasons: pd.Series[Any], *, live: bool) -> str:
    """`running`, `finished` or `interrupted`, from the ends of a study's runs, oldest first."""
    if live:
        return "running"
    return "finished" if list(end_reasons)[-1:] == [FINISHED] else "interrupted"


def _results(connection: Connection, study: str, *, live: bool, maximize: bool) -> StudyResults:
    head = queries.study_attributes(connection, study)
    identity: Mapping[str, Any] = head.get(IDENTITY_ATTRIBUTE, {})
    parameters, optuna_domains = ({}, {}) if identity else _parameters(connection, study)
    stored = StoredTrials(
        study=study,
        rows=queries.trial_rows(connection, study),
        attributes=queries.trial_attributes(connection, study),
        parameters=parameters,
        live=live,
    )
    epochs = queries.epoch_frame(connection, study)
    runs = queries.run_frame(connection, study)
    trials, settings = trial_frame(stored, epochs=epochs)
    candidates = head.get(CANDIDATES_ATTRIBUTE, [])
    return StudyResults(
        name=study,
        description=str(head.get(DESCRIPTION_ATTRIBUTE, "")),
        state=study_state(runs["end_reason"], live=live) if identity else "finished",
        objective="validation accuracy" if identity else queries.metric_name(connection, study) or "value",
        maximize=maximize,
        trials=trials,
        epochs=epochs,
        confirmations=confirmation_frame(stored, epochs=epochs),
        candidate=candidates[-1] if candidates else None,
        former_candidates=tuple(candidates[:-1]),
        runs=runs,
        settings=settings,
        domains=identity_domains(identity) if identity else optuna_domains,
        identity=identity,
        artifacts=str(head.get(ARTIFACTS_ATTRIBUTE, "")),
    )


def _parameters(connection: Connection, study: str) -> tuple[dict[int, dict[str, Scalar]], dict[str, Domain]]:
    """Optuna's parameters by trial id, and what each is drawn from; for a study without configurations."""
    values: dict[int, dict[str, Scalar]] = {}
    domains: dict[str, Domain] = {}
    for trial_id, name, internal, distribution in queries.parameters(connection, study):
        values.setdefault(trial_id, {})[name] = optuna_value(internal, distribution)
        domains.setdefault(name, optuna_domain(distribution))
    return values, {name: domain for name, domain in domains.items() if not isinstance(domain, Fixed)}
