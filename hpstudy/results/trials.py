"""The frame of a study's trials and that of its confirmations, from the rows of the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from hpstudy.results.rows import STATES, TrialRow
from hpstudy.results.settings import config_settings
from hpstudy.results.stored import shortened
from hpstudy.spec.rows import Scalar
from hpstudy.tables import (
    BASELINE,
    BASELINES,
    CONFIG,
    CONFIRM,
    CONFIRM_SEED,
    CONFIRMS,
    MESSAGE,
    N_PARAMETERS,
    PART_SEPARATOR,
    REASON,
    REMOVED,
    RUN,
    SEARCH,
    TRAIN_ACCURACY,
)

_COMMON = {
    "trial_id": "int64",
    "number": "int64",
    "state": "str",
    "reason": "str",
    "message": "str",
    "train_accuracy": "float64",
    "n_parameters": "float64",
    "started_at": "datetime64[us]",
    "ended_at": "datetime64[us]",
    "epochs_planned": "float64",
    "run_id": "float64",
}
_ADDED = ("epochs", "seconds")
_TRIAL = {"label": "str", "part": "str", "value": "float64"}
_CONFIRMATION = {"configuration": "str", "seed": "int64", "test_accuracy": "float64"}


def setting_column(parameter: str) -> str:
    """The column of a plain Optuna study's parameter: its name, or `params_NAME` where a column has that already."""
    return f"params_{parameter}" if parameter in {*_COMMON, *_TRIAL, *_ADDED} else parameter


@dataclass(frozen=True)
class StoredTrials:
    """What the database has of a study's trials.

    Attributes:
        parts: The Optuna studies of the study: id to `baselines`, `confirm`, an architecture of a fair study, or empty
            for the study itself.
        rows: Of all of these.
        attributes: hpstudy's user attributes by trial id; none for a study that plain Optuna made.
        parameters: Optuna's parameters by trial id, for trials without a stored configuration.
        unfinished: What a trial is that has begun and not ended: `running`, or `interrupted` without a runner.
        own_defaults: What a run has recorded of the user's architectures: what each takes where it is told nothing.
        over: Runs known to be over though others are not: what they have not ended is `interrupted`.
    """

    parts: Mapping[int, str]
    rows: Sequence[TrialRow]
    attributes: Mapping[int, Mapping[str, Any]]
    parameters: Mapping[int, Mapping[str, Scalar]]
    unfinished: str
    own_defaults: Mapping[str, Mapping[str, Scalar]] = field(default_factory=dict)
    over: Collection[int] = ()

    def of(self, row: TrialRow) -> Mapping[str, Any]:
        """The user attributes of a trial."""
        return self.attributes.get(row.trial_id, {})

    def state(self, row: TrialRow) -> str:
        """The state of a trial, in hpstudy's words."""
        unfinished = "interrupted" if self.of(row).get(RUN) in self.over else self.unfinished
        return STATES.get(row.state, unfinished)


def trial_frame(stored: StoredTrials, *, epochs: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """`StudyResults.trials`, and which of its columns are settings.

    Args:
        stored: What the database has.
        epochs: `StudyResults.epochs`.
    """
    rows = [row for row in stored.rows if stored.parts[row.study_id] != CONFIRM]
    fixed = _frame([_trial_row(row, stored) for row in rows], kinds=_COMMON | _TRIAL)
    settings = pd.DataFrame([_settings(row, stored) for row in rows], index=fixed.index)
    frame = _with_epochs(fixed, epochs).join(settings)
    frame.loc[frame["state"] != "complete", "value"] = float("nan")
    return frame.sort_values(["part", "number", "label"], ignore_index=True), tuple(settings.columns)


def confirmation_frame(stored: StoredTrials, *, epochs: pd.DataFrame) -> pd.DataFrame:
    """`StudyResults.confirmations`, from the same.

    A training has its seed last, so one that has none was stopped while it was marked, and gets another pair. One that
    was stopped before it had a configuration, and was not planned any more when the study went on, is no training.
    """
    marked = [row for row in stored.rows if stored.parts[row.study_id] == CONFIRM and CONFIRM_SEED in stored.of(row)]
    rows = [row for row in marked if stored.of(row).get(REASON) != REMOVED]
    frame = _with_epochs(
        _frame([_confirmation_row(row, stored) for row in rows], kinds=_COMMON | _CONFIRMATION), epochs
    )
    frame.loc[frame["state"] != "complete", "test_accuracy"] = float("nan")
    rank = {label: place for place, label in enumerate(dict.fromkeys(frame["configuration"]))}
    ordered = frame.assign(rank=frame["configuration"].map(rank)).sort_values(["rank", "seed", "number"])
    return ordered.drop(columns="rank").reset_index(drop=True)


def _frame(rows: Sequence[Mapping[str, Any]], *, kinds: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame.from_records(rows, columns=list(kinds)).astype(dict(kinds))


def _trial_row(row: TrialRow, stored: StoredTrials) -> dict[str, Any]:
    part = stored.parts[row.study_id]
    return _common(row, stored) | {
        "label": stored.of(row).get(BASELINE) or trial_label(row.number, part),
        "part": BASELINES if part == BASELINES else SEARCH,
        "value": row.value,
    }


def trial_label(number: int, part: str) -> str:
    """`12`, or `lenet5/12` in a part of a study."""
    return f"{part}{PART_SEPARATOR}{number}" if part else str(number)


def _confirmation_row(row: TrialRow, stored: StoredTrials) -> dict[str, Any]:
    attributes = stored.of(row)
    return _common(row, stored) | {
        "configuration": attributes[CONFIRMS],
        "seed": attributes[CONFIRM_SEED],
        "test_accuracy": row.value,
    }


def _common(row: TrialRow, stored: StoredTrials) -> dict[str, Any]:
    attributes = stored.of(row)
    config = attributes.get(CONFIG)
    return {
        "trial_id": row.trial_id,
        "number": row.number,
        "state": stored.state(row),
        "reason": shortened(attributes.get(REASON, "")),
        "message": shortened(attributes.get(MESSAGE, "")),
        "train_accuracy": attributes.get(TRAIN_ACCURACY),
        "n_parameters": attributes.get(N_PARAMETERS),
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "epochs_planned": config["epochs"] if config else None,
        "run_id": attributes.get(RUN),
    }


def _settings(row: TrialRow, stored: StoredTrials) -> Mapping[str, Scalar | None]:
    """A trial's settings; Optuna's parameters alone where it has no configuration."""
    config = stored.of(row).get(CONFIG)
    if config:
        return config_settings(config, own_defaults=stored.own_defaults)
    return stored.parameters.get(row.trial_id, {})


def _with_epochs(trials: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """Adds the number of epochs trained and their time."""
    by_trial = epochs.groupby("trial_id")["seconds"]
    return trials.assign(
        epochs=trials["trial_id"].map(by_trial.size()).fillna(0).astype(int),
        seconds=trials["trial_id"].map(by_trial.sum()).fillna(0.0).astype(float),
    )
