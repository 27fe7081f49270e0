"""One setting against the objective."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hpstudy.report.drawing.chart import Chart, Intervals, Mark, Numbers, Panel, Points, numbers
from hpstudy.report.drawing.labels import shown
from hpstudy.report.views.scales import (
    axis_words,
    choice_text,
    choices,
    clipped,
    far_symbol,
    far_words,
    objective,
    positions,
    sampled,
    setting_axis,
    setting_label,
    shares,
)
from hpstudy.report.views.view import NoView, View
from hpstudy.results.study import StudyResults
from hpstudy.spec.study import Range

EDGE = 0.02
"""A best value within this share of the range from an end lies at the edge."""

_THIRDS = ("lower", "middle", "upper")
_GOLDEN = 0.618033988749895


def slice_data(results: StudyResults, setting: str) -> pd.DataFrame:
    """The complete sampled trials that have a setting.

    Returns:
        `label`, `at` (position on the setting's axis), `share` (of its range, 0 at the lower end) and `value` (in the
        unit of the objective's axis), best first.
    """
    ranked = results.ranked
    domain = results.domains[setting]
    if setting not in ranked:
        return pd.DataFrame({"label": [], "at": [], "share": [], "value": []})
    at = positions(ranked[setting], domain)
    frame = pd.DataFrame({"label": list(ranked["label"]), "at": at, "share": shares(at, domain)})
    frame["value"] = objective(results, ranked["value"])
    return frame.dropna(subset=["at", "value"], ignore_index=True)


def slice_view(results: StudyResults, setting: str) -> View:
    """Every complete trial's objective against a setting, with the best one marked.

    Raises:
        NoView: No complete trial has the setting.
    """
    frame, domain = slice_data(results, setting), results.domains[setting]
    if frame.empty:
        raise NoView(f"No complete trial has a value of {setting_label(setting)}.")
    values = clipped(results, numbers(frame["value"]))
    is_range = isinstance(domain, Range)
    across = numbers(frame["at"]) if is_range else numbers(frame["at"]) + jitter(len(frame))
    keep = sampled(len(frame), keep=[0])
    hover = [
        f"trial {shown(label)}: {_at_words(setting, results, at)}, {axis_words(results, value)}"
        for label, at, value in zip(frame["label"], frame["at"], frame["value"], strict=True)
    ]
    near = keep[(keep > 0) & ~values.far[keep]]
    marks: list[Mark] = [
        Points(across[near], values.values[near], size=6, opacity=0.75, hover=[hover[one] for one in near])
    ]
    edge = keep[values.far[keep]]
    if len(edge):
        texts = [hover[one] for one in edge]
        marks.append(
            Points(across[edge], values.values[edge], colour="muted", symbol=far_symbol(results), size=8, hover=texts)
        )
    if not is_range:
        marks.append(_medians(frame, values.values))
    best = f"best (trial {shown(frame['label'][0])})"
    marks.append(Points(across[:1], values.values[:1], best, "accent", "star", size=13, hover=hover[:1]))
    sample = f" Drawn are {len(keep):,} of the trials." if len(keep) < len(frame) else ""
    bars = "" if is_range else " Horizontal bars: medians of the choices; points are spread sideways to be seen."
    return View(
        title=_title(results, setting, frame),
        alt=_alt(results, setting, frame),
        caption=f"n = {len(frame):,} complete trials; pruned ones have no final value. Other settings varied too."
        f"{bars}{sample}{far_words(int(values.far.sum()))}",
        chart=Chart((Panel(setting_axis(setting, domain), values.axis, tuple(marks)),), height=300),
    )


def edge_words(results: StudyResults, setting: str, frame: pd.DataFrame) -> str:
    """`lower` or `upper` where the best trial has a value at an end of its range, else empty."""
    if not isinstance(results.domains[setting], Range) or len(frame) < 2:
        return ""
    share = float(frame["share"][0])
    return "lower" if share <= EDGE else "upper" if share >= 1 - EDGE else ""


def jitter(n: int) -> Numbers:
    """Offsets in (-0.28, 0.28) that spread evenly and are the same each time: the golden ratio's sequence."""
    return numbers(0.56 * ((np.arange(n) * _GOLDEN) % 1.0 - 0.5))


def _medians(frame: pd.DataFrame, values: Numbers) -> Intervals:
    medians = pd.Series(values).groupby(list(frame["at"])).median()
    # An interval of the other axis: from -0.33 to 0.33 around each choice, at its median.
    at = numbers(medians.index)
    return Intervals(numbers(medians), at - 0.33, at + 0.33, "x")


def _at_words(setting: str, results: StudyResults, at: float) -> str:
    domain = results.domains[setting]
    text = f"{at:.3g}" if isinstance(domain, Range) else shown(choice_text(choices(domain)[int(at)]))
    return f"{setting_label(setting)} = {text}"


def _title(results: StudyResults, setting: str, frame: pd.DataFrame) -> str:
    which = "The best trial" if frame["label"][0] == results.ranked["label"].iloc[0] else _best_of(setting, len(frame))
    title = f"{which} has {_at_words(setting, results, float(frame['at'][0]))}"
    edge = edge_words(results, setting, frame)
    return f"{title}, at the {edge} edge of the range searched" if edge else title


def _best_of(setting: str, n: int) -> str:
    """Of a setting that only some trials have, and the best of all has not."""
    return (
        f"The best of {n:,} trials with {setting_label(setting)}"
        if n > 1
        else f"The only trial with {setting_label(setting)}"
    )


def _alt(results: StudyResults, setting: str, frame: pd.DataFrame) -> str:
    words = f"{_title(results, setting, frame)}; it reached {axis_words(results, frame['value'][0])}."
    names = choices(results.domains[setting])
    groups = numbers(frame["at"]).astype(int) if names else np.clip((3 * frame["share"]).astype(int), 0, 2)
    parts = []
    for place, group in frame.groupby(pd.Series(groups)):
        name = shown(choice_text(names[int(str(place))])) if names else f"{_THIRDS[int(str(place))]} third of the range"
        parts.append(f"{name} {axis_words(results, group['value'].median())} (n = {len(group)})")
    return f"{words} Medians: {', '.join(parts)}."
