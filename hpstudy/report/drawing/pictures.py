"""Draws a chart as PNG with matplotlib: for Markdown and for optuna-dashboard."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter

from hpstudy.report.drawing.artists import draw_artist
from hpstudy.report.drawing.chart import Axis, Chart, Panel
from hpstudy.report.drawing.palette import light_palette

_WIDTH_INCHES, _DPI, _PIXELS_PER_INCH = 8.0, 200, 105


def draw_picture(chart: Chart, *, title: str) -> bytes:
    """A chart as PNG on white, 1,600 pixels wide; the same bytes for the same chart and version of matplotlib.

    Args:
        chart: What is drawn.
        title: Stands above it.
    """
    # A person's own matplotlibrc must not change a report; nor may a dollar sign in a name start a formula.
    style: Any = _style()  # the stubs want a literal type of 330 names
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # then a box stands for the character
        mpl.rcdefaults()
        mpl.rcParams.update(style)
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
    canvas = Canvas(figsize=(_WIDTH_INCHES, height), dpi=_DPI, layout="constrained", facecolor=light_palette()["paper"])
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
        drawn = draw_artist(axes, mark, order=2 + order / 100)
        name = getattr(mark, "name", "")
        if name:
            handles.setdefault(name, drawn)
    if panel.equal:
        axes.set_aspect("equal")
    _side(axes, panel.x, along="x")
    _side(axes, panel.y, along="y")
    if not panel.x.visible:
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)
    if not panel.y.visible:
        axes.yaxis.set_visible(False)
        axes.spines["left"].set_visible(False)


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
        side.set_major_formatter(_Named(dict(axis.ticks)))
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
