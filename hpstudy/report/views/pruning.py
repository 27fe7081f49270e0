"""What pruning saved."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hpstudy.numbers import about
from hpstudy.report.drawing.chart import Axis, Bars, Chart, Hatch, Mark, Panel, numbers
from hpstudy.report.views.view import NoView, View
from hpstudy.results.saved import saved
from hpstudy.results.study import StudyResults, diverged


def pruning(results: StudyResults) -> pd.DataFrame:
    """How many sampled trials ended after how many epochs.

    Returns:
        `epochs`, `complete`, `pruned`, `diverged`, `failed`, by epochs.
    """
    ended = results.ended
    kinds = ended["state"].where(~diverged(ended), "diverged")
    counts = pd.crosstab(ended["epochs"], kinds).reindex(
        columns=["complete", "pruned", "diverged", "failed"], fill_value=0
    )
    return counts.reset_index().rename_axis(columns=None)


def pruning_view(results: StudyResults) -> View:
    """After how many epochs trials ended, and what pruning saved.

    Raises:
        NoView: No trial was pruned, or plain Optuna made the study.
    """
    if not results.identity:
        raise NoView("Plain Optuna made this study, so what pruning saved is not known.")
    pruned = results.search[results.search["state"] == "pruned"]
    if pruned.empty:
        raise NoView("No trial was pruned, so pruning saved nothing.")
    frame = pruning(results)
    early = saved(results.search)
    share = 100 * early.epochs / early.planned
    time = f", {about(early.seconds)}" if early.seconds >= 360 else ""
    planned = float(results.search["epochs_planned"].max())
    n = int(frame[["complete", "pruned", "diverged", "failed"]].to_numpy().sum())
    return View(
        title=f"Pruning saved {early.epochs:,} of {early.planned:,} epochs ({share:.0f} %{time})",
        alt="Trials by the epochs that they trained: "
        + "; ".join(_pruning_words(row) for _, row in frame.iterrows())
        + ".",
        caption=f"n = {n:,} sampled trials that have ended; a full training has {planned:.0f} epochs. The time saved "
        "is estimated from each pruned trial's own epochs; trials that diverged or were out of time count as pruned.",
        chart=Chart((_pruning_panel(frame, planned),), height=260),
    )


def _pruning_words(row: pd.Series[int]) -> str:
    parts = [f"{row[kind]:,} {kind}" for kind in ("complete", "pruned", "diverged", "failed") if row[kind]]
    return f"{', '.join(parts)} after {row['epochs']:,} {'epoch' if row['epochs'] == 1 else 'epochs'}"


def _pruning_panel(frame: pd.DataFrame, planned: float) -> Panel:
    marks: list[Mark] = []
    below = np.zeros(len(frame))
    looks: tuple[tuple[str, str, Hatch], ...] = (
        ("complete", "accent", ""),
        ("pruned", "grey", "/"),
        ("diverged", "s5", "."),
        ("failed", "wrong", "x"),
    )
    at = numbers(frame["epochs"])
    for kind, colour, hatch in looks:
        count = numbers(frame[kind])
        here = count > 0
        if here.any():
            hover = [
                f"{number:.0f} {kind} after {epochs:.0f} epochs"
                for number, epochs in zip(count[here], at[here], strict=True)
            ]
            marks.append(
                Bars(at[here], below[here], count[here], "y", name=kind, colour=colour, hatch=hatch, hover=hover)
            )
        below += count
    x = Axis("epochs trained", low=-0.6, high=max(planned, float(at.max())) + 0.6, whole=True, grid=False)
    return Panel(x, Axis("trials", low=0, high=1.08 * float(below.max()), whole=True), tuple(marks))
