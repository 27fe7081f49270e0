"""What the confirmed candidate gets wrong: precision, recall and F1 a class, and the most confused pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpstudy.artifacts import TestPredictions
from hpstudy.numbers import percent, plural, quoted
from hpstudy.report.drawing.figure import Absent
from hpstudy.report.sections.table import Cell, Column, Group, Row, Table, number
from hpstudy.report.views.confusion import confused_pairs, confusion
from hpstudy.results.predictions import confusion_counts

UNBALANCED = 1.5
"""The largest class has this many times the images of the smallest: then accuracy alone misleads."""

PAIRS = 3
"""Most confused pairs that are told in words."""


@dataclass(frozen=True)
class Mistakes:
    """What a confirmed model gets wrong.

    Attributes:
        classes: Precision, recall and F1 of each class.
        pairs: The most confused pairs, a sentence each.
        balance: A sentence with macro-F1 where classes are unbalanced, else empty.
    """

    classes: Table | Absent
    pairs: tuple[str, ...]
    balance: str


def mistakes(predictions: TestPredictions | None, *, confirmed: bool) -> Mistakes:
    """The mistakes on the test set, counted over all seeds.

    Args:
        predictions: What the seeds of the candidate predicted; None where none are kept.
        confirmed: Whether the study has a confirmation, for the sentence that says why there are none.
    """
    if predictions is None or not predictions.labels.size:
        why = (
            "The predictions on the test set are not in the artifacts folder that the report was made with."
            if confirmed
            else "The test set has not been opened: nothing is confirmed."
        )
        return Mistakes(Absent("classes", "Mistakes by class", why), (), "")
    counts = confusion_counts(predictions)
    return Mistakes(_class_table(predictions, counts), _pairs(predictions, counts), _balance(counts))


def class_scores(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Precision, recall and F1 a class; float64 [classes, 3], NaN where a class was never predicted or never there.

    F1 of a class that is there and was never predicted is 0.
    """
    right = counts.diagonal().astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = right / counts.sum(axis=0)
        recall = right / counts.sum(axis=1)
        f1 = 2 * right / (counts.sum(axis=0) + counts.sum(axis=1))
    return np.stack([precision, recall, f1], axis=1)


def _class_table(predictions: TestPredictions, counts: NDArray[np.int64]) -> Table:
    scores, seeds = class_scores(counts), len(predictions.predicted)
    rows = []
    for name, class_scored, images in zip(
        predictions.class_names, scores, np.bincount(predictions.labels, minlength=len(counts)), strict=True
    ):
        numbers = tuple(number(percent(float(one)), float(one)) for one in class_scored)
        rows.append(Row((Cell(name), *numbers, number(f"{images:,}", int(images)))))
    columns = (
        Column("Class"),
        *(Column(name, numeric=True) for name in ("Precision", "Recall", "F1")),
        Column("Test images", numeric=True),
    )
    caption = f"Mistakes by class on the test set, over {plural(seeds, 'seed')} of the confirmed candidate"
    return Table("classes", caption, columns, (Group(tuple(rows)),), sortable=True)


def _pairs(predictions: TestPredictions, counts: NDArray[np.int64]) -> tuple[str, ...]:
    """The largest shares of a class that are taken for another, as the figure beside them has it."""
    names = [quoted(name) for name in predictions.class_names]
    return tuple(
        f"{names[true]} was taken for {names[taken]} in {percent(share)} of its images "
        f"({counts[true, taken]:,} of {counts[true].sum():,} predictions)."
        for true, taken, share in confused_pairs(confusion(predictions))[:PAIRS]
    )


def _balance(counts: NDArray[np.int64]) -> str:
    images = counts.sum(axis=1)
    if images.max() < UNBALANCED * max(images.min(), 1):
        return ""
    f1 = np.nan_to_num(class_scores(counts)[:, 2])
    accuracy = counts.diagonal().sum() / counts.sum()
    return (
        f"The classes are unbalanced ({images.min():,} to {images.max():,} predictions a class), so accuracy favours "
        f"the large ones: macro-F1, the mean of F1 over classes, is {percent(float(f1.mean()))} where accuracy is "
        f"{percent(float(accuracy))}."
    )
