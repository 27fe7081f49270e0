"""The table of predictions: order, ties, as many classes as asked, and users' names as text."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from rich.console import Console

from hpstudy.terminal.predictions import prediction_table

PROBABILITIES = np.array([[0.25, 0.7, 0.05], [0.4, 0.2, 0.4]], dtype=np.float32)


def printed(top: int) -> list[list[str]]:
    console = Console(file=io.StringIO(), width=80, markup=False, highlight=False, emoji=False)
    images = [Path("a.png"), Path("[red]b.png")]
    names = ["cat", "[bold]dog", "eel"]
    console.print(prediction_table(images, class_names=names, probabilities=PROBABILITIES, top=top))
    return [line.split() for line in console.file.getvalue().splitlines()]


def test_the_most_probable_class_of_each_picture() -> None:
    assert printed(1) == [
        ["picture", "class", "probability"],
        ["a.png", "[bold]dog", "70.00", "%"],
        ["[red]b.png", "cat", "40.00", "%"],
    ]


def test_more_classes_stand_below_and_no_more_than_there_are() -> None:
    assert printed(2)[1:] == [
        ["a.png", "[bold]dog", "70.00", "%"],
        ["cat", "25.00", "%"],
        ["[red]b.png", "cat", "40.00", "%"],
        ["eel", "40.00", "%"],
    ]
    assert len(printed(9)) == 7
