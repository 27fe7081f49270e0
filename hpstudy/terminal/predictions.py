"""The table of what a model says of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from hpstudy.numbers import percent
from hpstudy.terminal.layout import add_numbers, add_words, plain_table


def prediction_table(
    images: Sequence[Path], *, class_names: Sequence[str], probabilities: NDArray[np.float32], top: int
) -> Table:
    """The most probable classes of each picture, the most probable first; equal ones in the order of the classes.

    Args:
        images: The pictures.
        class_names: In the order of the columns of `probabilities`.
        probabilities: Of each picture and class, [images, classes], in [0, 1].
        top: How many classes of each picture are shown; all where there are fewer.
    """
    table = plain_table()
    add_words(table, "picture", "class")
    add_numbers(table, "probability")
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    for path, of_picture, ranked in zip(images, probabilities, order, strict=True):
        for rank, label in enumerate(ranked):
            name = "" if rank else str(path)
            style = "dim" if rank else ""
            table.add_row(name, class_names[label], percent(float(of_picture[label])), style=style)
    return table
