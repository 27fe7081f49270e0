"""What the runs of a study recorded about the network of its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpstudy.results.records import last_record
from hpstudy.results.study import StudyResults


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
