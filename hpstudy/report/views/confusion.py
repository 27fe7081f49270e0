"""Which classes the confirmed candidate takes for which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpstudy.artifacts import TestPredictions
from hpstudy.numbers import plural, quoted
from hpstudy.report.drawing.chart import Axis, Cells, Chart, Mark, Numbers, Panel, Texts, numbers
from hpstudy.report.drawing.labels import shown
from hpstudy.report.drawing.palette import HEAT_TURN
from hpstudy.report.views.view import NoView, View
from hpstudy.results.predictions import confusion_counts

MOST_CLASSES = 25
"""More make cells too small to read; then the classes with the most errors are drawn."""

_MOST_WITH_NUMBERS = 12


@dataclass(frozen=True, eq=False)
class Confusion:
    """A confusion matrix.

    Attributes:
        counts: int64 [K, K], rows true classes, columns predicted ones, summed over the seeds.
        class_names: Of the K classes.
        n_seeds: Trained models that predicted.
    """

    counts: NDArray[np.int64]
    class_names: tuple[str, ...]
    n_seeds: int

    @property
    def shares(self) -> Numbers:
        """Each count as a share of its true class; 0 where a class has no image."""
        return numbers(self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1))

    @property
    def accuracy(self) -> float:
        """Share of all predictions that are right."""
        return float(np.trace(self.counts) / max(int(self.counts.sum()), 1))


def confusion(predictions: TestPredictions) -> Confusion:
    """The confusion matrix of the test set over all seeds."""
    return Confusion(confusion_counts(predictions), predictions.class_names, len(predictions.predicted))


def confused_pairs(matrix: Confusion) -> list[tuple[int, int, float]]:
    """(true, predicted, share of the true class) of every kind of error made, the largest share first."""
    shares = matrix.shares.copy()
    np.fill_diagonal(shares, 0)
    order = np.argsort(-shares, axis=None, kind="stable")[: np.count_nonzero(shares)]
    rows, columns = np.unravel_index(order, shares.shape)
    return [(int(row), int(column), float(shares[row, column])) for row, column in zip(rows, columns, strict=True)]


def confusion_view(predictions: TestPredictions | None) -> View:
    """The confusion matrix, errors in colour.

    Raises:
        NoView: Nothing was predicted.
    """
    if predictions is None or not predictions.predicted.size:
        raise NoView("There are no predictions for the test set: they come with the confirmation.")
    matrix = confusion(predictions)
    chosen = _chosen(matrix)
    counts, shares = matrix.counts[np.ix_(chosen, chosen)], matrix.shares[np.ix_(chosen, chosen)]
    names = [shown(matrix.class_names[place], limit=14) for place in chosen]
    pairs = confused_pairs(matrix)
    n = len(chosen)
    height = max(160, min(48 * n, 620)) + 20
    left_out = len(matrix.class_names) - n
    numbers_shown = n <= _MOST_WITH_NUMBERS
    reading = " In each cell: number of predictions, and below it per cent of the true class." if numbers_shown else ""
    few = f" Drawn are the {n} of {len(matrix.class_names)} classes with the most errors." if left_out else ""
    return View(
        title=_title(matrix, pairs),
        alt=_alt(matrix, pairs),
        caption=f"{len(predictions.labels):,} test images, predictions of {plural(matrix.n_seeds, 'seed')} added "
        f"up. Grey: right; the stronger an error's colour, the larger its "
        f"share of the true class.{reading}{few}",
        chart=_chart(counts, shares, names, height=height, size=9.5 if numbers_shown else 0),
        narrow=_chart(counts, shares, names, height=min(height, 360), size=6.5 if numbers_shown else 0),
    )


def _chosen(matrix: Confusion) -> NDArray[np.int64]:
    errors = matrix.counts.sum(axis=1) - np.diag(matrix.counts)
    worst = np.argsort(-errors, kind="stable")[:MOST_CLASSES]
    return np.sort(worst)


def _chart(counts: NDArray[np.int64], shares: Numbers, names: list[str], *, height: int, size: float) -> Chart:
    n = len(names)
    diagonal = np.eye(n, dtype=bool)
    errors = np.where(diagonal, np.nan, shares)
    top = float(np.nanmax(errors)) if n > 1 and np.nanmax(errors) > 0 else 1.0
    hover = [
        [
            f"{names[row]} taken for {names[column]}: {counts[row, column]:,} ({100 * shares[row, column]:.1f} %)"
            for column in range(n)
        ]
        for row in range(n)
    ]
    right = np.where(diagonal, 1.0, np.nan)
    marks: list[Mark] = [
        Cells(errors, ("heat0", "heat1"), top, hover),
        Cells(right, ("neutral", "neutral"), 1.0, hover),
    ]
    if size:
        marks.append(_cell_texts(counts, shares, top=top, size=size))
    ticks = tuple((float(place), name) for place, name in enumerate(names))
    x = Axis("predicted class", low=-0.5, high=n - 0.5, ticks=ticks, grid=False)
    y = Axis("true class", low=n - 0.5, high=-0.5, ticks=ticks, grid=False)
    return Chart((Panel(x, y, tuple(marks)),), height=height)


def _cell_texts(counts: NDArray[np.int64], shares: Numbers, *, top: float, size: float) -> Texts:
    """The numbers of the cells that are not empty, in the colour that can be read on them."""
    rows, columns = np.nonzero(counts)
    texts = [f"{counts[at]:,}\n{100 * shares[at]:.1f}" for at in zip(rows, columns, strict=True)]
    dark = (shares[rows, columns] / top >= HEAT_TURN) & (rows != columns)
    colours = [
        "text" if row == column else "onhigh" if on else "onlow"
        for row, column, on in zip(rows, columns, dark, strict=True)
    ]
    return Texts(numbers(columns), numbers(rows), texts, colours, size)


def _title(matrix: Confusion, pairs: list[tuple[int, int, float]]) -> str:
    if not pairs:
        return f"All {int(matrix.counts.sum()):,} predictions are right"
    true, predicted, share = pairs[0]
    one, other = (quoted(shown(matrix.class_names[place])) for place in (true, predicted))
    return f"{100 * share:.1f} % of {one} are taken for {other}, the largest share of a class"


def _alt(matrix: Confusion, pairs: list[tuple[int, int, float]]) -> str:
    names = [quoted(shown(name)) for name in matrix.class_names]
    worst = "; ".join(f"{names[a]} for {names[b]} {100 * share:.1f} %" for a, b, share in pairs[:3])
    errors = f" The largest shares of a class that are taken for another: {worst}." if pairs else ""
    return (
        f"Confusion matrix of {len(names)} classes over {plural(matrix.n_seeds, 'seed')}; "
        f"{100 * matrix.accuracy:.2f} % right.{errors}"
    )
