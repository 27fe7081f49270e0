"""The confirmed comparison as a table in the terminal."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.text import Text

from hpstudy.results.confirmed_table import COLUMNS, caption, confirmed_rows
from hpstudy.results.study import StudyResults
from hpstudy.terminal.layout import plain_table


def confirmation(results: StudyResults, *, console: Console) -> Group:
    """The confirmed configurations, the candidate in bold; what belongs together is stacked where it is narrow.

    Args:
        results: A study whose confirmation has begun.
        console: Where it will be printed.
    """
    rows = [row.cells for row in confirmed_rows(results)]
    wide = _table(COLUMNS, rows)
    unbounded = console.options.update(max_width=1000)
    fits = Measurement.get(console, unbounded, wide).maximum <= console.width
    table = wide if fits else _table(_stacked(COLUMNS), [_stacked(cells) for cells in rows])
    return Group(table, Text(caption(results), style="dim"))


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> RenderableType:
    table = plain_table("Confirmed on the test set")
    for place, name in enumerate(columns):
        table.add_column(name, justify="left" if place in (0, len(columns) - 1) else "right", overflow="fold")
    for place, cells in enumerate(rows):
        table.add_row(*cells, style="" if place else "bold")
    return table


def _stacked(cells: tuple[str, ...]) -> tuple[str, ...]:
    """Seven cells as three, of two or three lines each."""
    configuration, seeds, accuracy, interval, difference, between, verdict = cells
    measured = [line for line in (difference, between) if line != "–"]
    return f"{configuration}\n{seeds}", f"{accuracy}\n{interval}", "\n".join([verdict, *measured])
