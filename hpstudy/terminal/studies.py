"""The studies of a storage as tables."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpstudy.numbers import percent, value
from hpstudy.terminal.layout import add_numbers, add_words, plain_table

_WIDE = 76
"""From so many columns on there is room for the last run beside a name of 16 characters."""


def study_list(studies: pd.DataFrame, *, console: Console) -> RenderableType:
    """All studies of a storage, one row each; those of plain Optuna in a table of their own.

    Args:
        studies: As from `list_studies`.
        console: Where it will be printed; a narrow one is not told when a study last ran.
    """
    if studies.empty:
        return Text("No study yet. `hpstudy init` writes a starter study.")
    wide = console.width >= _WIDE
    is_ours = studies["objective"] == ""
    ours, foreign = studies[is_ours], studies[~is_ours]
    parts: list[RenderableType] = [] if ours.empty else [_own(ours, wide=wide)]
    if not foreign.empty:
        parts += [*([Text()] if parts else []), _foreign(foreign, wide=wide)]
    return Group(*parts)


def _own(studies: pd.DataFrame, *, wide: bool) -> Table:
    table = plain_table()
    add_words(table, "study")
    add_numbers(table, "complete", "pruned", "failed", "best", "state", *(["last run"] if wide else []))
    for row in studies.to_dict("records"):
        counts = (str(row[name]) for name in ("complete", "pruned", "failed"))
        last_run = [_moment(row["last_run"])] if wide else []
        table.add_row(row["study"], *counts, percent(row["best"]), row["state"], *last_run)
    return table


def _foreign(studies: pd.DataFrame, *, wide: bool) -> Table:
    table = plain_table("Made by plain Optuna, for reading alone")
    add_words(table, "study")
    add_numbers(table, "complete", "pruned", "failed", "best")
    add_words(table, "of", *(["last trial"] if wide else []))
    for row in studies.to_dict("records"):
        counts = (str(row[name]) for name in ("complete", "pruned", "failed"))
        last_trial = [_moment(row["last_run"])] if wide else []
        table.add_row(row["study"], *counts, value(row["best"]), row["objective"], *last_trial)
    return table


def _moment(utc: pd.Timestamp) -> str:
    if pd.isna(utc):
        return "–"
    local: datetime = utc.to_pydatetime().replace(tzinfo=UTC).astimezone()
    return f"{local:%Y-%m-%d %H:%M}"
