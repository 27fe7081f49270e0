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


def best_label(results: StudyResults) -> str:
    """The label of the study's answer: its candidate, else its best trial; empty where no trial is complete."""
    return results.candidate or _first_label(results)


def best_layers(results: StudyResults) -> Mapping[str, Any]:
    """What was recorded of the network of the study's answer: `n_parameters` and `layers`; empty where nothing was.

    Runs of earlier versions recorded the best trial's under `best`, whichever trial that was.
    """
    models = last_record(results).get("models", {})
    label = best_label(results)
    is_best = label == _first_label(results)
    described: Mapping[str, Any] = models.get(label) or (models.get("best", {}) if is_best else {})
    return described if described.get("layers") else {}


def _first_label(results: StudyResults) -> str:
    ranked = results.ranked
    return "" if ranked.empty else str(ranked["label"].iloc[0])


_ADDED = frozenset({"images", "models", "data", "architecture_sources"})
"""Keys whose entries add up: a confirmation adds the test images to what the search recorded."""
