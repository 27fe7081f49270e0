"""Several studies beside each other."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from hpstudy.report.chart import Axis, Chart, Intervals, Line, Mark, Panel, Points, Symbol, numbers
from hpstudy.report.labels import shown
from hpstudy.report.palette import SERIES
from hpstudy.report.views.confirmed import confirmed_data
from hpstudy.report.views.view import NoView, View
from hpstudy.results.study import StudyResults

MOST_STUDIES = 9
_SYMBOLS: tuple[Symbol, ...] = ("circle", "square", "diamond", "triangle-up", "x", "triangle-down", "star")


def cost_data(studies: Sequence[StudyResults]) -> pd.DataFrame:
    """What the best configuration of each study cost and how good it is.

    Returns:
        By study: `study`, `minutes` (of training it once in the search), `n_parameters`, `accuracy`, `low`, `high`
        (fractions; test accuracy with its 95 % interval where `confirmed`, else the best validation accuracy
        without one) and `confirmed`. Studies of plain Optuna and those without a complete trial are left out.
    """
    rows = []
    for results in studies:
        if not results.identity or results.ranked.empty:
            continue
        tests = confirmed_data(results)
        tests = tests[(tests["configuration"] == results.candidate) & (tests["n"] > 0)]
        named = results.trials[results.trials["label"] == results.candidate]
        is_confirmed = len(tests) > 0 and len(named) > 0
        trial = named.iloc[0] if is_confirmed else results.ranked.iloc[0]
        test = tests.iloc[0] if is_confirmed else None
        rows.append(
            {
                "study": results.name,
                "minutes": float(trial["seconds"]) / 60,
                "n_parameters": float(trial["n_parameters"]),
                "accuracy": float(trial["value"]) if test is None else float(test["mean"]),
                "low": math.nan if test is None else float(test["low"]),
                "high": math.nan if test is None else float(test["high"]),
                "confirmed": is_confirmed,
            }
        )
    columns = ["study", "minutes", "n_parameters", "accuracy", "low", "high", "confirmed"]
    return pd.DataFrame(rows, columns=columns)


def cost_view(studies: Sequence[StudyResults]) -> View:
    """Accuracy of each study's best configuration against the time of training it once.

    Raises:
        NoView: Fewer than two studies have a complete trial.
    """
    frame = cost_data(studies)
    if len(frame) < 2:
        raise NoView("Cost and accuracy are compared between at least two studies of hpstudy with a complete trial.")
    marks: list[Mark] = []
    for place, row in enumerate(frame.itertuples()):
        colour = SERIES[place % len(SERIES)]
        x, y = numbers([row.minutes]), numbers([100 * row.accuracy])
        if math.isfinite(row.low):
            marks.append(Intervals(x, numbers([100 * row.low]), numbers([100 * row.high]), "y", colour))
        kind = "test" if row.confirmed else "validation, not confirmed"
        hover = [f"{shown(row.study)}: {100 * row.accuracy:.2f} % ({kind}), {row.minutes:.1f} min"]
        # A study that is not confirmed is hollow.
        symbol = _SYMBOLS[place % len(_SYMBOLS)] if row.confirmed else "circle-open"
        marks.append(Points(x, y, shown(row.study), colour, symbol, 10, hover=hover))
    known = 100 * np.concatenate([frame["accuracy"], frame["low"].dropna(), frame["high"].dropna()])
    margin = 0.08 * float(known.max() - known.min()) or 1.0
    y_axis = Axis("accuracy (%)", low=float(known.min()) - margin, high=float(known.max()) + margin)
    best = frame.loc[frame["accuracy"].idxmax()]
    hollow = (
        " Hollow circles: best validation accuracies that are not confirmed." if not frame["confirmed"].all() else ""
    )
    return View(
        title=f"{shown(best['study'])} has the highest accuracy; its training takes {best['minutes']:.1f} min",
        alt="; ".join(
            f"{shown(row.study)}: {100 * row.accuracy:.2f} % {'confirmed' if row.confirmed else 'not confirmed'}, "
            f"{row.minutes:.1f} min"
            for row in frame.itertuples()
        )
        + ".",
        caption=f"n = {len(frame)} studies. Filled: mean test accuracy of the confirmed candidate with its 95 % "
        f"interval. Time: one training of that configuration in the search.{hollow}",
        chart=Chart((Panel(_minutes_axis(numbers(frame["minutes"])), y_axis, tuple(marks)),), height=360),
    )


def curves_view(studies: Sequence[StudyResults]) -> View:
    """The best trial's curves of each study, a panel a study.

    Raises:
        NoView: Fewer than two studies have learning curves of a complete trial.
    """
    best = [(results, curve) for results in studies if not (curve := _best_curve(results)).empty]
    if len(best) < 2:
        raise NoView(
            "Curves are set side by side for at least two studies with the learning curves of a complete trial."
        )
    drawn = best[:MOST_STUDIES]
    every = 100 * np.concatenate([numbers(curve[["train_accuracy", "val_accuracy"]]).ravel() for _, curve in drawn])
    every = every[np.isfinite(every)]
    low, high = float(np.quantile(every, 0.02)), float(every.max())
    margin = 0.05 * (high - low) or 1.0
    y = Axis("accuracy (%)", low=max(0.0, low - margin), high=high + margin)
    more = f" {len(best) - len(drawn)} more studies are not drawn." if len(best) > len(drawn) else ""
    panels = tuple(_curve_panel(results, curve, y) for results, curve in drawn)
    return View(
        title=f"How the best trials of {len(best)} studies learn",
        alt="; ".join(
            f"{shown(results.name)}: {100 * curve['val_accuracy'].iloc[-1]:.2f} % after {len(curve)} epochs"
            for results, curve in drawn
        )
        + ".",
        caption=f"Solid: validation; dashed: training, as it was trained. One scale for all.{more}",
        chart=Chart(panels, columns=min(3, len(panels)), height=240),
    )


def _best_curve(results: StudyResults) -> pd.DataFrame:
    ids = results.ranked["trial_id"].head(1)
    return results.epochs[results.epochs["trial_id"].isin(ids)].sort_values("epoch")


def _curve_panel(results: StudyResults, curve: pd.DataFrame, y: Axis) -> Panel:
    x = numbers(curve["epoch"] + 1)
    label = f"trial {shown(results.ranked['label'].iloc[0])}"
    marks = (
        Line(
            x,
            100 * numbers(curve["train_accuracy"]),
            "training",
            "grey",
            1.5,
            "dash",
            hover=[f"{label}, training"] * len(x),
        ),
        Line(
            x,
            100 * numbers(curve["val_accuracy"]),
            "validation",
            "accent",
            2.2,
            hover=[f"{label}, validation"] * len(x),
        ),
    )
    epochs = Axis("epoch", low=0.5, high=max(float(x.max()) + 0.5, 2.5), whole=True)
    return Panel(epochs, y, marks, title=shown(results.name, limit=32))


def _minutes_axis(minutes: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Axis:
    low, high = float(minutes.min()), float(minutes.max())
    if low > 0 and high / low > 10:
        return Axis("minutes of one training", low=low / 1.4, high=high * 1.4, log=True)
    return Axis("minutes of one training", low=0, high=1.1 * high or 1.0)
