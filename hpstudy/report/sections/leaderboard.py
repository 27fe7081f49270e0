"""All trials of a study in one order, as a table of the first and a CSV file of all."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hpstudy.numbers import duration, percent, plural, value
from hpstudy.redaction import without_passwords
from hpstudy.report.drawing.figure import Absent
from hpstudy.report.sections.table import Cell, Column, Group, Row, Table, csv_text, number
from hpstudy.report.sections.titles import setting_title
from hpstudy.report.views.scales import objective_words
from hpstudy.results.study import StudyResults

SHOWN = 200
"""Rows of the table: a page with thousands is slow to open and nobody reads them."""

_STATES = {
    name: rank for rank, name in enumerate(["complete", "pruned", "failed", "interrupted", "running", "waiting"])
}
_CSV_COLUMNS = (
    *("label", "part", "state", "reason", "message", "value", "train_accuracy", "n_parameters"),
    *("epochs", "epochs_planned", "seconds", "started_at", "ended_at"),
)


@dataclass(frozen=True)
class Leaderboard:
    """The sampled trials.

    Attributes:
        table: The best `SHOWN`.
        beyond: That there are more than these; empty where there are not.
        n_trials: How many there are.
        csv: Every trial and baseline with every column.
        file_name: What the CSV file is to be called.
    """

    table: Table
    beyond: str
    n_trials: int
    csv: str
    file_name: str


def leaderboard(results: StudyResults, *, file_name: str) -> Leaderboard | Absent:
    """The sampled trials: complete ones first, best first; then pruned, failed, and those that have not ended."""
    search = results.search
    if search.empty:
        return Absent("leaderboard", "Leaderboard", "No trial has been sampled yet.")
    ordered = _ordered(results, search)
    settings = [name for name in results.settings if name in results.searched]
    settings += [name for name in results.settings if name not in settings and _varies(search[name])]
    columns = (
        Column("Trial", numeric=True),
        Column("State"),
        Column(results.objective.capitalize() if results.identity else results.objective, numeric=True),
        *((Column("Train accuracy", numeric=True),) if results.identity else ()),
        *(Column(setting_title(name), numeric=_is_numeric(search[name])) for name in settings),
        *((Column("Epochs", numeric=True), Column("Time", numeric=True)) if results.identity else ()),
        Column("Reason"),
    )
    rows = tuple(_row(row, results, settings) for row in ordered.head(SHOWN).to_dict("records"))
    beyond = f"The {SHOWN} best of {len(search):,} are shown; the CSV file has all." if len(search) > SHOWN else ""
    caption = f"{plural(len(search), 'sampled trial')}, best first."
    return Leaderboard(
        table=Table("leaderboard", caption, columns, (Group(rows),), sortable=True),
        beyond=beyond,
        n_trials=len(search),
        csv=_csv(results),
        file_name=file_name,
    )


def _ordered(results: StudyResults, search: pd.DataFrame) -> pd.DataFrame:
    signed = -search["value"] if results.maximize else search["value"]
    ranked = search.assign(_state=search["state"].map(_STATES).fillna(len(_STATES)), _value=signed)
    return ranked.sort_values(["_state", "_value", "number"], kind="stable")


def _row(row: Mapping[Hashable, Any], results: StudyResults, settings: list[str]) -> Row:
    state = str(row["state"])
    train = [number(percent(row["train_accuracy"]), row["train_accuracy"])] if results.identity else []
    cost: list[Cell] = []
    if results.identity:
        cost = [number(_epochs(row), row["epochs"]), number(duration(row["seconds"]), row["seconds"])]
    cells = (
        number(str(row["label"]), float(row["number"])),
        Cell(state, float(_STATES.get(state, len(_STATES))), state),
        number(objective_words(results, row["value"]), row["value"]),
        *train,
        *(setting_cell(row[name]) for name in settings),
        *cost,
        Cell(_reason(row), mark="long"),
    )
    return Row(cells, state)


def setting_cell(setting: object) -> Cell:
    """A setting's value, with its number to sort by where it is one; an en dash where it does not exist."""
    text = value(setting)
    if isinstance(setting, (int, float)) and not isinstance(setting, bool):
        return number(text, float(setting))
    return Cell(text)


def _epochs(row: Mapping[Hashable, Any]) -> str:
    planned = row["epochs_planned"]
    return str(row["epochs"]) if pd.isna(planned) or row["epochs"] == planned else f"{row['epochs']} of {planned:.0f}"


def _reason(row: Mapping[Hashable, Any]) -> str:
    """Why it ended; the message stands under Failures."""
    parts = [str(row["reason"]), str(row["message"]) if row["state"] == "failed" else ""]
    return without_passwords(": ".join(part for part in parts if part))


def _is_numeric(setting: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(setting) and not pd.api.types.is_bool_dtype(setting)


def _varies(setting: pd.Series[Any]) -> bool:
    return setting.map(repr).nunique() > 1


def _csv(results: StudyResults) -> str:
    names = [*_CSV_COLUMNS, *results.settings]
    trials = pd.concat([results.baselines, _ordered(results, results.search)])
    texts = {name: trials[name].map(without_passwords) for name in ("reason", "message")}
    records = trials.assign(**texts)[names].to_dict("records")
    return csv_text(names, ([record[name] for name in names] for record in records))
