"""Which confirmed configurations differ in one setting alone."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from hpstudy.results.study import StudyResults


@dataclass(frozen=True)
class Change:
    """One changed setting.

    Attributes:
        before: Label, in `StudyResults.trials`, of the one that comes first there.
        after: Label of the other.
        setting: The one in which they differ.
        values: Before and after.
    """

    before: str
    after: str
    setting: str
    values: tuple[Any, Any]


def single_changes(results: StudyResults, labels: Sequence[str]) -> tuple[Change, ...]:
    """The pairs that were trained as long and differ in one setting alone, in the order of the trials.

    Args:
        results: The study.
        labels: Of the trials to pair.
    """
    rows = results.trials[results.trials["label"].isin(labels)].to_dict("records")
    return tuple(
        Change(str(before["label"]), str(after["label"]), names[0], (before[names[0]], after[names[0]]))
        for before, after in combinations(rows, 2)
        if before["epochs_planned"] == after["epochs_planned"]
        and len(names := changed(results.settings, before, after)) == 1
    )


def changed(settings: Sequence[str], before: Mapping[Hashable, Any], after: Mapping[Hashable, Any]) -> list[str]:
    """The settings in which two rows of `StudyResults.trials` differ; one that neither has is not changed."""
    return [
        name
        for name in settings
        if not (before[name] == after[name] or (pd.isna(before[name]) and pd.isna(after[name])))
    ]
