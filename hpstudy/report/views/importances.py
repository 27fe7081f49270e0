"""How much each setting matters."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hpstudy.report.drawing.chart import Axis, Bars, Chart, Intervals, Mark, Numbers, Panel, Texts, numbers
from hpstudy.report.views.scales import capital, setting_label
from hpstudy.report.views.view import NoView, View
from hpstudy.results.study import StudyResults


def importance_view(results: StudyResults, importance: pd.DataFrame | None) -> View:
    """The importance of each setting with its interval.

    Args:
        results: The study, for the reason where there is nothing.
        importance: A row a setting: `setting`, `importance` (share of the sum), `low` and `high` (NaN without an
            interval) and `n` (complete trials that have the setting).

    Raises:
        NoView: There is nothing to show.
    """
    if importance is None or importance.empty:
        n = len(results.ranked)
        trials = "trial is" if n == 1 else "trials are"
        raise NoView(f"Importances are not estimated: {n} sampled {trials} complete, which is too few.")
    frame = importance.sort_values(["importance", "setting"], ascending=[False, True], ignore_index=True)
    share, low, high = (100 * numbers(frame[name]) for name in ("importance", "low", "high"))
    words = [
        f"{setting_label(name)}: {value:.0f} %" + (f" ({a:.0f} to {b:.0f} %)" if np.isfinite(a) else "")
        for name, value, a, b in zip(frame["setting"], share, low, high, strict=True)
    ]
    interval = " Lines: 95 % bootstrap intervals." if np.isfinite(low).any() else ""
    return View(
        title=_title(frame),
        alt=f"Importance of each setting: {'; '.join(words)}.",
        caption=f"PED-ANOVA: how far the values of the best trials differ from those of all; n = "
        f"{int(frame['n'].max())} complete trials.{interval} It says that a setting matters, not in which direction.",
        chart=Chart((_panel(frame, words, share, low, high),), height=max(140, 30 * len(frame) + 30)),
    )


def _title(frame: pd.DataFrame) -> str:
    """Claims a first place only where the intervals of all others end below its own."""
    first = frame.iloc[0]
    name, share = capital(setting_label(str(first["setting"]))), f"{100 * first['importance']:.0f} %"
    if not first["importance"] > 0:
        return "In no setting do the best trials differ from the others"
    if len(frame) > 1 and not first["low"] > frame["high"].iloc[1:].max():
        return f"{name} ranks first in importance ({share}), but not clearly"
    return f"{name} matters most for being among the best trials ({share} of the importance)"


def _panel(frame: pd.DataFrame, words: list[str], share: Numbers, low: Numbers, high: Numbers) -> Panel:
    """A bar a setting, the first in colour; all numbers in per cent."""
    at = np.arange(len(frame), dtype=float)
    ends = np.where(np.isfinite(high), np.maximum(high, share), share)
    marks: list[Mark] = [
        Bars(at[:1], 0 * at[:1], share[:1], "x", thickness=0.6, colour="accent", hover=words[:1]),
        Bars(at[1:], 0 * at[1:], share[1:], "x", thickness=0.6, hover=words[1:]),
    ]
    known = np.isfinite(low) & np.isfinite(high)
    if known.any():
        marks.append(Intervals(at[known], low[known], high[known], "x"))
    marks.append(Texts(ends, at, [f"\u2002{value:.0f} %" for value in share], size=10, place="right"))
    ticks = tuple((place, setting_label(name)) for place, name in zip(at.tolist(), frame["setting"], strict=True))
    return Panel(
        Axis("share of the importance (%)", low=0, high=1.15 * float(ends.max()) or 1.0),
        Axis(low=len(frame) - 0.4, high=-0.6, ticks=ticks, grid=False),
        tuple(marks),
    )
