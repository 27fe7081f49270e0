"""Which trials and baselines of a study have one configuration, and their confirmations as one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from hpstudy.numbers import listed
from hpstudy.spec.sameness import TrainingKey, training_key

_NAMED = 3
"""So many others of a configuration are named; studies of before repeats were known may have dozens."""


def equal_labels(trials: pd.DataFrame, *, settings: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The labels of the trials that share a configuration with others, seeds aside: each to all of them, itself too.

    Args:
        trials: Rows of `StudyResults.trials`; those that are not complete have no result to share.
        settings: Its setting columns.
    """
    groups: dict[TrainingKey, list[str]] = {}
    complete = trials[(trials["state"] == "complete") & trials["epochs_planned"].notna()]
    for row in complete.to_dict("records"):
        key = training_key({name: row[name] for name in settings}, epochs=int(row["epochs_planned"]))
        groups.setdefault(key, []).append(str(row["label"]))
    return {label: tuple(labels) for labels in groups.values() if len(labels) > 1 for label in labels}


def as_one(
    confirmations: pd.DataFrame, *, equal: Mapping[str, Sequence[str]], candidates: Collection[str]
) -> pd.DataFrame:
    """Confirmations of equal configurations under one label: a candidate's, else the first that was confirmed.

    One that was trained twice with the same seed gave the same network twice, and is kept once.

    Args:
        confirmations: `StudyResults.confirmations` as they are stored.
        equal: From `equal_labels`.
        candidates: Their labels, the present one first.
    """
    in_order = dict.fromkeys([*candidates, *confirmations["configuration"]])
    names = {label: next(other for other in in_order if other in equal.get(label, (label,))) for label in in_order}
    merged = confirmations.assign(configuration=confirmations["configuration"].map(names).astype("str"))
    again = merged["state"].eq("complete") & merged.duplicated(["configuration", "seed", "state"])
    return merged[~again].reset_index(drop=True)


def shared_name(label: str, *, equal: Mapping[str, Sequence[str]], baselines: Collection[str]) -> str:
    """A configuration by all of its names: `trial 43 (= model 2)`, `trial 14 (= trials 5 and 12)`."""
    name = label if label in baselines else f"trial {label}"
    others = [other for other in equal.get(label, ()) if other != label]
    named = [other for other in others if other in baselines]
    numbers = [other for other in others if other not in baselines]
    shown = numbers[:_NAMED] + ([f"{len(numbers) - _NAMED} more"] if len(numbers) > _NAMED else [])
    if shown:
        named.append(f"trial{'s' if len(shown) > 1 else ''} {listed(shown)}")
    return f"{name} (= {listed(named)})" if named else name
