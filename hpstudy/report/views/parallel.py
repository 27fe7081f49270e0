"""All settings of every trial at once, as lines across parallel axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hpstudy.report.drawing.chart import Axis, Chart, Line, Mark, Numbers, Panel, Texts, joined, numbers
from hpstudy.report.drawing.labels import shown
from hpstudy.report.views.scales import (
    choice_text,
    choices,
    objective,
    objective_words,
    positions,
    sampled,
    setting_label,
    shares,
)
from hpstudy.report.views.slices import jitter
from hpstudy.report.views.view import NoView, View
from hpstudy.results.study import StudyResults
from hpstudy.spec.study import Domain, Range

MOST_LINES = 400
MOST_AXES = 12
_UNSET = -0.12
"""Height at which a trial crosses the axis of a setting that it does not have."""


def parallel_data(results: StudyResults) -> tuple[list[str], Numbers, Numbers]:
    """What crosses which axis where.

    Returns:
        The settings; the heights [trials, settings] in [0, 1], NaN where a trial lacks the setting; the objective in
        the unit of its axis. Rows: the complete sampled trials, best first.
    """
    ranked = results.ranked
    settings = [name for name in results.searched if name in ranked][:MOST_AXES]
    heights = [shares(positions(ranked[name], results.domains[name]), results.domains[name]) for name in settings]
    return (
        settings,
        np.stack(heights, axis=1) if heights else np.empty((len(ranked), 0)),
        objective(results, ranked["value"]),
    )


def parallel_view(results: StudyResults) -> View:
    """A line a trial across an axis a setting, the best tenth in colour.

    Raises:
        NoView: There are fewer than two complete trials or two searched settings.
    """
    settings, heights, _ = parallel_data(results)
    n = len(heights)
    if n < 2 or len(settings) < 2:
        raise NoView("Parallel coordinates need at least two complete trials and two searched settings.")
    n_best = min(max(1, n // 10), MOST_LINES // 4)
    keep = sampled(n, keep=range(n_best), most=MOST_LINES)
    has_gaps = bool(np.isnan(heights).any())
    panel = _panel(results, settings, heights, keep=keep, n_best=n_best)
    sample = f" Drawn are {len(keep):,} of the trials." if len(keep) < n else ""
    gaps = " Beyond the lower end of an axis: trials without that setting." if has_gaps else ""
    more = len(results.searched) - len(settings)
    axes = f" {more} more settings are not drawn." if more > 0 else ""
    return View(
        title=f"Settings of the best {'trial' if n_best == 1 else f'{n_best} trials'} among all {n:,} complete ones",
        alt=_alt(results, settings, heights[:n_best], n),
        caption=f"n = {n:,} complete trials; each axis runs over the range searched, logarithmic where the search was."
        f"{gaps}{sample}{axes}",
        chart=Chart((panel,), height=380),
        narrow=Chart((_turned(panel),), height=64 * len(settings)),
    )


def _panel(
    results: StudyResults, settings: list[str], heights: Numbers, *, keep: NDArray[np.int64], n_best: int
) -> Panel:
    """The axes upright beside each other, and the lines across them."""
    n, places = len(heights), np.arange(len(settings), dtype=float)
    # Choices are crossed at slightly different heights, so that lines through the same choice can be told apart.
    spread = 0.08 * jitter(n)[:, None] * numbers([not isinstance(results.domains[name], Range) for name in settings])
    crossed = np.where(np.isnan(heights), _UNSET, heights + spread)
    hover = [
        f"trial {shown(label)}: {objective_words(results, float(value))}"
        for label, value in zip(results.ranked["label"], results.ranked["value"], strict=True)
    ]
    others, best = keep[keep >= n_best], keep[(keep < n_best) & (keep > 0)]
    marks: list[Mark] = [_axis_lines(len(settings))]
    marks += _lines(places, crossed, others, hover, name="other trials", width=1.0, opacity=0.45)
    name = f"best {n_best} of {n:,}" if n_best > 1 else ""
    marks += _lines(places, crossed, best, hover, name=name, colour="accent", width=1.5, dash="dash")
    label = f"best (trial {shown(results.ranked['label'].iloc[0])})"
    marks += _lines(places, crossed, np.arange(1), hover, name=label, colour="accent", width=3.5, symbol="circle")
    has_gaps = bool(np.isnan(heights).any())
    marks.append(_end_texts(settings, results.domains, has_gaps=has_gaps))
    ticks = tuple((place, setting_label(name)) for place, name in zip(places.tolist(), settings, strict=True))
    x = Axis(low=-0.5, high=len(settings) - 0.5, ticks=ticks, grid=False)
    return Panel(x, Axis(low=-0.22 if has_gaps else -0.1, high=1.1, visible=False), tuple(marks))


def _turned(panel: Panel) -> Panel:
    """The same with the axes lying below each other: in a narrow window there is no room for texts beside them."""
    marks: list[Mark] = []
    for mark in panel.marks:
        if isinstance(mark, Texts):
            marks.append(replace(mark, x=mark.y, y=mark.x - 0.14, place="above"))  # off the axis
        elif isinstance(mark, Line):
            marks.append(replace(mark, x=mark.y, y=mark.x))
    return Panel(panel.y, replace(panel.x, low=panel.x.high, high=-0.9), tuple(marks))


def _axis_lines(n: int) -> Line:
    ends = numbers([0.0, 1.0])
    return Line(joined([np.full(2, float(place)) for place in range(n)]), joined([ends] * n), colour="muted", width=1.0)


def _lines(
    places: Numbers,
    crossed: Numbers,
    rows: NDArray[np.int64],
    hover: list[str],
    **look: object,
) -> list[Mark]:
    if not len(rows):
        return []
    texts = [hover[row] for row in rows for _ in range(len(places) + 1)][:-1]
    y = joined([crossed[row] for row in rows])
    return [Line(joined([places] * len(rows)), y, hover=texts, **look)]  # type: ignore[arg-type]


def _end_texts(settings: list[str], domains: Mapping[str, Domain], *, has_gaps: bool) -> Texts:
    """The ends of ranges and the choices, beside the axes."""
    x: list[float] = []
    y: list[float] = []
    texts: list[str] = []
    for place, name in enumerate(settings):
        domain = domains[name]
        if isinstance(domain, Range):
            ends: tuple[tuple[float, str], ...] = ((0.0, f"{domain.low:.3g}"), (1.0, f"{domain.high:.3g}"))
        else:
            of = choices(domain)
            step = max(1, len(of) // 12)
            ends = tuple(
                (at / max(len(of) - 1, 1), shown(choice_text(choice), limit=9))
                for at, choice in enumerate(of)
                if at % step == 0
            )
        for height, text in ends:
            x.append(place + 0.06)
            y.append(height)
            texts.append(text)
    if has_gaps:
        x.append(-0.45)
        y.append(_UNSET)
        texts.append("not set")
    return Texts(numbers(x), numbers(y), texts, colour="text", size=8.5, place="right")


def _alt(results: StudyResults, settings: list[str], best: Numbers, n: int) -> str:
    row = results.ranked.iloc[0]
    parts = []
    for place, name in enumerate(settings):
        value = row[name]
        is_range = isinstance(results.domains[name], Range)
        text = f"{value:.3g}" if is_range and isinstance(value, float) else shown(choice_text(value))
        text = "not set" if pd.isna(value) else text
        known = best[:, place][~np.isnan(best[:, place])]
        range_words = ""
        if isinstance(results.domains[name], Range) and len(known) > 1:
            ends = f"{100 * known.min():.0f} and {100 * known.max():.0f} %"
            range_words = f" (the best {len(best)} lie between {ends} of the range)"
        parts.append(f"{setting_label(name)} {text}{range_words}")
    return f"Parallel coordinates of {n:,} complete trials. The best, trial {row['label']}: {'; '.join(parts)}."
