"""What the runs of a study recorded about machine, data and models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpstudy.results.study import StudyResults


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


_ADDED = frozenset({"images", "models", "data", "architecture_sources"})
"""Keys whose entries add up: a confirmation adds the test images to what the search recorded."""
