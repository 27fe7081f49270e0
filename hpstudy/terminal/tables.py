"""Tables of a stored study: leaderboard, named models, one trial."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from hpstudy.numbers import duration, headings, percent, plural, value
from hpstudy.results.study import StudyResults, title_of
from hpstudy.terminal.layout import add_numbers, add_words, plain_table

_STATE_STYLES = {
    "complete": "green",
    "pruned": "yellow",
    "failed": "red",
    "interrupted": "magenta",
    "running": "cyan",
}

LEADERS = 10


def leaderboard(results: StudyResults, *, console: Console, n: int = LEADERS) -> RenderableType:
    """The best sampled trials by what the study optimises, with the settings that vary."""
    leaders = results.ranked.head(n)
    if leaders.empty:
        return Text("No trial is complete yet.")
    settings = [name for name in results.settings if name in results.searched]
    columns = _leaders(results, leaders, settings=[[name] for name in settings])
    unbounded = console.options.update(max_width=1000)
    if Measurement.get(console, unbounded, columns).maximum <= console.width:
        return columns
    return _leaders(results, leaders, settings=[settings])


def _leaders(results: StudyResults, leaders: pd.DataFrame, *, settings: Sequence[Sequence[str]]) -> Table:
    """The leaderboard with one column for each group of settings; a group of several is written as words."""
    score = _scores(results)
    table = plain_table(f"Best {len(leaders)} of {plural(len(results.search), 'trial')}")
    add_numbers(table, "trial", *score, "time")
    names = headings([name for group in settings for name in group])
    for group in settings:
        alone = len(group) == 1
        table.add_column(
            names[group[0]] if alone else "settings", justify="right" if alone else "left", overflow="fold"
        )
    for row in leaders.to_dict("records"):
        measured = (printed(row[column]) for column, printed in score.values())
        table.add_row(
            row["label"], *measured, duration(row["seconds"]), *(_values(row, group, names) for group in settings)
        )
    return table


def _scores(results: StudyResults) -> dict[str, tuple[str, Callable[[float], str]]]:
    """What a trial reached: heading to column and wording. A study of plain Optuna has a value, be it what it may."""
    if not results.identity:
        return {results.objective: ("value", value)}
    return {"validation": ("value", percent), "train": ("train_accuracy", percent)}


def _values(row: Mapping[Hashable, Any], group: Sequence[str], names: Mapping[str, str]) -> str:
    if len(group) == 1:
        return value(row[group[0]])
    return ", ".join(f"{names[name]} {value(row[name])}" for name in group if pd.notna(row[name]))


def named_models(results: StudyResults) -> RenderableType:
    """The baselines and the best sampled trial side by side, with the settings in which they differ."""
    models = pd.concat([results.baselines, results.ranked.head(1)])
    table = plain_table("Named models and the best trial")
    table.add_column("", min_width=len("validation"), overflow="fold")
    for row in models.to_dict("records"):
        table.add_column(title_of(row), justify="right", overflow="fold")
    measured = {
        "validation": [percent(number) for number in models["value"]],
        "train": [percent(number) for number in models["train_accuracy"]],
        "state": list(models["state"]),
        "time": [duration(number) for number in models["seconds"]],
    }
    for name, cells in measured.items():
        table.add_row(name, *cells, style="bold" if name == "validation" else "")
    table.add_section()
    for name, title in headings(varying(models, results.settings)).items():
        table.add_row(title, *(value(cell) for cell in models[name]))
    return table


def trial_details(results: StudyResults, *, trial: int) -> Group:
    """One trial, by its row in `results.trials`: its state, its settings, and its epochs."""
    row = results.trials.loc[[trial]].to_dict("records")[0]
    what = Text.assemble(
        (f"{results.name}, {title_of(row)}: ", "bold"), (row["state"], _STATE_STYLES.get(row["state"], ""))
    )
    for part in (row["reason"], row["message"]):
        if part:
            what.append(f"\n{part}")
    settings = plain_table("Settings")
    add_words(settings, "setting")
    settings.add_column("value", justify="right", overflow="fold")
    for name, title in headings([name for name in results.settings if name in row and pd.notna(row[name])]).items():
        settings.add_row(title, value(row[name]))
    if results.identity:
        return Group(what, Text(), settings, Text(), _epochs(results, int(row["trial_id"])))
    what.append(f"\n{results.objective} {value(row['value'])}, after {duration(row['seconds'])}")
    return Group(what, Text(), settings)


def varying(trials: pd.DataFrame, settings: Sequence[str]) -> list[str]:
    """The settings that have more than one value among some trials; absent counts as a value."""
    return [name for name in settings if name in trials and trials[name].nunique(dropna=False) > 1]


def _epochs(results: StudyResults, trial_id: int) -> RenderableType:
    epochs = results.epochs[results.epochs["trial_id"] == trial_id]
    if epochs.empty:
        return Text("No epoch is stored.")
    table = plain_table("Epochs")
    for name in ("epoch", "learning rate", "train loss", "train", "validation loss", "validation", "time"):
        table.add_column(name, justify="right", overflow="fold")
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
