"""The marks of a chart as traces of Plotly's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from hpstudy.report.drawing.chart import Area, Bars, Cells, Field, Intervals, Line, Mark, Numbers, Points, Texts

_PLACES = {
    "centre": "middle center",
    "left": "middle left",
    "right": "middle right",
    "above": "top center",
    "below": "bottom center",
}


def draw_trace(mark: Mark) -> dict[str, Any]:
    """A mark as a trace, without its axes. Images are no traces, but part of the layout."""
    return _DRAW[type(mark)](mark)


def escaped(text: str) -> str:
    """A string as Plotly shows it literally: it takes some tags for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def rounded(values: Numbers) -> list[float | int | None]:
    """Numbers with five digits that count, None for what is not finite: half the size of their full form."""
    return [short(float(value)) if math.isfinite(value) else None for value in values.ravel()]


def short(value: float) -> float | int:
    """A number with five digits that count; a whole one without its point."""
    near = float(f"{value:.5g}")
    return int(near) if near.is_integer() and abs(near) < 1e15 else near


def token(colour: str) -> str:
    """A colour of the palette as figures.js resolves it."""
    return f"token:{colour}"


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
    marker: dict[str, Any] = {"symbol": mark.symbol + ("-open" if mark.hollow else ""), "size": mark.size + 1}
    marker["color"] = token(mark.colour)
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
        marker["pattern"] = {"shape": mark.hatch, "fillmode": "overlay", "fgcolor": token("paper"), "size": 6}
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
        "zmin": short(mark.low),
        "zmax": short(mark.high),
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
