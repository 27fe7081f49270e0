"""Test pictures with what the confirmed candidate took them for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpstudy.artifacts import TestPredictions
from hpstudy.report.drawing.chart import Axis, Chart, Images, Line, Mark, Numbers, Panel, Texts, joined, numbers
from hpstudy.report.drawing.labels import shown
from hpstudy.report.views.view import NoView, View

MOST_PICTURES = 12
"""Of those classified rightly, and as many of the others."""


def predictions_view(predictions: TestPredictions | None) -> View:
    """A grid of test pictures with true and predicted class, right and wrong.

    Raises:
        NoView: No pictures were kept.
    """
    if predictions is None or not predictions.predicted.size or not len(predictions.shown):
        raise NoView("There are no predicted test pictures: they come with the confirmation.")
    at = predictions.shown[_drawn(predictions)]
    truth, first = predictions.labels[at], predictions.predicted[0, at]
    n_wrong, n = int((truth != first).sum()), len(at)
    names = predictions.class_names
    wrong = [f"{shown(names[a])} taken for {shown(names[b])}" for a, b in zip(truth, first, strict=True) if a != b]
    errors = f" Wrong: {'; '.join(wrong)}." if wrong else ""
    return View(
        title="Test pictures that were classified rightly and wrongly",
        alt=f"Grid of {n} test pictures, {n - n_wrong} right and {n_wrong} wrong.{errors}",
        caption="Above each picture what the first seed's model predicts; where it is wrong the frame is thick and the "
        "true class stands below. The pictures are a choice of the test set, so their share of errors is no estimate.",
        chart=_chart(predictions, columns=8, size=8.5),
        narrow=_chart(predictions, columns=4, size=8.0),
    )


def _drawn(predictions: TestPredictions) -> NDArray[np.intp]:
    """Which of the pictures kept are drawn, in the order kept."""
    wrong = predictions.labels[predictions.shown] != predictions.predicted[0, predictions.shown]
    return np.sort(np.concatenate([np.flatnonzero(kind)[:MOST_PICTURES] for kind in (~wrong, wrong)]))


def _chart(predictions: TestPredictions, *, columns: int, size: float) -> Chart:
    drawn = _drawn(predictions)
    at = predictions.shown[drawn]
    truth, first = predictions.labels[at], predictions.predicted[0, at]
    rows, places = np.divmod(np.arange(len(at)), columns)
    x, y = numbers(places), -1.42 * numbers(rows)
    right = truth == first
    names = [shown(name, limit=13) for name in predictions.class_names]
    above = [f"{'✓' if good else '✗'} {names[guess]}" for good, guess in zip(right, first, strict=True)]
    below = ["" if good else f"is {names[true]}" for good, true in zip(right, truth, strict=True)]
    marks: tuple[Mark, ...] = (
        Images(x, y, 0.8, predictions.images[drawn]),
        _frames(x[right], y[right], colour="grey", width=1.0),
        _frames(x[~right], y[~right], colour="wrong", width=3.0),
        Texts(x, y + 0.52, above, "text", size),
        Texts(x, y - 0.52, below, "muted", size),
    )
    n_rows = int(rows.max()) + 1
    x_axis = Axis(low=-0.55, high=columns - 0.45, visible=False)
    y_axis = Axis(low=-1.42 * (n_rows - 1) - 0.72, high=0.72, visible=False)
    height = (132 if columns > 5 else 124) * n_rows  # of the width of a report, so that nothing is left over
    return Chart((Panel(x_axis, y_axis, marks, equal=True),), height=height)


def _frames(x: Numbers, y: Numbers, *, colour: str, width: float) -> Line:
    half = 0.42
    corners_x, corners_y = half * numbers([-1, 1, 1, -1, -1]), half * numbers([-1, -1, 1, 1, -1])
    return Line(joined([a + corners_x for a in x]), joined([b + corners_y for b in y]), colour=colour, width=width)
