"""The studies of a storage as tables."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpstudy.numbers import percent, value
from hpstudy.results.stored import shortened
from hpstudy.terminal.layout import add_numbers, add_words, plain_table

_LONGEST = 500
"""Characters of what is said of a damaged study."""

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
    damaged = studies[studies["damage"] != ""]
    if not damaged.empty:
        lines = (f"{row['study']}: {shortened(row['damage'], longest=_LONGEST)}" for row in damaged.to_dict("records"))
        parts += [Text(), Text("\n".join(("Damaged:", *lines)), style="red")]
    return Group(*parts)


def _own(studies: pd.DataFrame, *, wide: bool) -> Table:
    table = plain_table()
    add_words(table, "study")
    add_numbers(table, "complete", "pruned", "failed", "best", "state", *(["last run"] if wide else []))
    for row in studies.to_dict("records"):
        counts = _counts(row)
        last_run = [_moment(row["last_run"])] if wide else []
        table.add_row(row["study"], *counts, percent(row["best"]), row["state"], *last_run)
    return table


def _foreign(studies: pd.DataFrame, *, wide: bool) -> Table:
    table = plain_table("Made by plain Optuna, for reading alone")
    add_words(table, "study")
    add_numbers(table, "complete", "pruned", "failed", "best")
    add_words(table, "of", *(["last trial"] if wide else []))
    for row in studies.to_dict("records"):
        counts = _counts(row)
        last_trial = [_moment(row["last_run"])] if wide else []
        table.add_row(row["study"], *counts, value(row["best"]), row["objective"], *last_trial)
    return table


def _counts(row: Mapping[Hashable, Any]) -> tuple[str, ...]:
    numbers = (row[name] for name in ("complete", "pruned", "failed"))
    return tuple("–" if pd.isna(number) else str(number) for number in numbers)


def _moment(utc: pd.Timestamp) -> str:
    if pd.isna(utc):
        return "–"
    local: datetime = utc.to_pydatetime().replace(tzinfo=UTC).astimezone()
    return f"{local:%Y-%m-%d %H:%M}"
