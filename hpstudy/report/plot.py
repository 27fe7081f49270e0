"""Draws a chart as Plotly's JSON, with tokens for colours and without its default template."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from hpstudy.report.chart import (
    Area,
    Axis,
    Bars,
    Cells,
    Chart,
    Field,
    Images,
    Intervals,
    Line,
    Mark,
    Numbers,
    Panel,
    Points,
    Texts,
)
from hpstudy.report.png import image_url

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_TOP, _BOTTOM, _TITLE, _LEGEND_ROW = 16, 48, 24, 26
_ROW_GAP = 84
"""Pixels: the margins of a figure, a panel's title, a row of the legend, and the room between rows of panels."""

_PLACES = {
    "centre": "middle center",
    "left": "middle left",
    "right": "middle right",
    "above": "top center",
    "below": "bottom center",
}


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


def escaped(text: str) -> str:
    """A string as Plotly shows it literally: it takes some tags for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def rounded(values: Numbers) -> list[float | int | None]:
    """Numbers with five digits that count, None for what is not finite: half the size of their full form."""
    return [_short(float(value)) if math.isfinite(value) else None for value in values.ravel()]


def token(colour: str) -> str:
    """A colour of the palette as figures.js resolves it."""
    return f"token:{colour}"


def _drawn(chart: Chart) -> dict[str, Any]:
    return {"data": _traces(chart), "layout": _layout(chart, small=False)}


def _short(value: float) -> float | int:
    short = float(f"{value:.5g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def _traces(chart: Chart) -> list[dict[str, Any]]:
    named: set[str] = set()
    traces = []
    for place, panel in enumerate(chart.panels, start=1):
        axes = {"xaxis": f"x{place}", "yaxis": f"y{place}"} if place > 1 else {"xaxis": "x", "yaxis": "y"}
        for mark in panel.marks:
            if isinstance(mark, Images):
                continue  # they are part of the layout
            trace = _DRAW[type(mark)](mark) | axes
            name = trace.get("name")
            # A legend entry stands for its namesakes in all panels.
            trace["showlegend"] = bool(name) and name not in named
            if name:
                trace["legendgroup"] = name
                named.add(name)
            traces.append(trace)
    return traces


def _named(name: str) -> dict[str, Any]:
    return {"name": escaped(name)} if name else {}


def _hover(hover: Sequence[str]) -> dict[str, Any]:
    return {"text": [escaped(text) for text in hover], "hoverinfo": "text"} if hover else {"hoverinfo": "skip"}


def _line(mark: Line) -> dict[str, Any]:
    line = {"color": token(mark.colour), "width": mark.width, "dash": mark.dash}
    if mark.stepped:
        line["shape"] = "hv"
    trace = _scatter(mark) | {"mode": "lines+markers" if mark.symbol else "lines", "line": line}
    if mark.symbol:
        trace["marker"] = {"symbol": mark.symbol, "size": 6, "color": token(mark.colour)}
    return trace


def _points(mark: Points) -> dict[str, Any]:
    marker: dict[str, Any] = {"symbol": mark.symbol, "size": mark.size + 1, "color": token(mark.colour)}
    if mark.symbol == "star":  # stands out from the points around it
        marker["line"] = {"width": 1, "color": token("paper")}
    return _scatter(mark) | {"mode": "markers", "marker": marker, "cliponaxis": False}


def _scatter(mark: Line | Points) -> dict[str, Any]:
    trace = {"type": "scatter", "x": rounded(mark.x), "y": rounded(mark.y)} | _named(mark.name) | _hover(mark.hover)
    return trace | ({"opacity": mark.opacity} if mark.opacity < 1 else {})


def _intervals(mark: Intervals) -> dict[str, Any]:
    ends = np.column_stack([mark.low, mark.high, np.full(len(mark.at), np.nan)]).ravel()
    places = np.column_stack([mark.at, mark.at, np.full(len(mark.at), np.nan)]).ravel()
    x, y = (ends, places) if mark.along == "x" else (places, ends)
    line = {"color": token(mark.colour), "width": mark.width}
    return {
        "type": "scatter",
        "x": rounded(x),
        "y": rounded(y),
        "mode": "lines",
        "line": line,
        "hoverinfo": "skip",
    }


def _bars(mark: Bars) -> dict[str, Any]:
    at, length, start = rounded(mark.at), rounded(mark.length), rounded(mark.start)
    marker: dict[str, Any] = {"color": token(mark.colour), "line": {"width": 0.5, "color": token("paper")}}
    if mark.hatch:
        marker["pattern"] = {"shape": mark.hatch, "fgcolor": token("paper"), "size": 6}
    across = {"x": length, "y": at, "orientation": "h"} if mark.along == "x" else {"x": at, "y": length}
    bars = {"type": "bar", "base": start, "width": mark.thickness, "marker": marker, "textposition": "none"}
    return bars | across | _named(mark.name) | _hover(mark.hover)


def _area(mark: Area) -> dict[str, Any]:
    line = {"width": 1 if mark.outline else 0, "color": token(mark.outline or mark.colour)}
    return {
        "type": "scatter",
        "x": rounded(mark.x),
        "y": rounded(mark.y),
        "mode": "lines",
        "fill": "toself",
        "fillcolor": token(mark.colour),
        "line": line,
        "opacity": mark.opacity,
        "hoverinfo": "skip",
    } | _named(mark.name)


def _cells(mark: Cells) -> dict[str, Any]:
    cells = {
        "type": "heatmap",
        "z": [rounded(row) for row in mark.values],
        "zmin": 0,
        "zmax": mark.top,
        "colorscale": [[0, token(mark.scale[0])], [1, token(mark.scale[1])]],
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
    }
    texts = [[escaped(text) for text in row] for row in mark.hover]
    return cells | ({"text": texts, "hoverinfo": "text"} if texts else {"hoverinfo": "skip"})


def _field(mark: Field) -> dict[str, Any]:
    return {
        "type": "contour",
        "x": rounded(mark.x),
        "y": rounded(mark.y),
        "z": [rounded(row) for row in mark.z],
        "zmin": _short(mark.low),
        "zmax": _short(mark.high),
        "colorscale": [[0, token("heat0")], [1, token("heat1")]],
        "contours": {"coloring": "heatmap"},
        "line": {"width": 0.5, "color": token("grey")},
        "colorbar": {
            "title": {"text": escaped(mark.title), "side": "right"},
            "thickness": 12,
            "outlinewidth": 0,
            "len": 0.9,
        },
        "hoverinfo": "skip",
        "connectgaps": False,
    }


def _texts(mark: Texts) -> dict[str, Any]:
    colour = token(mark.colour) if isinstance(mark.colour, str) else [token(one) for one in mark.colour]
    return {
        "type": "scatter",
        "x": rounded(mark.x),
        "y": rounded(mark.y),
        "mode": "text",
        "text": [escaped(text).replace("\n", "<br>") for text in mark.texts],
        "textposition": _PLACES[mark.place],
        "textfont": {"size": mark.size + 1.5, "color": colour},
        "hoverinfo": "skip",
        "cliponaxis": False,
    }


_DRAW: Mapping[type[Mark], Callable[[Any], dict[str, Any]]] = {
    Line: _line,
    Points: _points,
    Intervals: _intervals,
    Bars: _bars,
    Area: _area,
    Cells: _cells,
    Field: _field,
    Texts: _texts,
}


def _layout(chart: Chart, *, small: bool) -> dict[str, Any]:
    n_rows = math.ceil(len(chart.panels) / chart.columns)
    titled = any(panel.title for panel in chart.panels)
    names = {name for panel in chart.panels for mark in panel.marks if (name := getattr(mark, "name", ""))}
    inner = n_rows * chart.height + (n_rows - 1) * _ROW_GAP
    legend_rows = math.ceil(len(names) / (2 if small else 5))
    top = _TOP + (_TITLE if titled else 0) + legend_rows * _LEGEND_ROW
    layout: dict[str, Any] = {
        "height": inner + top + _BOTTOM,
        "margin": {"l": 56, "r": 16, "t": top, "b": _BOTTOM},
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
    return [_short(left), _short(left + width)], [_short(bottom), _short(min(1.0, bottom + chart.height / inner))]


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
    return [_short(end) for end in ends]
