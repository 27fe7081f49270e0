"""What is drawn, in neither library's words: panels with axes and marks. `plot` and `pictures` draw them.

Colours are names of the palette. Texts are plain. x and y are in the units of their axes; NaN breaks a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Symbol = Literal["circle", "square", "diamond", "triangle-up", "triangle-down", "x", "star"]

SYMBOLS: tuple[Symbol, ...] = ("circle", "square", "diamond", "triangle-up", "x", "triangle-down", "star")
"""Symbols of what is compared, as many as there are colours in `palette.SERIES`."""
Dash = Literal["solid", "dash", "dot", "dashdot"]
Hatch = Literal["", "/", "x", "."]


@dataclass(frozen=True)
class Axis:
    """One axis of a panel.

    Attributes:
        title: With the unit.
        low: Value at its left or lower end; None fits the marks.
        high: Value at its other end, which may be the smaller one; None with `low`.
        log: Whether equal steps are equal ratios.
        ticks: (position, text) of each tick; None lets the library choose.
        whole: Whether values are counts, so that ticks stand at whole numbers.
        grid: Whether lines are drawn at the ticks.
        visible: False draws no axis at all.
    """

    title: str = ""
    low: float | None = None
    high: float | None = None
    log: bool = False
    ticks: tuple[tuple[float, str], ...] | None = None
    whole: bool = False
    grid: bool = True
    visible: bool = True


@dataclass(frozen=True, eq=False)
class Line:
    """A line, with a symbol at each point where `symbol` is set. A `name` puts it in the legend."""

    x: Numbers
    y: Numbers
    name: str = ""
    colour: str = "grey"
    width: float = 1.5
    dash: Dash = "solid"
    symbol: Symbol | None = None
    opacity: float = 1.0
    stepped: bool = False
    hover: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Points:
    """Symbols without a line, filled unless `hollow`. `size` is their diameter in points."""

    x: Numbers
    y: Numbers
    name: str = ""
    colour: str = "grey"
    symbol: Symbol = "circle"
    size: float = 6.0
    hollow: bool = False
    opacity: float = 1.0
    hover: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Intervals:
    """Horizontal (`along="x"`) or vertical bars from `low` to `high` at the places `at` of the other axis."""

    at: Numbers
    low: Numbers
    high: Numbers
    along: Literal["x", "y"]
    colour: str = "text"
    width: float = 2.0


@dataclass(frozen=True, eq=False)
class Bars:
    """Bars that lie along an axis: from `start`, `length` long, at the places `at` of the other axis."""

    at: Numbers
    start: Numbers
    length: Numbers
    along: Literal["x", "y"]
    thickness: float = 0.7
    name: str = ""
    colour: str = "grey"
    hatch: Hatch = ""
    hover: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Area:
    """Closed shapes, each given by its corners; shapes stand apart by a NaN."""

    x: Numbers
    y: Numbers
    name: str = ""
    colour: str = "grey"
    opacity: float = 0.25
    outline: str = ""


@dataclass(frozen=True, eq=False)
class Cells:
    """A matrix of coloured squares around whole positions; row 0 is y = 0. NaN leaves a cell empty.

    Attributes:
        values: [rows, columns]; `top` has the full colour.
        scale: Two colours of the palette, of 0 and of `top`.
        top: The value with the full colour.
        hover: A text for each cell, [rows][columns].
    """

    values: Numbers
    scale: tuple[str, str]
    top: float
    hover: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, eq=False)
class Field:
    """A surface as filled contours: `z` [len(y), len(x)], NaN where nothing is known; `title` names it."""

    x: Numbers
    y: Numbers
    z: Numbers
    title: str
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Texts:
    """Words in the figure; one colour, or one each."""

    x: Numbers
    y: Numbers
    texts: Sequence[str]
    colour: str | Sequence[str] = "text"
    size: float = 9.0
    place: Literal["centre", "left", "right", "above", "below"] = "centre"


@dataclass(frozen=True, eq=False)
class Images:
    """Pictures centred on (x, y), `side` wide and high in the units of the axes; uint8 [M, C, H, W]."""

    x: Numbers
    y: Numbers
    side: float
    images: NDArray[np.uint8]


Mark = Line | Points | Intervals | Bars | Area | Cells | Field | Texts | Images


@dataclass(frozen=True, eq=False)
class Panel:
    """One pair of axes with marks, drawn in their order. `equal` gives both axes one scale."""

    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    title: str = ""
    equal: bool = False


@dataclass(frozen=True, eq=False)
class Chart:
    """Panels side by side, `columns` in a row, each `height` pixels high."""

    panels: tuple[Panel, ...]
    columns: int = 1
    height: int = 320


def drawn_texts(chart: Chart) -> Iterator[str]:
    """Every text of a chart that stands in the picture: not what a pointer shows."""
    for panel in chart.panels:
        yield panel.title
        for axis in (panel.x, panel.y):
            yield axis.title
            yield from (text for _, text in axis.ticks or ())
        for mark in panel.marks:
            match mark:
                case Texts():
                    yield from mark.texts
                case Field():
                    yield mark.title
                case Line() | Points() | Bars() | Area():
                    yield mark.name


def numbers(values: Any) -> Numbers:  # noqa: ANN401  # whatever numpy and pandas take for numbers
    """Values as the floats that marks want."""
    return np.asarray(values, dtype=np.float64)


def joined(parts: Sequence[Numbers]) -> Numbers:
    """Several lines or shapes as one, with a NaN between them."""
    gaps = [np.append(part, np.nan) for part in parts]
    return np.concatenate(gaps)[:-1] if gaps else np.empty(0)
