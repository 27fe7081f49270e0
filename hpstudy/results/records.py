"""What the runs of a study recorded about machine, data and sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hpstudy.results.study import StudyResults

_ADDED = frozenset({"images", "models", "data", "test_data", "architecture_sources", "architecture_defaults"})
"""Keys whose entries add up: a confirmation adds the test images to what the search recorded."""


@dataclass(frozen=True)
class RecordedImages:
    """What runs have noted of their images.

    Attributes:
        n_train: Images that a trial of the search learns from.
        n_validation: Images of the validation part.
        n_test: Images of the test set; 0 before a confirmation has opened it.
        input_shape: (channels, height, width) of a network's input.
        channels: Of the pictures themselves: 1 where grey ones are repeated for a network of three.
        class_names: In the order of their labels.
    """

    n_train: int
    n_validation: int
    n_test: int
    input_shape: tuple[int, int, int]
    channels: int
    class_names: tuple[str, ...]


def training_runs(results: StudyResults) -> pd.DataFrame:
    """The rows of `StudyResults.runs` during which something was trained; all of them where that holds for none.

    A run that found nothing left to do has noted a machine and a commit that no number comes from.
    """
    columns = ["started_at", "ended_at", "run_id"]
    begun = pd.concat([part[columns] for part in (results.trials, results.confirmations)]).dropna(subset="started_at")
    starts, ends = begun["started_at"], begun["ended_at"].fillna(begun["started_at"])
    # A run without an end was killed, so it was over when the next began; on a server, where several go on at once, the
    # trainings that one has under way name it.
    over = results.runs["ended_at"].fillna(results.runs["started_at"].shift(-1))
    named = results.runs["run_id"].isin(begun["run_id"])
    trained = [
        by_name or bool(((ends >= start) & ((starts <= end) | pd.isna(end))).any())
        for by_name, start, end in zip(named, results.runs["started_at"], over, strict=True)
    ]
    return results.runs[trained] if any(trained) else results.runs


def run_record(results: StudyResults, *, run_id: float) -> Mapping[str, Any]:
    """What one run recorded; empty where there is no such run."""
    found = results.runs.loc[results.runs["run_id"] == run_id, "record"]
    return dict(found.iloc[0]) if len(found) else {}


def added_up(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Of what several runs recorded the keys whose entries add up."""
    total: dict[str, Any] = {}
    for record in records:
        for key in _ADDED & record.keys():
            both = isinstance(record[key], dict) and isinstance(total.get(key), dict)
            total[key] = {**total[key], **record[key]} if both else record[key]
    return total


def last_record(results: StudyResults) -> Mapping[str, Any]:
    """What the runs recorded, the last word of each key; empty for a study without runs.

    A confirmation may record less than the search did before it, so that keys are taken one by one. Of machine,
    versions and commit the last word is that of a run that trained.
    """
    merged = added_up(results.runs["record"])
    for record in training_runs(results)["record"]:
        merged |= {key: value for key, value in record.items() if key not in _ADDED}
    return merged


def recorded_images(results: StudyResults) -> RecordedImages | None:
    """The images as the last runs that recorded them had them; None where none did."""
    images = last_record(results).get("images")
    if not images:
        return None
    channels, height, width = images["input_shape"]
    return RecordedImages(
        n_train=images["train"],
        n_validation=images["validation"],
        n_test=images.get("test", 0),
        input_shape=(channels, height, width),
        channels=images.get("channels", channels),
        class_names=tuple(images["classes"]),
    )


def recorded_versions(results: StudyResults) -> Mapping[str, str]:
    """The versions of Python and of the packages that the last run had; empty where none was recorded."""
    versions: Mapping[str, str] = last_record(results).get("versions") or {}
    return versions


def architecture_source(results: StudyResults, architecture: str) -> str | None:
    """The text of a user's architecture as the last run that recorded it had it; None where none did."""
    source = last_record(results).get("architecture_sources", {}).get(architecture)
    return None if source is None else str(source)


def equal_weights(results: StudyResults) -> list[str]:
    """The architectures that two seeds gave equal weights, as the last run found; none where it did not look."""
    names = last_record(results).get("equal_weights")
    return [str(name) for name in names] if isinstance(names, list) else []
