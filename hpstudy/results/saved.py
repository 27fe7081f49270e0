"""What stopping trials early saved."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from hpstudy.results.study import diverged


@dataclass(frozen=True)
class Saved:
    """Epochs that were not trained.

    Attributes:
        n_trials: Sampled trials that were stopped: for being weak, diverged, or out of time.
        epochs: What they had left.
        planned: What all trials would have taken that are complete or were stopped; those that failed are in neither.
        seconds: How long the epochs that were left would have taken, by each trial's own; 0 for one that had none.
    """

    n_trials: int
    epochs: int
    planned: int
    seconds: float


def saved(search: pd.DataFrame) -> Saved:
    """What pruning saved in the sampled trials, of `StudyResults.search`."""
    pruned = search[search["state"] == "pruned"]
    ended = search[search["state"].isin(["complete", "pruned"])]
    # The last epoch of a trial that diverged was trained, but has no row.
    left = pruned["epochs_planned"] - pruned["epochs"] - diverged(pruned)
    per_epoch = (pruned["seconds"] / pruned["epochs"]).where(pruned["epochs"] > 0, 0.0)
    return Saved(
        len(pruned), int(left.sum()), int(ended["epochs_planned"].sum()), seconds=float((left * per_epoch).sum())
    )
