"""Texts of a picture that have room, and such that have little."""

from __future__ import annotations

from itertools import pairwise

import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg

from hpstudy.report.drawing.chart import Axis, Chart, Panel, Points, numbers
from hpstudy.report.drawing.pictures import _canvas, _silent_about_fonts


def ticks(names: list[str]) -> Chart:
    named = tuple((float(place), name) for place, name in enumerate(names))
    return Chart((Panel(Axis(low=-0.5, high=len(names) - 0.5, ticks=named), Axis(low=0, high=1), ()),))


def drawn_axes(chart: Chart) -> Axes:
    canvas = _canvas(chart, "title")
    with _silent_about_fonts():
        FigureCanvasAgg(canvas).draw()
    return canvas.axes[0]


@pytest.mark.parametrize(
    ("names", "slanted"),
    [
        ([f"class_{number}" for number in range(6)], False),
        ([f"aquarium_fish_{number}" for number in range(10)], True),
        (["飞机飞机飞机"] * 8, True),  # six letters, as wide as twelve
        (["planes"] * 8, False),
        (["alone"], False),
    ],
)
def test_texts_at_the_ticks_do_not_run_into_each_other(names: list[str], slanted: bool) -> None:
    labels = drawn_axes(ticks(names)).get_xticklabels()
    assert [label.get_text() for label in labels] == names
    assert {label.get_rotation() for label in labels} == {40.0 if slanted else 0.0}
    if not slanted:
        boxes = [label.get_window_extent() for label in labels]
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


@pytest.mark.parametrize(("name", "columns"), [("short", 5), ("a name of more than 20 letters", 2)])
def test_a_legend_lies_inside_the_picture(name: str, columns: int) -> None:
    marks = tuple(Points(numbers([0]), numbers([0]), name=f"{name} {number}") for number in range(6))
    canvas = _canvas(Chart((Panel(Axis(), Axis(), marks),)), "title")
    FigureCanvasAgg(canvas).draw()
    (legend,) = canvas.legends
    assert legend._ncols == columns
    assert legend.get_window_extent().x1 <= canvas.bbox.x1
