"""The tables of the terminal: no lines, and no cell that is cut where the terminal is narrow."""

from __future__ import annotations

from rich.table import Table


def plain_table(title: str = "") -> Table:
    """A table without lines."""
    return Table(
        title=title or None, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False
    )


def add_words(table: Table, *headings: str) -> None:
    """Adds columns of text, which is wrapped, within a word where it must be."""
    for heading in headings:
        table.add_column(heading, overflow="fold")


def add_numbers(table: Table, *headings: str) -> None:
    """Adds columns of numbers, which keep to one line for as long as a column of text can give way."""
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
