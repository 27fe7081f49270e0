"""The named models and the best tuned settings side by side: the table of an assignment."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from hpstudy.numbers import duration, p_value, percent, plural, points, points_range, values
from hpstudy.report.drawing.figure import Absent
from hpstudy.report.sections.table import Cell, Column, Group, Row, Table, number
from hpstudy.report.sections.titles import setting_title
from hpstudy.results.confirmed import Confirmed, ConfirmedConfiguration, full_name
from hpstudy.results.confirmed_table import ConfirmedRow, confirmed_rows, former
from hpstudy.results.study import StudyResults

TITLE = "Comparison of the named models"
_UNIT = " points"


@dataclass(frozen=True)
class Comparison:
    """Models side by side.

    Attributes:
        table: A column a model: what was measured, then the settings in which they differ.
        shared: The settings that all have in common, each with its value.
    """

    table: Table
    shared: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Confirmed:
    """What the confirmation found of a model: in numbers, and in the words that the terminal prints too."""

    found: ConfirmedConfiguration
    told: ConfirmedRow


@dataclass(frozen=True)
class _Model:
    """One column: its row of `trials`, its confirmation if it has one, and the gap measured there."""

    trial: pd.Series
    confirmed: _Confirmed | None
    train_test_gap: float


def comparison(results: StudyResults, confirmation: Confirmed | None) -> Comparison | Absent:
    """The confirmed configurations, candidate first, or else the best trial; then the baselines that remain.

    Args:
        results: The study.
        confirmation: `confirmed(results)`.
    """
    labels = [found.label for found in confirmation.configurations] if confirmation else []
    labels = labels or [str(label) for label in results.ranked["label"].head(1)]
    shown = {other for label in labels for other in results.equal.get(label, (label,))}
    labels += [str(label) for label in results.baselines["label"] if label not in shown]
    if len(labels) < 2:
        return Absent("comparison", TITLE, _why_not(results))
    told = zip(confirmation.configurations if confirmation else (), confirmed_rows(results), strict=True)
    by_label = {found.label: _Confirmed(found, row) for found, row in told}
    models = [_model(results, label, by_label.get(label)) for label in labels]
    groups = [Group(tuple(_confirmed_rows(models)), "On the test set, fresh seeds")] if confirmation else []
    groups.append(Group(tuple(_measured_rows(models)), "On the validation part" if confirmation else "Not confirmed"))
    differing, shared = _settings(results, models)
    if differing:
        groups.append(Group(differing, "Settings that differ"))
    columns = (Column(""), *(Column(full_name(results, label), numeric=True) for label in labels))
    caption = f"{plural(len(labels), 'model')} side by side{_caption_end(confirmation)}"
    note = _note(confirmation) + former(results)
    return Comparison(Table("comparison", caption, columns, tuple(groups), note=note), shared)


def _why_not(results: StudyResults) -> str:
    if not results.identity:
        return "A study that plain Optuna made names no models."
    if results.baselines.empty:
        return "The study file names no baselines to compare with."
    return "No sampled trial is complete yet."


def _model(results: StudyResults, label: str, confirmation: _Confirmed | None) -> _Model:
    trial = results.trials[results.trials["label"] == label].iloc[0]
    rows = results.confirmations[results.confirmations["configuration"] == label]
    gaps = (rows["train_accuracy"] - rows["test_accuracy"]).dropna()
    return _Model(trial, confirmation, float(gaps.mean()) if len(gaps) else math.nan)


def _confirmed_rows(models: list[_Model]) -> list[Row]:
    described: list[tuple[str, Callable[[_Confirmed], Cell]]] = [
        ("Test accuracy, mean", lambda one: number(one.told.accuracy, one.found.mean, mark="strong")),
        ("95 % interval", lambda one: Cell(one.told.interval)),
        ("Seeds", lambda one: Cell(one.told.seeds)),
        ("Difference to the candidate, points", lambda one: Cell(one.told.difference.removesuffix(_UNIT))),
        ("its 95 % interval", lambda one: Cell(_interval(one.found))),
        ("for all comparisons at once", lambda one: Cell(one.told.difference_interval.removesuffix(_UNIT))),
        ("p, adjusted (Holm)", lambda one: Cell(_adjusted_p(one.found))),
        ("Verdict", lambda one: Cell(one.told.verdict, mark="strong" if one.told.verdict == "candidate" else "")),
    ]
    rows = [
        Row((Cell(title), *(cell(model.confirmed) if model.confirmed else Cell("–") for model in models)))
        for title, cell in described
    ]
    gaps = (Cell(_points(model.train_test_gap)) for model in models)
    return [*rows, Row((Cell("Train–test gap, points"), *gaps))]


def _points(difference: float) -> str:
    """As in prose, without the unit, which the row's title has."""
    return points(difference).removesuffix(_UNIT)


def _interval(found: ConfirmedConfiguration) -> str:
    if found.difference is None or found.difference.interval is None:
        return "–"
    return points_range(*found.difference.interval).removesuffix(_UNIT)


def _adjusted_p(found: ConfirmedConfiguration) -> str:
    return p_value(found.difference.adjusted_p).removeprefix("p ").removeprefix("= ") if found.difference else "–"


def _measured_rows(models: list[_Model]) -> list[Row]:
    described: list[tuple[str, Callable[[pd.Series], Cell]]] = [
        ("Validation accuracy", lambda trial: number(percent(trial["value"]), trial["value"])),
        ("Train accuracy", lambda trial: number(percent(trial["train_accuracy"]), trial["train_accuracy"])),
        ("Train–validation gap, points", lambda trial: Cell(_points(trial["train_accuracy"] - trial["value"]))),
        ("State", lambda trial: Cell(trial["state"])),
        ("Epochs", lambda trial: number(str(trial["epochs"]), trial["epochs"])),
        ("Training time", lambda trial: number(duration(trial["seconds"]), trial["seconds"])),
        ("Parameters", lambda trial: number(_count(trial["n_parameters"]), trial["n_parameters"])),
    ]
    rows = [Row((Cell(title), *(cell(model.trial) for model in models))) for title, cell in described]
    told_by_all = ("State", "Parameters")  # worth a row only where they say something
    return [row for row in rows if row.cells[0].text not in told_by_all or _tells(row)]


def _tells(row: Row) -> bool:
    return bool({cell.text for cell in row.cells[1:]} - {"complete", "–"})


def _count(count: float) -> str:
    return "–" if math.isnan(count) else f"{count:,.0f}"


def _settings(results: StudyResults, models: list[_Model]) -> tuple[tuple[Row, ...], tuple[tuple[str, str], ...]]:
    """A row for each setting in which the models differ, and the settings that they share."""
    differing, shared = [], []
    for name in results.settings:
        texts = values([model.trial[name] for model in models])
        if len(set(texts)) > 1:
            differing.append(Row((Cell(setting_title(name)), *map(Cell, texts))))
        elif texts[0] != "–":
            shared.append((setting_title(name), texts[0]))
    return tuple(differing), tuple(shared)


def _caption_end(confirmation: Confirmed | None) -> str:
    if confirmation is None:
        return ", by validation accuracy alone"
    return ", the candidate first, on the same fresh seeds"


def _note(confirmation: Confirmed | None) -> str:
    if confirmation is None:
        return "Validation accuracies chose the best of many trials and so favour it. Confirm before you compare."
    n = confirmation.n_compared
    return (
        "Differences are this model less the candidate, paired by seed. The verdict and the second interval hold for "
        f"all {plural(n, 'comparison')} at once (Holm), those of a single changed setting included: where zero lies "
        "inside, the two are not distinguishable."
        if n > 1
        else "The difference is this model less the candidate, paired by seed."
    )
