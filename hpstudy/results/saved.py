"""What stopping trials early saved."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Saved:
    """Epochs that were not trained.

    Attributes:
        n_trials: Sampled trials that were stopped: for being weak, diverged, or out of time.
        epochs: What they had left.
        planned: What all trials would have taken that are complete or were stopped; those that failed are in neither.
    """

    n_trials: int
    epochs: int
    planned: int


def saved(search: pd.DataFrame) -> Saved:
    """What pruning saved in the sampled trials, of `StudyResults.search`."""
    pruned = search[search["state"] == "pruned"]
    ended = search[search["state"].isin(["complete", "pruned"])]
    diverged = pruned["reason"].str.startswith("diverged").astype(int)  # their last epoch was trained, but has no row
    left = pruned["epochs_planned"] - pruned["epochs"] - diverged
    return Saved(len(pruned), int(left.sum()), int(ended["epochs_planned"].sum()))
