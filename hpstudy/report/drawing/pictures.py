"""Draws a chart as PNG with matplotlib: for Markdown and for optuna-dashboard."""

from __future__ import annotations

import io
import logging
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter
from rich.cells import cell_len

from hpstudy.report.drawing.artists import draw_artist
from hpstudy.report.drawing.chart import Axis, Chart, Panel, drawn_texts
from hpstudy.report.drawing.figure import Picture
from hpstudy.report.drawing.fonts import choose_fonts
from hpstudy.report.drawing.palette import light_palette

_WIDTH_INCHES, _DPI, _PIXELS_PER_INCH = 8.0, 200, 105
_LETTER_INCHES, _LEGEND_SYMBOL_INCHES = 0.075, 0.55
"""The mean width of a letter of a label, and what a legend puts before and behind each of its names."""


def draw_picture(chart: Chart, *, title: str) -> Picture:
    """A chart as PNG on white, 1,600 pixels wide.

    The bytes are the same for the same chart and version of matplotlib; where it holds characters that matplotlib's own
    font lacks, also for the same fonts of the machine.

    Args:
        chart: What is drawn.
        title: Stands above it.
    """
    style: Any = _style()  # the stubs want a literal type of 330 names
    with mpl.rc_context(), _silent_about_fonts():
        # A person's own matplotlibrc must not change a report; nor may a dollar sign in a name start a formula.
        mpl.rcdefaults()
        mpl.rcParams.update(style)
        fonts = choose_fonts([title, *drawn_texts(chart)])
        mpl.rcParams["font.family"] = list(fonts.families)
        return Picture(_png(_canvas(chart, title)), fonts.undrawn)


@contextmanager
def _silent_about_fonts() -> Iterator[None]:
    """Keeps to itself what matplotlib prints of fonts: `Picture.undrawn` says what a person needs to know."""
    log = logging.getLogger("matplotlib.font_manager")  # it warns of every family that has no bold font
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            yield
    finally:
        log.setLevel(level)


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
        _panel(axes, panel, handles, inches=_WIDTH_INCHES / chart.columns)
    if handles:
        # A label that begins with an underscore would be left out.
        names = [name if not name.startswith("_") else f"\u2009{name}" for name in handles]
        canvas.legend(list(handles.values()), names, loc="outside lower left", ncols=_legend_columns(names))
    return canvas


def _legend_columns(names: Sequence[str]) -> int:
    """How many of the longest name fit side by side, at most five."""
    widest = _LEGEND_SYMBOL_INCHES + _LETTER_INCHES * max(map(cell_len, names))
    return max(1, min(len(names), 5, int(_WIDTH_INCHES / widest)))


def _wrapped(title: str) -> str:
    """The title in lines of at most 96 letters, or 48 Chinese ones."""
    lines = [""]
    for word in title.split():
        lines += [word] if cell_len(lines[-1]) + cell_len(word) > 95 else [f"{lines.pop()} {word}".strip()]
    return "\n".join(lines)


def _png(canvas: Canvas) -> bytes:
    FigureCanvasAgg(canvas)
    file = io.BytesIO()
    canvas.savefig(file, format="png", dpi=_DPI, metadata={"Software": None})
    return file.getvalue()


def _panel(axes: Axes, panel: Panel, handles: dict[str, Any], *, inches: float) -> None:
    """Draws a panel, `inches` wide with its labels, and adds what a legend shows of it to `handles`."""
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
    if panel.x.ticks and _is_crowded(panel.x, inches=inches):
        slanted: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
        axes.set_xticks([at for at, _ in panel.x.ticks], [text for _, text in panel.x.ticks], **slanted)
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


def _is_crowded(axis: Axis, *, inches: float) -> bool:
    """Whether the texts at the ticks of a horizontal axis would run into each other."""
    if not axis.ticks or axis.low is None or axis.high is None:
        return False
    places = sorted(at for at, _ in axis.ticks)
    apart = min((after - before for before, after in pairwise(places)), default=math.inf)
    widest = 1 + max(cell_len(text) for _, text in axis.ticks)
    return _LETTER_INCHES * widest > 0.9 * inches * apart / abs(axis.high - axis.low)


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
