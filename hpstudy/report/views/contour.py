"""Two settings at once against the objective."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy.interpolate import griddata
from scipy.spatial import QhullError

from hpstudy.report.drawing.chart import Chart, Field, Mark, Numbers, Panel, Points, numbers
from hpstudy.report.drawing.labels import shown
from hpstudy.report.views.scales import (
    axis_words,
    better,
    objective,
    objective_title,
    positions,
    sampled,
    setting_axis,
    setting_label,
    shares,
)
from hpstudy.report.views.view import NoView, View
from hpstudy.results.study import StudyResults
from hpstudy.spec.study import Range

FEWEST = 10
"""Complete trials that have both settings: a surface through fewer would be invented."""

_GRID = 60


def top_two(results: StudyResults, importance: pd.DataFrame | None) -> tuple[str, str]:
    """The two most important settings that are ranges; without importances the first two of the study file.

    A setting that too few trials have, because it depends on another one, comes last.

    Raises:
        NoView: The study searches fewer than two ranges.
    """
    ranges = [name for name, domain in results.domains.items() if isinstance(domain, Range)]
    order = {} if importance is None else dict(zip(importance["setting"], importance["importance"], strict=True))
    counts = {name: int(results.ranked[name].count()) if name in results.ranked else 0 for name in ranges}
    ranges.sort(key=lambda name: (-min(counts[name], FEWEST), -float(order.get(name, -1.0))))
    if len(ranges) < 2:
        raise NoView("A contour needs two settings that were searched over a range.")
    return ranges[0], ranges[1]


def contour_data(results: StudyResults, across: str, up: str) -> tuple[pd.DataFrame, Numbers]:
    """The trials that have both settings, and the surface through them.

    Returns:
        A frame of `label`, `x`, `y` (settings' values) and `value` (in the unit of the axis), best first; and the
        surface [60, 60] over both ranges, rows from the lower end of `up`, linear between the three trials around
        each point on the scales that were searched, NaN outside the trials.

    Raises:
        NoView: Fewer than ten trials have both, or they lie on a line.
    """
    ranked = results.ranked
    columns = [positions(ranked[name], results.domains[name]) if name in ranked else None for name in (across, up)]
    if columns[0] is None or columns[1] is None:
        raise NoView(f"No complete trial has both {setting_label(across)} and {setting_label(up)}.")
    frame = pd.DataFrame({"label": list(ranked["label"]), "x": columns[0], "y": columns[1]})
    frame["value"] = objective(results, ranked["value"])
    frame = frame.dropna(ignore_index=True)
    if len(frame) < FEWEST:
        trials = "trial has" if len(frame) == 1 else "trials have"
        raise NoView(
            f"Only {len(frame)} complete {trials} both {setting_label(across)} and {setting_label(up)}; "
            f"a surface through fewer than {FEWEST} would be invented."
        )
    places = np.column_stack(
        [shares(numbers(frame["x"]), results.domains[across]), shares(numbers(frame["y"]), results.domains[up])]
    )
    grid = np.linspace(0, 1, _GRID)
    try:
        surface = griddata(places, numbers(frame["value"]), tuple(np.meshgrid(grid, grid)), method="linear")
    except QhullError as error:
        raise NoView(f"The trials lie on one line in {setting_label(across)} and {setting_label(up)}.") from error
    return frame, numbers(surface)


def contour_view(results: StudyResults, importance: pd.DataFrame | None) -> View:
    """The objective over the two most important ranges.

    Raises:
        NoView: There is no such pair, or too few trials.
    """
    if results.ranked.empty:
        raise NoView("No sampled trial is complete, so there is nothing to draw a surface through.")
    across, up = top_two(results, importance)
    frame, surface = contour_data(results, across, up)
    x_axis, y_axis = setting_axis(across, results.domains[across]), setting_axis(up, results.domains[up])
    low, high = _colour_range(results, numbers(frame["value"]))
    x_grid, y_grid = _grid(results, across), _grid(results, up)
    keep = sampled(len(frame), keep=[0], most=500)
    hover = [
        f"trial {shown(label)}: {axis_words(results, value)}"
        for label, value in zip(frame["label"], frame["value"], strict=True)
    ]
    x, y = numbers(frame["x"]), numbers(frame["y"])
    rest = keep[keep > 0]
    best = f"best (trial {shown(frame['label'][0])})"
    marks: tuple[Mark, ...] = (
        Field(x_grid, y_grid, np.clip(surface, low, high), objective_title(results), low, high),
        Points(x[rest], y[rest], "complete trial", "s5", "circle", size=5, hover=[hover[one] for one in rest]),
        Points(x[:1], y[:1], best, "wrong", "star", size=13, hover=hover[:1]),
    )
    row = frame.iloc[0]
    words = f"{setting_label(across)} {row['x']:.3g} and {setting_label(up)} {row['y']:.3g}"
    return View(
        title=f"The best trial lies at {words}",
        alt=f"Surface of the objective over {setting_label(across)} and {setting_label(up)} through "
        f"{len(frame):,} trials, from {axis_words(results, float(frame['value'].min()))} to "
        f"{axis_words(results, float(frame['value'].max()))}; the best lies at {words}.",
        caption=f"n = {len(frame):,} complete trials, the points. Between them the surface is linear; where there is "
        "none, nothing is claimed. Other settings varied too. The worst twentieth has one colour.",
        chart=Chart((Panel(x_axis, y_axis, marks),), height=400),
    )


def _colour_range(results: StudyResults, values: Numbers) -> tuple[float, float]:
    """Without the worst twentieth, which would take all colours for itself."""
    low, high = (
        (np.quantile(values, 0.05), values.max()) if better(results) > 0 else (values.min(), np.quantile(values, 0.95))
    )
    return float(low), float(high if high > low else low + 1e-9 + abs(low) * 1e-3)


def _grid(results: StudyResults, name: str) -> Numbers:
    domain = results.domains[name]
    if not isinstance(domain, Range):
        raise TypeError(f"{name} is no range")
    if domain.log:
        return np.exp(np.linspace(math.log(domain.low), math.log(domain.high), _GRID))
    return np.linspace(float(domain.low), float(domain.high), _GRID)
