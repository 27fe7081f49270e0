"""Tables of stored studies: leaderboard, named models, one trial, all studies."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from hpstudy.numbers import duration, heading, percent, plural, value
from hpstudy.results.study import StudyResults
from hpstudy.tables import BASELINES

_STATE_STYLES = {
    "complete": "green",
    "pruned": "yellow",
    "failed": "red",
    "interrupted": "magenta",
    "running": "cyan",
}

LEADERS = 10


def leaderboard(results: StudyResults, *, console: Console, n: int = LEADERS) -> RenderableType:
    """The best sampled trials by validation accuracy, with the settings that vary."""
    search = results.trials[results.trials["part"] == "search"]
    leaders = search[search["state"] == "complete"].sort_values("value", ascending=False, kind="stable").head(n)
    if leaders.empty:
        return Text("No trial is complete yet.")
    settings = [name for name in results.settings if name in results.searched]
    columns = _leaders(leaders, n_trials=len(search), settings=[[name] for name in settings])
    unbounded = console.options.update(max_width=1000)
    if Measurement.get(console, unbounded, columns).maximum <= console.width:
        return columns
    return _leaders(leaders, n_trials=len(search), settings=[settings])


def _leaders(leaders: pd.DataFrame, *, n_trials: int, settings: Sequence[Sequence[str]]) -> Table:
    """The leaderboard with one column for each group of settings; a group of several is written as words."""
    table = _table(f"Best {len(leaders)} of {plural(n_trials, 'trial')}")
    for name in ("trial", "validation", "train", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    for group in settings:
        alone = len(group) == 1
        table.add_column(heading(group[0]) if alone else "settings", justify="right" if alone else "left")
    for row in leaders.to_dict("records"):
        table.add_row(
            row["label"],
            percent(row["value"]),
            percent(row["train_accuracy"]),
            duration(row["seconds"]),
            *(_values(row, group) for group in settings),
        )
    return table


def _values(row: Mapping[Hashable, Any], group: Sequence[str]) -> str:
    if len(group) == 1:
        return value(row[group[0]])
    return ", ".join(f"{heading(name)} {value(row[name])}" for name in group if pd.notna(row[name]))


def named_models(results: StudyResults) -> RenderableType:
    """The baselines and the best sampled trial side by side, with the settings in which they differ."""
    trials = results.trials
    search = trials[(trials["part"] == "search") & (trials["state"] == "complete")]
    best = search.sort_values("value", ascending=False, kind="stable").head(1)
    models = pd.concat([trials[trials["part"] == BASELINES], best])
    table = _table("Named models and the best trial")
    table.add_column("")
    for row in models.to_dict("records"):
        named = row["part"] == BASELINES
        table.add_column(Text(row["label"] if named else f"trial {row['label']}"), justify="right")
    measured = {
        "validation": [percent(number) for number in models["value"]],
        "train": [percent(number) for number in models["train_accuracy"]],
        "state": list(models["state"]),
        "time": [duration(number) for number in models["seconds"]],
    }
    for name, cells in measured.items():
        table.add_row(name, *cells, style="bold" if name == "validation" else "")
    table.add_section()
    for name in varying(models, results.settings):
        table.add_row(heading(name), *(value(cell) for cell in models[name]))
    return table


def trial_details(results: StudyResults, *, trial: int) -> Group:
    """One trial, by its row in `results.trials`: its state, its settings, and its epochs."""
    row = results.trials.loc[[trial]].to_dict("records")[0]
    named = row["label"] if row["part"] == BASELINES else f"trial {row['label']}"
    what = Text.assemble((f"{results.name}, {named}: ", "bold"), (row["state"], _STATE_STYLES.get(row["state"], "")))
    for part in (row["reason"], row["message"]):
        if part:
            what.append(f"\n{part}")
    settings = _table("Settings")
    settings.add_column("setting")
    settings.add_column("value", justify="right")
    for name in results.settings:
        if name in row and pd.notna(row[name]):
            settings.add_row(heading(name), value(row[name]))
    return Group(what, Text(), settings, Text(), _epochs(results, int(row["trial_id"])))


def study_list(studies: pd.DataFrame) -> RenderableType:
    """All studies of a storage, one row each."""
    if studies.empty:
        return Text("No study yet. `hpstudy init` writes a starter study.")
    table = _table("")
    table.add_column("study", no_wrap=True)
    for name in ("complete", "pruned", "failed", "best", "state", "last run"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in studies.to_dict("records"):
        counts = (str(row[name]) for name in ("complete", "pruned", "failed"))
        last_run = "–" if pd.isna(row["last_run"]) else f"{_local(row['last_run']):%Y-%m-%d %H:%M}"
        table.add_row(row["study"], *counts, percent(row["best"]), row["state"], last_run)
    return table


def varying(trials: pd.DataFrame, settings: Sequence[str]) -> list[str]:
    """The settings that have more than one value among some trials; absent counts as a value."""
    return [name for name in settings if name in trials and trials[name].nunique(dropna=False) > 1]


def _table(title: str) -> Table:
    return Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=None,
        pad_edge=False,
    )


def _local(utc: pd.Timestamp) -> datetime:
    return utc.to_pydatetime().replace(tzinfo=UTC).astimezone()


def _epochs(results: StudyResults, trial_id: int) -> RenderableType:
    epochs = results.epochs[results.epochs["trial_id"] == trial_id]
    if epochs.empty:
        return Text("No epoch is stored.")
    table = _table("Epochs")
    for name in ("epoch", "learning rate", "train loss", "train", "validation loss", "validation", "time"):
        table.add_column(name, justify="right")
    for row in epochs.to_dict("records"):
        table.add_row(
            str(row["epoch"] + 1),
            value(row["learning_rate"]),
            f"{row['train_loss']:.4f}",
            percent(row["train_accuracy"]),
            f"{row['val_loss']:.4f}",
            percent(row["val_accuracy"]),
            duration(row["seconds"]),
        )
    return table
