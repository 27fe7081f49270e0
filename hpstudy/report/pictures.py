"""Draws a chart as PNG with matplotlib: for Markdown and for optuna-dashboard."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter

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
    Panel,
    Points,
    Texts,
)
from hpstudy.report.palette import light_palette

_WIDTH_INCHES, _DPI, _PIXELS_PER_INCH = 8.0, 200, 105
_SYMBOLS = {
    "circle": "o",
    "circle-open": "o",
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


def draw_picture(chart: Chart, *, title: str) -> bytes:
    """A chart as PNG on white, 1,600 pixels wide; the same bytes for the same chart and version of matplotlib.

    Args:
        chart: What is drawn.
        title: Stands above it.
    """
    # A person's own matplotlibrc must not change a report; nor may a dollar sign in a name start a formula.
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # then a box stands for the character
        mpl.rcdefaults()
        mpl.rcParams.update(_style())
        return _png(_canvas(chart, title))


def _style() -> dict[str, Any]:
    text, muted, grid = (light_palette()[name] for name in ("text", "muted", "grid"))
    return {
        "text.parse_math": False,
        "font.size": 9,
        "text.color": text,
        "axes.labelcolor": text,
        "axes.edgecolor": muted,
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.8,
        "grid.color": grid,
        "grid.linewidth": 0.7,
        "xtick.color": muted,
        "ytick.color": muted,
        "xtick.labelcolor": text,
        "ytick.labelcolor": text,
        "hatch.linewidth": 0.6,
        "legend.frameon": False,
        "legend.fontsize": 8.5,
    }


def _canvas(chart: Chart, title: str) -> Canvas:
    n_rows = math.ceil(len(chart.panels) / chart.columns)
    height = (n_rows * (chart.height + 40) + 110) / _PIXELS_PER_INCH
    canvas = Canvas(figsize=(_WIDTH_INCHES, height), dpi=_DPI, layout="constrained", facecolor=_colour("paper"))
    canvas.suptitle(_wrapped(title), x=0.01, ha="left", fontsize=11, fontweight="bold")
    handles: dict[str, Any] = {}
    for place, panel in enumerate(chart.panels, start=1):
        axes = canvas.add_subplot(n_rows, chart.columns, place)
        _panel(axes, panel, handles)
    if handles:
        # A label that begins with an underscore would be left out.
        names = [name if not name.startswith("_") else f"\u2009{name}" for name in handles]
        columns = min(len(names), 5)
        canvas.legend(list(handles.values()), names, loc="outside lower left", ncols=columns)
    return canvas


def _wrapped(title: str) -> str:
    """The title in lines of at most 96 characters."""
    lines = [""]
    for word in title.split():
        lines += [word] if len(lines[-1]) + len(word) > 95 else [f"{lines.pop()} {word}".strip()]
    return "\n".join(lines)


def _png(canvas: Canvas) -> bytes:
    FigureCanvasAgg(canvas)
    file = io.BytesIO()
    canvas.savefig(file, format="png", dpi=_DPI, metadata={"Software": None})
    return file.getvalue()


def _panel(axes: Axes, panel: Panel, handles: dict[str, Any]) -> None:
    axes.set_axisbelow(True)
    axes.set_title(panel.title)
    _scales(axes, panel)
    for order, mark in enumerate(panel.marks):
        drawn = _DRAW[type(mark)](axes, mark, 2 + order / 100)
        name = getattr(mark, "name", "")
        if name:
            handles.setdefault(name, drawn)
    if panel.equal:
        axes.set_aspect("equal")
    _side(axes, panel.x, along="x")
    _side(axes, panel.y, along="y")
    if not panel.x.visible:
        axes.set_axis_off()


def _scales(axes: Axes, panel: Panel) -> None:
    # Before the marks: contours and bars are laid out on the scale that they find.
    if panel.x.log:
        axes.set_xscale("log")
    if panel.y.log:
        axes.set_yscale("log")


def _side(axes: Axes, axis: Axis, *, along: str) -> None:
    """Title, range, ticks and grid of one axis."""
    side = axes.xaxis if along == "x" else axes.yaxis
    side.set_label_text(axis.title)
    side.grid(visible=axis.grid)
    if axis.low is not None and axis.high is not None:
        (axes.set_xlim if along == "x" else axes.set_ylim)(axis.low, axis.high)
    if axis.ticks is not None:
        side.set_major_locator(FixedLocator([at for at, _ in axis.ticks]))
        side.set_major_formatter(_Named({at: text for at, text in axis.ticks}))
        side.set_minor_locator(FixedLocator([]))
        if not axis.grid:
            side.set_tick_params(length=0)
    elif axis.log:
        side.set_major_formatter(FuncFormatter(_power))
        if axis.low and axis.high and axis.high / axis.low > 30:
            side.set_minor_formatter(NullFormatter())
        else:
            side.set_minor_formatter(FuncFormatter(_power))
    elif axis.whole:
        side.set_major_locator(MaxNLocator(nbins=8, integer=True))
        side.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


class _Named(FuncFormatter):
    """Ticks with texts of their own."""

    def __init__(self, names: Mapping[float, str]) -> None:
        super().__init__(lambda value, _: names.get(value, ""))


_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _power(value: float, _: object) -> str:
    """A tick of a logarithmic axis: `0.01`, `10⁻⁵`; formulas are switched off, so in plain characters."""
    if 1e-3 <= value < 1e5:
        return f"{value:g}"
    exponent = math.floor(math.log10(value) + 1e-9)
    factor = value / 10**exponent
    power = f"10{str(exponent).translate(_SUPERSCRIPTS)}"
    return power if abs(factor - 1) < 1e-6 else f"{factor:g}×{power}"


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
    hollow = mark.symbol == "circle-open"
    edge = "paper" if mark.symbol == "star" else mark.colour
    return axes.scatter(
        mark.x,
        mark.y,
        s=mark.size**2 * (1.6 if mark.symbol == "star" else 0.8),
        marker=_SYMBOLS[mark.symbol],
        facecolors="none" if hollow else _colour(mark.colour),
        edgecolors=_colour(edge),
        linewidths=1.2 if hollow else 0.6,
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
    bar = axes.figure.colorbar(field, ax=axes, label=mark.title, pad=0.02)
    bar.outline.set_visible(False)  # type: ignore[operator]  # a spine, which the stubs take for a list
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
