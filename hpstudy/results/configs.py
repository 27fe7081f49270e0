"""What is stored with a trial: its configuration, the run that trained it, the checksum of its weights."""

from __future__ import annotations

from typing import Any

from hpstudy.database import read_storage
from hpstudy.errors import InputError
from hpstudy.results.rows import trial_attribute
from hpstudy.spec.config import TrialConfig
from hpstudy.tables import CONFIG, RUN, WEIGHTS_SHA256


def load_config(url: str, *, trial_id: int) -> TrialConfig:
    """The configuration of a trial.

    Args:
        url: The storage.
        trial_id: Optuna's, as in `StudyResults.trials` or `StudyResults.confirmations`.

    Raises:
        InputError: The trial has none: plain Optuna made it.
        StorageError: The storage cannot be read.
    """
    config = _attribute(url, trial_id=trial_id, key=CONFIG)
    if config is None:
        raise InputError("this trial was not made by hpstudy: no configuration is stored with it")
    return TrialConfig.from_json(config)


def load_run_id(url: str, *, trial_id: int) -> int | None:
    """The id of the run that trained a trial last; None where none is stored.

    Raises:
        StorageError: The storage cannot be read.
    """
    found = _attribute(url, trial_id=trial_id, key=RUN)
    return None if found is None else int(found)


def weights_checksum(url: str, *, trial_id: int) -> str | None:
    """The SHA-256 of the weights that a trial's training wrote; None where it wrote none.

    Raises:
        StorageError: The storage cannot be read.
    """
    found = _attribute(url, trial_id=trial_id, key=WEIGHTS_SHA256)
    return None if found is None else str(found)


def _attribute(url: str, *, trial_id: int, key: str) -> Any:  # noqa: ANN401  # what JSON holds
    return read_storage(url, lambda connection: trial_attribute(connection, trial_id=trial_id, key=key))
