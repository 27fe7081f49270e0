"""A table as plain data: the HTML page, the Markdown twin and the CSV file write the same cells."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes a cell for a formula by (OWASP, CSV injection)."""


@dataclass(frozen=True)
class Column:
    """A column: its title, and whether it holds numbers, which stand on the right and sort as such."""

    title: str
    numeric: bool = False


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: What it shows.
        order: What sorting compares in place of the text; None stands behind all others.
        mark: A word for how it looks: `strong`, `long`, `whole`, `lines`, a trial's state; empty for plain.
        link: Address that it leads to; empty for none.
    """

    text: str
    order: float | None = None
    mark: str = ""
    link: str = ""


@dataclass(frozen=True)
class Row:
    """One row; its first cell names it. `mark` as in `Cell`, for the whole row."""

    cells: tuple[Cell, ...]
    mark: str = ""


@dataclass(frozen=True)
class Group:
    """Rows that belong together, under a title or none."""

    rows: tuple[Row, ...]
    title: str = ""


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        key: Its anchor on a page.
        caption: What it shows, in words.
        columns: The columns; the first names the rows.
        groups: The rows, in groups.
        sortable: Whether a reader may sort it; then it has one group.
        note: A sentence below it; empty for none.
    """

    key: str
    caption: str
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    sortable: bool = False
    note: str = ""


def number(text: str, order: float | None, *, mark: str = "") -> Cell:
    """A cell with a number: sorts by it, behind all others where it is none."""
    missing = order is None or math.isnan(order)
    return Cell(text, None if missing else order, mark)


def words(*texts: str) -> tuple[Cell, ...]:
    """Plain cells."""
    return tuple(Cell(text) for text in texts)


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV with every digit; missing values are empty, and no text can be taken for a formula."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([_csv_value(column) for column in columns])
    for row in rows:
        writer.writerow([_csv_value(value) for value in row])
    return file.getvalue()


def _csv_value(value: object) -> object:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    return "" if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)) else value
