"""How the search went: best so far, and workers over time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hpstudy.numbers import duration
from hpstudy.report.drawing.chart import Axis, Bars, Chart, Hatch, Line, Mark, Panel, Points, numbers
from hpstudy.report.drawing.labels import shown
from hpstudy.report.views.clock import TimeUnit, Work, time_unit, work
from hpstudy.report.views.scales import (
    MOST_POINTS,
    Clipped,
    axis_words,
    clipped,
    far_symbol,
    far_words,
    objective,
    objective_words,
    sampled,
)
from hpstudy.report.views.view import NoView, View
from hpstudy.results.study import StudyResults

_KINDS: tuple[tuple[str, str, Hatch], ...] = (
    ("complete", "accent", ""),
    ("pruned", "grey", "/"),
    ("failed", "wrong", "x"),
    ("baseline", "s3", "."),
    ("confirmation", "s4", ""),
)


def best_so_far(results: StudyResults) -> pd.DataFrame:
    """Each complete sampled trial in the order of its end.

    Returns:
        `label`, `place` (trials ended so far, from 1, pruned and failed ones counted), `hours` (of work), `value`
        and `best` in the unit of the axis.
    """
    ended = results.ended
    ended = ended.sort_values(["ended_at", "number"], kind="stable")
    ended = ended.assign(place=range(1, len(ended) + 1), value=objective(results, ended["value"]))
    complete = ended[(ended["state"] == "complete") & ended["value"].notna()]
    hours = dict(work(results).frame.groupby("label", sort=False)["end"].last())
    best = complete["value"].cummax() if results.maximize else complete["value"].cummin()
    at = [hours.get(f"trial {label}", np.nan) for label in complete["label"]]
    return complete[["label", "place", "value"]].assign(best=best, hours=numbers(at)).reset_index(drop=True)


def best_so_far_view(results: StudyResults) -> View:
    """Values of trials and the best so far, by trial and by hour.

    Raises:
        NoView: No sampled trial is complete.
    """
    frame = best_so_far(results)
    if frame.empty:
        raise NoView("No sampled trial is complete, so there is no best one yet.")
    shown_values = clipped(results, numbers(frame["value"]))
    panels = [_progress_panel(results, frame, shown_values, by="place")]
    if frame["hours"].notna().any():
        panels.append(_progress_panel(results, frame, shown_values, by="hours"))
    row = results.ranked.iloc[0]
    value, n = objective_words(results, float(row["value"])), len(results.ended)
    found = frame[frame["label"] == row["label"]]
    ended = results.ended.sort_values("ended_at", kind="stable")
    place = int((ended["label"] == row["label"]).to_numpy().argmax()) + 1
    timed = len(found) and found["hours"].notna().all()
    after = f", after {duration(3600 * float(found['hours'].iloc[0]))} of work" if timed else ""
    ratio = f" Drawn are {MOST_POINTS:,} of the points." if len(frame) > MOST_POINTS else ""
    return View(
        title=f"The best trial, {row['label']}, was number {place:,} of {n:,} to end",
        alt=f"The best value rose to {value} with trial {row['label']}{after}; the first complete trial had "
        f"{axis_words(results, frame['value'].iloc[0])}."
        if results.maximize
        else f"The best value fell to {value} with trial {row['label']}{after}.",
        caption=f"Points: the {len(frame):,} complete sampled trials. Line: the best so far.{ratio}"
        f"{far_words(int(shown_values.far.sum()))} The time of work leaves out pauses between runs.",
        chart=Chart(tuple(panels), columns=len(panels), height=320),
    )


def _progress_panel(results: StudyResults, frame: pd.DataFrame, values: Clipped, *, by: str) -> Panel:
    changes = np.flatnonzero(np.append(True, np.diff(numbers(frame["best"])) != 0))
    keep = sampled(len(frame), keep=changes)
    unit = time_unit(float(frame["hours"].max()))
    x = numbers(frame["place"]) if by == "place" else unit.per_hour * numbers(frame["hours"])
    y, far = values.values, values.far
    hover = [
        f"trial {shown(label)}: {axis_words(results, value)}"
        for label, value in zip(frame["label"], frame["value"], strict=True)
    ]
    near = keep[~far[keep]]
    marks: list[Mark] = [
        Points(x[near], y[near], name="complete trial", size=5, opacity=0.8, hover=[hover[one] for one in near])
    ]
    if far.any():
        edge = keep[far[keep]]
        marks.append(
            Points(
                x[edge], y[edge], colour="muted", symbol=far_symbol(results), size=8, hover=[hover[one] for one in edge]
            )
        )
    line_x = np.append(x[changes], np.nanmax(x))
    line_y = np.append(numbers(frame["best"])[changes], frame["best"].iloc[-1])
    near_line = np.clip(line_y, values.axis.low, values.axis.high)
    marks.append(Line(line_x, near_line, name="best so far", colour="accent", width=2.5, stepped=True))
    high = float(np.nanmax(x))
    if by == "place":
        axis = Axis("trials ended", low=0, high=high + max(1.0, 0.03 * high), whole=True)
    else:
        axis = Axis(f"{unit.name} of work", low=0, high=1.03 * high or 1.0)
    return Panel(axis, values.axis, tuple(marks), title="By trial" if by == "place" else "By time")


def timeline_view(results: StudyResults) -> View:
    """Which worker trained what, and when.

    Raises:
        NoView: No training has ended.
    """
    done = work(results)
    if done.frame.empty:
        raise NoView("No training has ended, so there is no timeline.")
    frame = done.frame.tail(MOST_POINTS)
    n_lanes, hours = int(done.frame["lane"].max()) + 1, float(done.frame["end"].max())
    unit = time_unit(hours)
    busy = float((frame["end"] - frame["start"]).sum())
    marks: list[Mark] = []
    for kind, colour, hatch in _KINDS:
        part = frame[frame["kind"] == kind]
        if len(part):
            length = numbers(part["end"] - part["start"])
            hover = [
                f"{shown(label)}, {kind}: {60 * minutes:.1f} min"
                for label, minutes in zip(part["label"], length, strict=True)
            ]
            at, start = numbers(part["lane"]), unit.per_hour * numbers(part["start"])
            marks.append(
                Bars(at, start, unit.per_hour * length, "x", name=kind, colour=colour, hatch=hatch, hover=hover)
            )
    marks += _pause_marks(done, n_lanes, unit)
    lanes = tuple((float(lane), f"worker {lane + 1}") for lane in range(n_lanes)) if n_lanes <= 16 else None
    y = Axis("" if lanes else "worker", low=n_lanes - 0.4, high=-0.6, ticks=lanes, grid=False)
    x = Axis(
        f"{unit.name} of work",
        low=unit.per_hour * float(frame["start"].min()) if len(frame) < len(done.frame) else 0.0,
        high=1.01 * unit.per_hour * hours or 1.0,
    )
    recent = f" Drawn are the last {MOST_POINTS:,} trainings." if len(done.frame) > MOST_POINTS else ""
    pauses = " Dotted lines: pauses, which are left out." if done.pauses else ""
    workers = "1 worker" if n_lanes == 1 else f"up to {n_lanes} workers"
    return View(
        title=f"{len(done.frame):,} trainings took {duration(3600 * hours)} on {workers}",
        alt=f"Timeline of {len(done.frame):,} trainings on {workers} over {duration(3600 * hours)} of work; "
        + ", ".join(f"{count:,} {kind}" for kind, count in done.frame["kind"].value_counts().items())
        + ".",
        caption=f"n = {len(done.frame):,} trainings, {duration(3600 * busy)} of training in those drawn. Each bar is "
        "as long as its epochs took and ends when the training ended; lanes are assigned in the order of their starts."
        f"{pauses}{recent}",
        chart=Chart((Panel(x, y, tuple(marks)),), height=max(120, min(28 * n_lanes + 70, 420))),
    )


def _pause_marks(done: Work, n_lanes: int, unit: TimeUnit) -> list[Mark]:
    marks: list[Mark] = []
    ends = numbers([-0.6, n_lanes - 0.4])
    for hour, length in done.pauses[:20]:  # more would be a hatching of their own
        hover = [f"pause of {duration(3600 * length)}"] * 2
        marks.append(Line(unit.per_hour * numbers([hour, hour]), ends, colour="text", dash="dot", hover=hover))
    return marks
