"""Draws a chart as Plotly's JSON, with tokens for colours and without its default template."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hpstudy.report.drawing.chart import Axis, Chart, Images, Panel
from hpstudy.report.drawing.png import image_url
from hpstudy.report.drawing.traces import draw_trace, escaped, rounded, short, token

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_TOP, _BOTTOM, _TITLE, _LEGEND_ROW = 16, 48, 24, 26
_ROW_GAP = 84
"""Pixels: the margins of a figure, a panel's title, a row of the legend, and the room between rows of panels."""


def draw_plot(chart: Chart, *, narrow: Chart | None = None) -> dict[str, Any]:
    """`Figure.plot` of a chart.

    Args:
        chart: What is drawn in a wide window.
        narrow: What is drawn in a narrow one; None stacks the same panels.
    """
    if narrow is None:
        stacked = Chart(chart.panels, columns=1, height=chart.height)
        return _drawn(chart) | {"narrow": {"layout": _layout(stacked, small=True)}}
    return _drawn(chart) | {"narrow": {"data": _traces(narrow), "layout": _layout(narrow, small=True)}}


def _drawn(chart: Chart) -> dict[str, Any]:
    return {"data": _traces(chart), "layout": _layout(chart, small=False)}


def _traces(chart: Chart) -> list[dict[str, Any]]:
    named: set[str] = set()
    traces = []
    for place, panel in enumerate(chart.panels, start=1):
        axes = {"xaxis": f"x{place}", "yaxis": f"y{place}"} if place > 1 else {"xaxis": "x", "yaxis": "y"}
        for mark in panel.marks:
            if isinstance(mark, Images):
                continue  # they are part of the layout
            trace = draw_trace(mark) | axes
            name = trace.get("name")
            # A legend entry stands for its namesakes in all panels.
            trace["showlegend"] = bool(name) and name not in named
            if name:
                trace["legendgroup"] = name
                named.add(name)
            traces.append(trace)
    return traces


def _layout(chart: Chart, *, small: bool) -> dict[str, Any]:
    n_rows = math.ceil(len(chart.panels) / chart.columns)
    titled = any(panel.title for panel in chart.panels)
    names = {name for panel in chart.panels for mark in panel.marks if (name := getattr(mark, "name", ""))}
    inner = n_rows * chart.height + (n_rows - 1) * _ROW_GAP
    legend_rows = math.ceil(len(names) / (2 if small else 5))
    top = _TOP + (_TITLE if titled else 0) + legend_rows * _LEGEND_ROW
    has_axes = any(panel.x.visible or panel.y.visible for panel in chart.panels)
    bottom = _BOTTOM if has_axes else 8
    layout: dict[str, Any] = {
        "height": inner + top + bottom,
        "margin": {"l": 56 if has_axes else 8, "r": 16, "t": top, "b": bottom},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12 if small else 13, "color": token("text")},
        "hovermode": "closest",
        "hoverlabel": {"bgcolor": token("paper"), "bordercolor": token("muted"), "font": {"color": token("text")}},
        "barmode": "overlay",
        "dragmode": False,
        "showlegend": bool(names),
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1 + ((_TITLE if titled else 0) + 6) / inner,
            "xanchor": "left",
            "yanchor": "bottom",
            "bgcolor": "rgba(0,0,0,0)",
        },
        "annotations": [],
        "images": [],
    }
    for place, panel in enumerate(chart.panels):
        domain = _domain(place, chart, n_rows=n_rows, inner=inner)
        _place(layout, panel, domain=domain, suffix=str(place + 1) if place else "")
    return layout


def _domain(place: int, chart: Chart, *, n_rows: int, inner: int) -> tuple[list[float], list[float]]:
    """Where a panel lies, in shares of the figure: (left, right) and (bottom, top)."""
    row, column = divmod(place, chart.columns)
    gap = 0.09 if chart.columns > 1 else 0.0
    width = (1 - gap * (chart.columns - 1)) / chart.columns
    left = column * (width + gap)
    bottom = (n_rows - 1 - row) * (chart.height + _ROW_GAP) / inner
    return [short(left), short(left + width)], [short(bottom), short(min(1.0, bottom + chart.height / inner))]


def _place(layout: dict[str, Any], panel: Panel, *, domain: tuple[list[float], list[float]], suffix: str) -> None:
    """Adds the axes, title and pictures of a panel to a layout."""
    across, up = domain
    layout[f"xaxis{suffix}"] = _axis(panel.x) | {"domain": across, "anchor": f"y{suffix}"}
    layout[f"yaxis{suffix}"] = _axis(panel.y) | {"domain": up, "anchor": f"x{suffix}"}
    if panel.equal:
        layout[f"yaxis{suffix}"] |= {"scaleanchor": f"x{suffix}", "constrain": "domain"}
        layout[f"xaxis{suffix}"] |= {"constrain": "domain"}
    if panel.title:
        layout["annotations"].append(
            {
                "text": f"<b>{escaped(panel.title)}</b>",
                "x": across[0],
                "y": up[1],
                "xref": "paper",
                "yref": "paper",
                "xanchor": "left",
                "yanchor": "bottom",
                "showarrow": False,
            }
        )
    for mark in panel.marks:
        if isinstance(mark, Images):
            layout["images"] += _images(mark, suffix)


def _images(mark: Images, suffix: str) -> list[dict[str, Any]]:
    size = {"sizex": mark.side, "sizey": mark.side, "xref": f"x{suffix}", "yref": f"y{suffix}"}
    anchor = {"xanchor": "center", "yanchor": "middle", "layer": "below"}
    return [
        {"source": image_url(image), "x": float(x), "y": float(y)} | size | anchor
        for image, x, y in zip(mark.images, mark.x, mark.y, strict=True)
    ]


def _axis(axis: Axis) -> dict[str, Any]:
    if not axis.visible:
        return {"visible": False, "range": _range(axis), "fixedrange": True}
    drawn: dict[str, Any] = {
        "title": {"text": escaped(axis.title), "standoff": 8},
        "type": "log" if axis.log else "linear",
        "showgrid": axis.grid,
        "gridcolor": token("grid"),
        "linecolor": token("muted"),
        "tickcolor": token("muted"),
        "showline": True,
        "ticks": "outside" if axis.grid else "",
        "ticklen": 4,
        "zeroline": False,
        "automargin": True,
        "exponentformat": "power",
        "separatethousands": True,
        "minexponent": 5,
    }
    if axis.low is not None:
        drawn["range"] = _range(axis)
    if axis.log and axis.low and axis.high and axis.high / axis.low > 30:
        drawn["dtick"] = 1
    if axis.ticks is not None:
        drawn |= {"tickvals": rounded(np.array([at for at, _ in axis.ticks], dtype=float))}
        drawn |= {"ticktext": [escaped(text) for _, text in axis.ticks]}
    if axis.whole:
        drawn["tickformat"] = ",d"
    return drawn


def _range(axis: Axis) -> list[float] | None:
    if axis.low is None or axis.high is None:
        return None
    ends = [math.log10(end) for end in (axis.low, axis.high)] if axis.log else [axis.low, axis.high]
    return [short(end) for end in ends]
