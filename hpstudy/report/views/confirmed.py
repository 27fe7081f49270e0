"""Test accuracies of the confirmed configurations."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats

from hpstudy.report.chart import Axis, Chart, Intervals, Mark, Panel, Points, numbers
from hpstudy.report.labels import shown
from hpstudy.report.views.slices import jitter
from hpstudy.report.views.view import NoView, View
from hpstudy.results.study import StudyResults


def confirmed_data(results: StudyResults) -> pd.DataFrame:
    """Test accuracies of each confirmed configuration over its seeds.

    Returns:
        By configuration, the candidate first: `configuration`, `n` (seeds complete), `n_other` (seeds that ended
        otherwise, diverged ones among them), `mean`, and `low` and `high` of the 95 % t-interval (NaN below two
        seeds), fractions.
    """
    ended = results.confirmations[results.confirmations["state"].isin(["complete", "pruned", "failed"])]
    rows = []
    for name, group in ended.groupby("configuration", sort=False):
        values = numbers(group["test_accuracy"].dropna())
        mean = float(values.mean()) if len(values) else math.nan
        half = math.nan
        if len(values) > 1:
            half = float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values)))
        counted = {"configuration": str(name), "n": len(values), "n_other": len(group) - len(values)}
        rows.append(counted | {"mean": mean, "low": mean - half, "high": mean + half})
    frame = pd.DataFrame(rows, columns=["configuration", "n", "n_other", "mean", "low", "high"])
    return frame.sort_values(
        "configuration", key=lambda names: names != results.candidate, kind="stable", ignore_index=True
    )


def confirmed_view(results: StudyResults) -> View:
    """Every seed's test accuracy, with mean and interval of each configuration.

    Raises:
        NoView: Nothing is confirmed.
    """
    frame = confirmed_data(results)
    if frame.empty or not frame["n"].any():
        raise NoView(_nothing(results))
    at = np.arange(len(frame), dtype=float)
    marks: list[Mark] = []
    for place, row in frame.iterrows():
        marks += _configuration(results, row, float(at[int(str(place))]))
    labels = [_label(results, row) for row in frame.to_dict("records")]
    ticks = tuple(zip(at.tolist(), labels, strict=True))
    y = Axis(low=len(frame) - 0.4, high=-0.6, ticks=ticks, grid=False)
    known = results.confirmations["test_accuracy"].dropna()
    ends = 100 * np.concatenate([known, frame["low"].dropna(), frame["high"].dropna()])
    margin = 0.05 * float(ends.max() - ends.min()) or 0.5
    x = Axis("test accuracy (%)", low=float(ends.min()) - margin, high=float(ends.max()) + margin)
    first = frame.iloc[0]
    return View(
        title=_title(first, results),
        alt="; ".join(_words(label, row) for label, row in zip(labels, frame.to_dict("records"), strict=True)) + ".",
        caption="Small points: one fresh training each, on the whole training set, tested once. Diamonds and lines: "
        f"mean and 95 % t-interval, n = {_counts(frame)} seeds a configuration. The candidate was fixed before the test "
        "set was opened.",
        chart=Chart((Panel(x, y, tuple(marks)),), height=max(130, 46 * len(frame) + 40)),
    )


def _nothing(results: StudyResults) -> str:
    if not results.identity:
        return "Plain Optuna made this study, so it has no confirmation."
    if results.confirmations.empty:
        return "Nothing is confirmed yet: the test set has not been opened."
    return "No confirming training is complete yet."


def _configuration(results: StudyResults, row: pd.Series[float], at: float) -> list[Mark]:
    name = str(row["configuration"])
    mine = results.confirmations["configuration"] == name
    seeds = results.confirmations[mine].dropna(subset=["test_accuracy"])
    x = 100 * numbers(seeds["test_accuracy"])
    colour = "accent" if name == results.candidate else "muted"
    hover = [f"{shown(name)}, seed {seed}: {value:.2f} %" for seed, value in zip(seeds["seed"], x, strict=True)]
    marks: list[Mark] = [Points(x, at + 0.5 * jitter(len(x)) + 0.0, colour="grey", size=5, hover=hover)]
    if np.isfinite(row["low"]):
        marks.append(
            Intervals(numbers([at]), numbers([100 * row["low"]]), numbers([100 * row["high"]]), "x", colour, 2.5)
        )
    if row["n"]:
        words = f"{shown(name)}: mean {100 * row['mean']:.2f} %, n = {row['n']:.0f}"
        marks.append(Points(numbers([100 * row["mean"]]), numbers([at]), "", colour, "diamond", 9, hover=[words]))
    return marks


def _label(results: StudyResults, row: dict[str, object]) -> str:
    name = str(row["configuration"])
    sampled = name in set(results.search["label"])
    label = f"trial {shown(name)}" if sampled else shown(name)
    other = f" ({row['n_other']} not complete)" if row["n_other"] else ""
    return f"candidate: {label}{other}" if name == results.candidate else f"{label}{other}"


def _title(first: pd.Series[float], results: StudyResults) -> str:
    words = _words(_label(results, first.to_dict()), first.to_dict())
    return words[0].upper() + words[1:]


def _words(label: str, row: dict[str, object]) -> str:
    if not row["n"]:
        return f"{label}: no seed complete"
    mean, low, high = (100 * float(str(row[name])) for name in ("mean", "low", "high"))
    interval = f" (95 % interval {low:.2f} to {high:.2f} %)" if math.isfinite(low) else ""
    return f"{label}: mean test accuracy {mean:.2f} %{interval}"


def _counts(frame: pd.DataFrame) -> str:
    low, high = int(frame["n"].min()), int(frame["n"].max())
    return str(low) if low == high else f"{low} to {high}"
