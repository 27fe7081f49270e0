"""The marks of a chart as artists of matplotlib's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

from hpstudy.report.drawing.chart import Area, Bars, Cells, Field, Images, Intervals, Line, Mark, Points, Texts
from hpstudy.report.drawing.palette import light_palette

_SYMBOLS = {
    "circle": "o",
    "square": "s",
    "diamond": "D",
    "triangle-up": "^",
    "triangle-down": "v",
    "x": "X",
    "star": "*",
}
_DASHES: Mapping[str, Any] = {"solid": "-", "dash": (0, (5, 3)), "dot": (0, (1, 2)), "dashdot": (0, (5, 2, 1, 2))}
_HATCHES = {"": None, "/": "////", "x": "xxx", ".": "..."}
_PLACES: Mapping[str, tuple[str, str, float, float]] = {
    "centre": ("center", "center", 0, 0),
    "left": ("right", "center", -4, 0),
    "right": ("left", "center", 4, 0),
    "above": ("center", "bottom", 0, 4),
    "below": ("center", "top", 0, -4),
}


def draw_artist(axes: Axes, mark: Mark, *, order: float) -> Any:  # noqa: ANN401  # an artist of matplotlib's
    """Adds a mark to axes.

    Args:
        axes: Where.
        mark: What.
        order: A mark of a higher order covers one of a lower.

    Returns:
        What a legend shows for it.
    """
    return _DRAW[type(mark)](axes, mark, order)


def _colour(name: str) -> str:
    return light_palette()[name]


def _line(axes: Axes, mark: Line, order: float) -> Any:  # noqa: ANN401  # an artist of matplotlib's
    (line,) = axes.plot(
        mark.x,
        mark.y,
        color=_colour(mark.colour),
        linewidth=mark.width,
        linestyle=_DASHES[mark.dash],
        marker=_SYMBOLS[mark.symbol] if mark.symbol else None,
        markersize=4,
        alpha=mark.opacity,
        drawstyle="steps-post" if mark.stepped else "default",
        zorder=order,
    )
    return line


def _points(axes: Axes, mark: Points, order: float) -> Any:  # noqa: ANN401
    edge = "paper" if mark.symbol == "star" else mark.colour
    return axes.scatter(
        mark.x,
        mark.y,
        s=mark.size**2 * (1.6 if mark.symbol == "star" else 0.8),
        marker=_SYMBOLS[mark.symbol],
        facecolors="none" if mark.hollow else _colour(mark.colour),
        edgecolors=_colour(edge),
        linewidths=1.2 if mark.hollow else 0.6,
        alpha=mark.opacity,
        clip_on=False,
        zorder=order,
    )


def _intervals(axes: Axes, mark: Intervals, order: float) -> Any:  # noqa: ANN401
    draw = axes.hlines if mark.along == "x" else axes.vlines
    return draw(mark.at, mark.low, mark.high, colors=_colour(mark.colour), linewidth=mark.width, zorder=order)


def _bars(axes: Axes, mark: Bars, order: float) -> Any:  # noqa: ANN401
    common: dict[str, Any] = {
        "color": _colour(mark.colour),
        "hatch": _HATCHES[mark.hatch],
        "edgecolor": _colour("paper"),
        "linewidth": 0.3,
        "zorder": order,
    }
    if mark.along == "x":
        return axes.barh(mark.at, mark.length, left=mark.start, height=mark.thickness, **common)
    return axes.bar(mark.at, mark.length, bottom=mark.start, width=mark.thickness, **common)


def _area(axes: Axes, mark: Area, order: float) -> Any:  # noqa: ANN401
    breaks = np.flatnonzero(np.isnan(mark.x))
    corners = [np.column_stack(part) for part in zip(np.split(mark.x, breaks), np.split(mark.y, breaks), strict=True)]
    edge = _colour(mark.outline) if mark.outline else "none"
    drawn = None
    for shape in corners:
        inside = shape[~np.isnan(shape[:, 0])]
        (drawn,) = axes.fill(
            inside[:, 0], inside[:, 1], facecolor=_colour(mark.colour), edgecolor=edge, alpha=mark.opacity, zorder=order
        )
    return drawn


def _cells(axes: Axes, mark: Cells, order: float) -> Any:  # noqa: ANN401
    colours = LinearSegmentedColormap.from_list("cells", [_colour(name) for name in mark.scale])
    n_rows, n_columns = mark.values.shape
    return axes.pcolormesh(
        np.arange(n_columns + 1) - 0.5,
        np.arange(n_rows + 1) - 0.5,
        np.ma.masked_invalid(mark.values),
        cmap=colours,
        vmin=0,
        vmax=mark.top,
        edgecolors=_colour("paper"),
        linewidth=0.6,
        zorder=order,
    )


def _field(axes: Axes, mark: Field, order: float) -> Any:  # noqa: ANN401
    colours = LinearSegmentedColormap.from_list("field", [_colour("heat0"), _colour("heat1")])
    levels = np.linspace(mark.low, mark.high, 12)
    z = np.ma.masked_invalid(mark.z)
    field = axes.contourf(mark.x, mark.y, z, levels=levels, cmap=colours, extend="both", zorder=order)
    bar = axes.figure.colorbar(field, ax=axes, label=mark.title, pad=0.02, ticks=MaxNLocator(6))
    bar.outline.set_visible(False)
    return field


def _texts(axes: Axes, mark: Texts, order: float) -> None:
    across, up, dx, dy = _PLACES[mark.place]
    colours = [mark.colour] * len(mark.texts) if isinstance(mark.colour, str) else mark.colour
    for x, y, text, colour in zip(mark.x, mark.y, mark.texts, colours, strict=True):
        axes.annotate(
            text,
            (x, y),
            xytext=(dx, dy),
            textcoords="offset points",
            ha=across,
            va=up,
            fontsize=mark.size - 1,
            color=_colour(colour),
            zorder=order + 1,
            annotation_clip=False,
        )


def _images(axes: Axes, mark: Images, order: float) -> None:
    half = mark.side / 2
    for image, x, y in zip(mark.images, mark.x, mark.y, strict=True):
        extent = (x - half, x + half, y - half, y + half)
        grey = image.shape[0] == 1
        shown = image[0] if grey else image.transpose(1, 2, 0)
        limits: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 255} if grey else {}
        axes.imshow(shown, extent=extent, zorder=order, interpolation="nearest", **limits)


_DRAW: Mapping[type[Mark], Callable[[Axes, Any, float], Any]] = {
    Line: _line,
    Points: _points,
    Intervals: _intervals,
    Bars: _bars,
    Area: _area,
    Cells: _cells,
    Field: _field,
    Texts: _texts,
    Images: _images,
}
