"""What the runs of a study recorded about machine, data and models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    if results.candidate is not None:
        return results.candidate
    return "" if results.ranked.empty else str(results.ranked["label"].iloc[0])


def best_layers(results: StudyResults) -> Mapping[str, Any]:
    """What was recorded of the network of the study's answer: `n_parameters` and `layers`; empty where nothing was."""
    described: Mapping[str, Any] = last_record(results).get("models", {}).get(best_label(results), {})
    return described if described.get("layers") else {}


def count_layers(layers: Sequence[Mapping[str, Any]]) -> int:
    """The layers of a layer table, without its blocks: those that have rows of their own inside."""
    names = [str(layer["name"]) for layer in layers]
    blocks = {name[:place] for name in names for place, letter in enumerate(name) if letter == "."}
    return sum(name not in blocks for name in names)


_ADDED = frozenset({"images", "models", "data", "test_data", "architecture_sources"})
"""Keys whose entries add up: a confirmation adds the test images to what the search recorded."""
