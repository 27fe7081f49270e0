"""What the runs of a study recorded about machine, data and sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hpstudy.results.study import StudyResults

_ADDED = frozenset({"images", "models", "data", "test_data", "architecture_sources"})
"""Keys whose entries add up: a confirmation adds the test images to what the search recorded."""


@dataclass(frozen=True)
class RecordedImages:
    """What runs have noted of their images.

    Attributes:
        n_train: Images that a trial of the search learns from.
        n_validation: Images of the validation part.
        n_test: Images of the test set; 0 before a confirmation has opened it.
        input_shape: (channels, height, width) of a network's input.
        class_names: In the order of their labels.
    """

    n_train: int
    n_validation: int
    n_test: int
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]


def last_record(results: StudyResults) -> Mapping[str, Any]:
    """What the runs recorded, the last word of each key; empty for a study without runs.

    A confirmation may record less than the search did before it, so that keys are taken one by one.
    """
    merged: dict[str, Any] = {}
    for record in results.runs["record"]:
        for key, value in record.items():
            both = isinstance(value, dict) and isinstance(merged.get(key), dict) and key in _ADDED
            merged[key] = {**merged[key], **value} if both else value
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
