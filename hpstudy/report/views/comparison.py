"""Several studies beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hpstudy.numbers import percent
from hpstudy.report.drawing.chart import SYMBOLS, Axis, Chart, Intervals, Line, Mark, Numbers, Panel, Points, numbers
from hpstudy.report.drawing.labels import shown
from hpstudy.report.drawing.palette import SERIES
from hpstudy.report.views.view import NoView, View
from hpstudy.results.confirmed import confirmed
from hpstudy.results.study import StudyResults

MOST_STUDIES = 9


@dataclass(frozen=True)
class Cost:
    """What the best configuration of a study costs, and how good it is.

    Attributes:
        study: Its name.
        dataset: What it was trained on.
        minutes: Of training it once in the search.
        accuracy: Mean test accuracy where `confirmed`, else the best validation accuracy.
        interval: 95 % interval of the mean; None without one.
        confirmed: Whether the number is a confirmed one.
    """

    study: str
    dataset: str
    minutes: float
    accuracy: float
    interval: tuple[float, float] | None
    confirmed: bool


def costs(studies: Sequence[StudyResults]) -> list[Cost]:
    """The cost of each study that has a complete trial; studies of plain Optuna have no accuracy and are left out."""
    found = []
    for results in studies:
        if not results.identity or results.ranked.empty:
            continue
        answer = confirmed(results)
        test = answer.candidate if answer and answer.candidate.n_complete else None
        named = results.trials[results.trials["label"] == results.candidate]
        trial = results.ranked.iloc[0] if test is None or named.empty else named.iloc[0]
        found.append(
            Cost(
                study=results.name,
                dataset=str(results.identity.get("dataset")),
                minutes=float(trial["seconds"]) / 60,
                accuracy=test.mean if test else float(trial["value"]),
                interval=test.interval if test else None,
                confirmed=test is not None,
            )
        )
    return found


def cost_view(studies: Sequence[StudyResults]) -> View:
    """Accuracy of each study's best configuration against the time of training it once.

    Raises:
        NoView: Fewer than two studies have a complete trial.
    """
    found = costs(studies)
    if len(found) < 2:
        raise NoView("Cost and accuracy are compared between at least two studies of hpstudy with a complete trial.")
    values = [value for cost in found for value in (cost.accuracy, *(cost.interval or ()))]
    low, high = 100 * min(values), 100 * max(values)
    margin = 0.08 * (high - low) or 1.0
    marks = tuple(mark for place, cost in enumerate(found) for mark in _cost_marks(cost, place))
    all_confirmed = all(cost.confirmed for cost in found)
    hollow = "" if all_confirmed else " Hollow: best validation accuracies, which are not confirmed."
    panel = Panel(
        _minutes_axis(numbers([cost.minutes for cost in found])),
        Axis("accuracy (%)", low=low - margin, high=high + margin),
        marks,
    )
    return View(
        title=_cost_title(found),
        alt=f"{'; '.join(_cost_words(cost) for cost in found)}.",
        caption=f"n = {len(found)} studies. Filled: mean test accuracy of the confirmed candidate with its 95 % "
        f"interval. Time: one training of that configuration in the search.{hollow}",
        chart=Chart((panel,), height=360),
    )


def _cost_marks(cost: Cost, place: int) -> list[Mark]:
    colour, symbol = SERIES[place % len(SERIES)], SYMBOLS[place % len(SYMBOLS)]
    x, y = numbers([cost.minutes]), numbers([100 * cost.accuracy])
    marks: list[Mark] = []
    if cost.interval:
        low, high = (numbers([100 * end]) for end in cost.interval)
        marks.append(Intervals(x, low, high, "y", colour))
    hover = [_cost_words(cost)]
    return [*marks, Points(x, y, shown(cost.study), colour, symbol, 10, hollow=not cost.confirmed, hover=hover)]


def _cost_words(cost: Cost) -> str:
    kind = "test accuracy, confirmed" if cost.confirmed else "validation accuracy, not confirmed"
    return f"{shown(cost.study)}: {percent(cost.accuracy)} {kind}, {cost.minutes:.1f} min"


def _cost_title(found: Sequence[Cost]) -> str:
    """Names the highest mean only where it can be compared: all confirmed, on one data set."""
    if not all(cost.confirmed for cost in found) or len({cost.dataset for cost in found}) > 1:
        return "What does one training of each study's answer cost, and how accurate is it?"
    best = max(found, key=lambda cost: cost.accuracy)
    return f"{shown(best.study)} has the highest mean test accuracy; one training takes {best.minutes:.1f} min"


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


def _minutes_axis(minutes: Numbers) -> Axis:
    low, high = float(minutes.min()), float(minutes.max())
    if low > 0 and high / low > 10:
        return Axis("minutes of one training", low=low / 1.4, high=high * 1.4, log=True)
    return Axis("minutes of one training", low=0, high=1.1 * high or 1.0)
