"""What trials that were stopped early were on the way to."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hpstudy.results.study import diverged

Floats = NDArray[np.float64]


def expected_values(trials: pd.DataFrame, merit: Floats, *, epochs: pd.DataFrame | None) -> Floats:
    """The final value of complete trials; for the others the accuracy at their last epoch plus what is usual after it.

    What is usual is the median gain of the complete trials from that epoch to their end. It serves to rank trials that
    were stopped at different epochs and against different bars; it is no forecast to be printed.

    Args:
        trials: Rows of `StudyResults.trials`, complete ones and ones that were stopped early.
        merit: Their final values, [N], NaN for those stopped early.
        epochs: `StudyResults.epochs`; None where accuracies by epoch are not known.

    Returns:
        float64 [N]. Trials that diverged, and all that were stopped where epochs are not known, share a value below all
        others.
    """
    complete = np.isfinite(merit)
    expected = merit.copy()
    if epochs is not None and complete.any() and not complete.all():
        curves = epochs[["trial_id", "epoch", "val_accuracy"]].dropna()
        curves = curves[curves["trial_id"].isin(trials["trial_id"])]
        final = pd.Series(merit, index=trials["trial_id"].to_numpy())
        gain = (curves["trial_id"].map(final) - curves["val_accuracy"]).groupby(curves["epoch"]).median()
        last = curves.loc[curves.groupby("trial_id")["epoch"].idxmax()].set_index("trial_id")
        reached = (last["val_accuracy"] + last["epoch"].map(gain)).reindex(final.index).to_numpy(dtype=float)
        expected = np.where(complete | diverged(trials).to_numpy(dtype=bool), merit, reached)
    below = float(np.nanmin(expected, initial=np.inf))
    return np.nan_to_num(expected, nan=below - 1)
