"""What of a trial is needed to build its model again: its configuration, its architecture's source, its images."""

from __future__ import annotations

from dataclasses import dataclass

from hpstudy.database import open_to_read
from hpstudy.errors import InputError
from hpstudy.results.queries import trial_attribute
from hpstudy.results.study import StudyResults
from hpstudy.spec.config import TrialConfig
from hpstudy.tables import CONFIG, RUN, WEIGHTS_SHA256


@dataclass(frozen=True)
class RecordedImages:
    """What a run has noted of its images.

    Attributes:
        n_train: Images that a trial of the search learns from.
        n_validation: Images of the validation part.
        input_shape: (channels, height, width) of a network's input.
        class_names: In the order of their labels.
    """

    n_train: int
    n_validation: int
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]


def load_config(url: str, *, trial_id: int) -> TrialConfig:
    """The configuration of a trial.

    Args:
        url: The storage.
        trial_id: Optuna's, as in `StudyResults.trials` or `StudyResults.confirmations`.

    Raises:
        InputError: The trial has none: plain Optuna made it.
        StorageError: The storage cannot be read.
    """
    with open_to_read(url) as connection:
        config = trial_attribute(connection, trial_id=trial_id, key=CONFIG)
    if config is None:
        raise InputError("this trial was not made by hpstudy: no configuration is stored with it")
    return TrialConfig.from_json(config)


def load_run_id(url: str, *, trial_id: int) -> int | None:
    """The id of the run that trained a trial last; None where none is stored.

    Raises:
        StorageError: The storage cannot be read.
    """
    with open_to_read(url) as connection:
        found = trial_attribute(connection, trial_id=trial_id, key=RUN)
    return None if found is None else int(found)


def weights_checksum(url: str, *, trial_id: int) -> str | None:
    """The SHA-256 of the weights that a trial's training wrote; None where it wrote none.

    Raises:
        StorageError: The storage cannot be read.
    """
    with open_to_read(url) as connection:
        found = trial_attribute(connection, trial_id=trial_id, key=WEIGHTS_SHA256)
    return None if found is None else str(found)


def architecture_source(results: StudyResults, architecture: str) -> str | None:
    """The text of a user's architecture as the last run that recorded it had it; None where none did."""
    for record in reversed(list(results.runs["record"])):
        source = record.get("architecture_sources", {}).get(architecture)
        if source is not None:
            return str(source)
    return None


def recorded_images(results: StudyResults) -> RecordedImages | None:
    """The images as the last run that recorded them had them; None where none did."""
    records = [record["images"] for record in results.runs["record"] if record.get("images")]
    if not records:
        return None
    last = records[-1]
    channels, height, width = last["input_shape"]
    return RecordedImages(
        n_train=last["train"],
        n_validation=last["validation"],
        input_shape=(channels, height, width),
        class_names=tuple(last["classes"]),
    )


def recorded_versions(results: StudyResults) -> dict[str, str]:
    """The versions of Python and of the packages that the last run had; empty where none was recorded."""
    versions = [record["versions"] for record in results.runs["record"] if record.get("versions")]
    return dict(versions[-1]) if versions else {}
