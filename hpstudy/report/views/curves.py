"""Learning curves: of the best trial and the baselines, and of all trials."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hpstudy.numbers import percent, plural
from hpstudy.report.drawing.chart import SYMBOLS, Area, Axis, Chart, Line, Mark, Numbers, Panel, joined, numbers
from hpstudy.report.drawing.labels import shown
from hpstudy.report.drawing.palette import SERIES
from hpstudy.report.views.scales import capital, sampled
from hpstudy.report.views.view import NoView, View
from hpstudy.results.study import StudyResults

MOST_CONFIGURATIONS = 6
MOST_CURVES = 300
_SAMPLE, _BEST = 100, 10


def chosen_curves(results: StudyResults) -> pd.DataFrame:
    """The epochs of the best trial and of the baselines.

    Returns:
        The columns of `StudyResults.epochs` with `configuration`, the best trial first; no row without epochs.
    """
    best = [(row.trial_id, f"best (trial {row.label})") for row in results.ranked.head(1).itertuples()]
    names = dict(best + [(row.trial_id, str(row.label)) for row in results.baselines.itertuples()])
    epochs = results.epochs[results.epochs["trial_id"].isin(names)]
    order = {trial_id: place for place, trial_id in enumerate(names)}
    named = epochs.assign(configuration=epochs["trial_id"].map(names), order=epochs["trial_id"].map(order))
    return named.sort_values(["order", "epoch"]).drop(columns="order")


def learning_curves(results: StudyResults) -> View:
    """Training and validation loss and accuracy of the best trial and the baselines.

    Raises:
        NoView: None of them has an epoch.
    """
    curves = chosen_curves(results)
    if curves.empty:
        raise NoView(_no_epochs(results, "no trial is complete and no baseline has been trained"))
    names = list(dict.fromkeys(curves["configuration"]))
    drawn = names[:MOST_CONFIGURATIONS]
    chart = Chart(
        (
            _panel(curves, drawn, loss=True),
            _panel(curves, drawn, loss=False),
        ),
        columns=2,
        height=340,
    )
    last = curves.groupby("configuration", sort=False).tail(1)
    words = [
        f"{name}: training {percent(train)}, validation {percent(validation)}"
        for name, train, validation in zip(
            last["configuration"], last["train_accuracy"], last["val_accuracy"], strict=True
        )
    ]
    left_out = f" {len(names) - len(drawn)} more baselines are not drawn." if len(names) > len(drawn) else ""
    return View(
        title=_learning_title(results, last),
        alt=f"Loss and accuracy by epoch. Accuracy after the last epoch, {'; '.join(words)}.",
        caption="Solid lines: validation part after each epoch. Dashed lines: mean over the epoch as it was trained, "
        "with dropout and augmentation, so it may lie below the validation line; the title has the last weights "
        f"without either. What lies far from the rest leaves the figure.{left_out}",
        chart=chart,
    )


def all_curves(results: StudyResults) -> View:
    """The validation curve of each sampled trial; beyond `MOST_CURVES` the best, a sample and bands.

    Raises:
        NoView: No sampled trial has an epoch.
    """
    trials = results.search.set_index("trial_id")
    epochs = results.epochs[results.epochs["trial_id"].isin(trials.index)]
    if epochs.empty:
        raise NoView(_no_epochs(results, "no trial has ended an epoch"))
    with_epochs = set(epochs["trial_id"])
    ids = [trial_id for trial_id in trials.index if trial_id in with_epochs]
    ranked = [trial_id for trial_id in results.ranked["trial_id"] if trial_id in with_epochs]
    many = len(ids) > MOST_CURVES
    drawn = _few(ids, ranked) if many else ids
    marks: list[Mark] = _bands(epochs) if many else []
    state = trials["state"]
    for name, colour, dash, opacity, of_state in (
        ("pruned", "grey", "dot", 0.55, lambda one: one == "pruned"),
        ("failed or not ended", "grey", "dashdot", 0.8, lambda one: one not in ("pruned", "complete")),
        ("complete", "grey", "solid", 0.8, lambda one: one == "complete"),
    ):
        part = [trial_id for trial_id in drawn if of_state(state[trial_id]) and trial_id not in ranked[:1]]
        marks += _many_lines(epochs, trials, part, name=name, colour=colour, dash=dash, opacity=opacity)
    marks += _many_lines(
        epochs, trials, ranked[:1], name="best", colour="accent", dash="solid", opacity=1.0, width=3, symbol="circle"
    )
    accuracy = Axis("validation accuracy (%)", *_curve_range(epochs[["val_accuracy"]]))
    chart = Chart((Panel(_epoch_axis(epochs), accuracy, tuple(marks)),), height=380)
    n_pruned = int((state[ids] == "pruned").sum())
    sample = (
        f" Drawn are the best {_BEST}, {len(drawn) - min(_BEST, len(ranked))} others evenly spaced by number, and the "
        "bands that hold the middle 50 % and 90 % of all trials at each epoch."
        if many
        else ""
    )
    return View(
        title=f"Validation accuracy of {plural(len(ids), 'trial')} by epoch"
        + (f"; {n_pruned:,} stopped early" if n_pruned else ""),
        alt=_all_alt(results, epochs, ids, n_pruned),
        caption=f"n = {len(ids):,} sampled trials.{sample} Curves far below the others leave the figure.",
        chart=chart,
    )


def _no_epochs(results: StudyResults, otherwise: str) -> str:
    if not results.identity:
        return "Plain Optuna made this study, so its storage has no learning curves."
    return f"There are no learning curves, because {otherwise}."


def _learning_title(results: StudyResults, last: pd.DataFrame) -> str:
    """The gap that the findings name too: of the last weights, without dropout and augmentation."""
    first = last.iloc[0]
    train = results.trials.loc[results.trials["trial_id"] == first["trial_id"], "train_accuracy"].iloc[0]
    name, validation = capital(shown(first["configuration"])), float(first["val_accuracy"])
    if pd.isna(train):
        return f"{name} has validation accuracy {percent(validation)} after epoch {first['epoch'] + 1}"
    relation = "above" if train >= validation else "below"
    return f"{name} ends with training accuracy {100 * abs(train - validation):.1f} points {relation} validation"


def _epoch_axis(epochs: pd.DataFrame) -> Axis:
    return Axis("epoch", low=0.5, high=max(float(epochs["epoch"].max()) + 1.5, 2.5), whole=True)


def _panel(curves: pd.DataFrame, names: list[str], *, loss: bool) -> Panel:
    marks: list[Mark] = []
    kind, factor = ("loss", 1) if loss else ("accuracy", 100)
    for place, name in enumerate(names):
        curve = curves[curves["configuration"] == name]
        x, label = numbers(curve["epoch"] + 1), shown(name)
        for part, dash, width in (("train", "dash", 1.3), ("val", "solid", 2.2)):
            y = factor * numbers(curve[f"{part}_{kind}"])
            words = {"train": "training", "val": "validation"}[part]
            unit = "" if loss else " %"
            marks.append(
                Line(
                    x,
                    y,
                    name=label if part == "val" else "",
                    colour=SERIES[place % len(SERIES)],
                    width=width,
                    dash="dash" if dash == "dash" else "solid",
                    symbol=SYMBOLS[place] if part == "val" else None,
                    hover=[
                        f"{label}, {words}, epoch {at:.0f}: {value:.4g}{unit}" for at, value in zip(x, y, strict=True)
                    ],
                )
            )
    columns = [f"train_{kind}", f"val_{kind}"]
    title = "cross-entropy loss" if loss else "accuracy (%)"
    low, high = _loss_range(curves[columns]) if loss else _curve_range(curves[columns])
    return Panel(_epoch_axis(curves), Axis(title, low=low, high=high), tuple(marks), title=kind.capitalize())


def _loss_range(losses: pd.DataFrame) -> tuple[float, float]:
    """From zero to the largest loss, but no further than three times the upper quartile: one bad epoch is no scale."""
    known = numbers(losses).ravel()
    known = known[np.isfinite(known)]
    if not known.size:
        return 0.0, 1.0
    return 0.0, 1.05 * float(min(known.max(), 3 * np.quantile(known, 0.75))) or 1.0


def _curve_range(accuracies: pd.DataFrame) -> tuple[float, float]:
    """The range of accuracies in per cent, without what lies far below the others."""
    known = 100 * numbers(accuracies).ravel()
    known = known[np.isfinite(known)]
    if not known.size:
        return 0.0, 100.0
    quarter, upper = np.quantile(known, [0.25, 0.75])
    low = float(known[known >= quarter - 1.5 * (upper - quarter)].min())
    high = float(known.max())
    margin = 0.05 * (high - low) or 1.0
    return max(0.0, low - margin), min(100.0 + margin, high + margin)


def _few(ids: list[int], ranked: list[int]) -> list[int]:
    spaced = sampled(len(ids), keep=np.empty(0), most=_SAMPLE)
    wanted = {ids[place] for place in spaced} | set(ranked[:_BEST])
    return [trial_id for trial_id in ids if trial_id in wanted]


def _bands(epochs: pd.DataFrame) -> list[Mark]:
    """The middle 90 and 50 % of trials at each epoch."""
    accuracies = pd.Series(100 * numbers(epochs["val_accuracy"]))
    by_epoch = accuracies.groupby(numbers(epochs["epoch"])).quantile(np.array([0.05, 0.25, 0.75, 0.95])).unstack()
    x = numbers(by_epoch.index) + 1
    around = np.concatenate([x, x[::-1]])
    return [
        Area(around, np.concatenate([by_epoch[low], by_epoch[high][::-1]]), name=name, colour="grey", opacity=opacity)
        for low, high, name, opacity in ((0.05, 0.95, "90 % of trials", 0.18), (0.25, 0.75, "50 % of trials", 0.3))
    ]


def _many_lines(epochs: pd.DataFrame, trials: pd.DataFrame, ids: list[int], **look: object) -> list[Mark]:
    """The curves of several trials as one line with gaps; none for no trial."""
    if not ids:
        return []
    groups = dict(iter(epochs[epochs["trial_id"].isin(ids)].groupby("trial_id")))
    x: list[Numbers] = [numbers(groups[one]["epoch"] + 1) for one in ids]
    y: list[Numbers] = [100 * numbers(groups[one]["val_accuracy"]) for one in ids]
    labels = [f"trial {shown(trials.loc[one, 'label'])}" for one in ids]
    hover = [label for label, part in zip(labels, x, strict=True) for _ in range(len(part) + 1)][:-1]
    return [Line(joined(x), joined(y), hover=hover, **{"width": 1.0} | look)]  # type: ignore[arg-type]


def _all_alt(results: StudyResults, epochs: pd.DataFrame, ids: list[int], n_pruned: int) -> str:
    first = epochs[epochs["epoch"] == 0]["val_accuracy"].median()
    words = f"Curves of {plural(len(ids), 'trial')}, {n_pruned:,} of them pruned."
    if np.isfinite(first):
        words += f" The median accuracy after the first epoch is {100 * first:.2f} %."
    if len(results.ranked):
        best = results.ranked.iloc[0]
        words += f" The best, trial {best['label']}, ends at {100 * best['value']:.2f} %."
    return words
