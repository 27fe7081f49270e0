"""The named models and the best tuned settings side by side: the table of an assignment."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from hpstudy.numbers import duration, p_value, percent, percent_range, plural, points, points_range
from hpstudy.report.figure import Absent
from hpstudy.report.score import setting_text, setting_title
from hpstudy.report.table import Cell, Column, Group, Row, Table, number
from hpstudy.results.confirmed import Confirmed, ConfirmedConfiguration, configuration_name
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
class _Model:
    """One column: its row of `trials`, what its confirmation found, and the gap measured there."""

    trial: pd.Series
    found: ConfirmedConfiguration | None
    train_test_gap: float


def comparison(results: StudyResults, confirmation: Confirmed | None) -> Comparison | Absent:
    """The confirmed configurations, candidate first, or else the best trial; then the baselines that remain.

    Args:
        results: The study.
        confirmation: `confirmed(results)`.
    """
    labels = [found.label for found in confirmation.configurations] if confirmation else []
    labels = labels or [str(label) for label in results.ranked["label"].head(1)]
    labels += [str(label) for label in results.baselines["label"] if label not in labels]
    if len(labels) < 2:
        return Absent("comparison", TITLE, _why_not(results))
    models = [_model(results, label, confirmation) for label in labels]
    groups = [Group(tuple(_confirmed_rows(models)), "On the test set, fresh seeds")] if confirmation else []
    groups.append(Group(tuple(_measured_rows(models)), "In the search" if confirmation else "Not confirmed"))
    differing, shared = _settings(results, models)
    if differing:
        groups.append(Group(differing, "Settings that differ"))
    columns = (Column(""), *(Column(configuration_name(results, label), numeric=True) for label in labels))
    caption = f"{plural(len(labels), 'model')} side by side{_caption_end(confirmation)}"
    note = _note(confirmation)
    return Comparison(Table("comparison", caption, columns, tuple(groups), note=note), shared)


def verdict(found: ConfirmedConfiguration) -> str:
    """What may be said of a configuration against the candidate, in two words."""
    if found.difference is None:
        return "no common seed"
    if not found.difference.distinguishable:
        return "too few seeds" if math.isnan(found.difference.adjusted_p) else "not distinguishable"
    return "higher" if found.difference.test.mean > 0 else "lower"


def _why_not(results: StudyResults) -> str:
    if not results.identity:
        return "A study that plain Optuna made names no models."
    if results.baselines.empty:
        return "The study file names no baselines to compare with."
    return "No sampled trial is complete yet."


def _model(results: StudyResults, label: str, confirmation: Confirmed | None) -> _Model:
    trial = results.trials[results.trials["label"] == label].iloc[0]
    found = next((one for one in confirmation.configurations if one.label == label), None) if confirmation else None
    rows = results.confirmations[results.confirmations["configuration"] == label]
    gaps = (rows["train_accuracy"] - rows["test_accuracy"]).dropna()
    return _Model(trial, found, float(gaps.mean()) if len(gaps) else math.nan)


def _confirmed_rows(models: list[_Model]) -> list[Row]:
    described: list[tuple[str, Callable[[_Model, ConfirmedConfiguration], Cell]]] = [
        ("Test accuracy, mean", lambda _, found: number(percent(found.mean), found.mean, mark="strong")),
        ("95 % interval", lambda _, found: Cell(percent_range(*found.interval) if found.interval else "–")),
        ("Seeds", lambda _, found: Cell(_seeds(found))),
        ("Difference to the candidate, points", lambda _, found: _difference(found, models)),
        ("its 95 % interval", lambda _, found: Cell(_interval(found))),
        ("for all comparisons at once", lambda _, found: Cell(_adjusted_interval(found))),
        ("p, adjusted (Holm)", lambda _, found: Cell(_adjusted_p(found))),
        ("Verdict", lambda _, found: _verdict_cell(found, models)),
        ("Train–test gap, points", lambda model, _: Cell(_points(model.train_test_gap))),
    ]
    return [
        Row((Cell(title), *(cell(model, model.found) if model.found else Cell("–") for model in models)))
        for title, cell in described
    ]


def _points(difference: float) -> str:
    """As in prose, without the unit, which the row's title has."""
    return points(difference).removesuffix(_UNIT)


def _is_candidate(found: ConfirmedConfiguration, models: list[_Model]) -> bool:
    return found is models[0].found


def _seeds(found: ConfirmedConfiguration) -> str:
    lost = {"diverged": found.n_diverged, "failed": found.n_failed, "unfinished": found.n_unfinished}
    said = "".join(f", {count} {what}" for what, count in lost.items() if count)
    return f"{found.n_complete} of {found.n_seeds}{said}" if said else str(found.n_complete)


def _difference(found: ConfirmedConfiguration, models: list[_Model]) -> Cell:
    if _is_candidate(found, models) or found.difference is None:
        return Cell("–")
    return number(_points(found.difference.test.mean), found.difference.test.mean)


def _interval(found: ConfirmedConfiguration) -> str:
    if found.difference is None or found.difference.interval is None:
        return "–"
    return points_range(*found.difference.interval).removesuffix(_UNIT)


def _adjusted_interval(found: ConfirmedConfiguration) -> str:
    if found.difference is None or found.difference.adjusted_interval is None:
        return "–"
    return points_range(*found.difference.adjusted_interval).removesuffix(_UNIT)


def _adjusted_p(found: ConfirmedConfiguration) -> str:
    return p_value(found.difference.adjusted_p).removeprefix("p ").removeprefix("= ") if found.difference else "–"


def _verdict_cell(found: ConfirmedConfiguration, models: list[_Model]) -> Cell:
    return Cell("candidate", mark="strong") if _is_candidate(found, models) else Cell(verdict(found))


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
        texts = [setting_text(model.trial[name]) for model in models]
        if len(set(texts)) > 1:
            differing.append(Row((Cell(setting_title(name)), *map(Cell, texts))))
        elif texts[0] != "–":
            shared.append((setting_title(name), texts[0]))
    return tuple(differing), tuple(shared)


def _caption_end(confirmation: Confirmed | None) -> str:
    if confirmation is None:
        return ", by validation accuracy alone"
    return f", the candidate first: {confirmation.candidate.n_seeds} fresh seeds each, the same for all"


def _note(confirmation: Confirmed | None) -> str:
    if confirmation is None:
        return "Validation accuracies chose the best of many trials and so favour it. Confirm before you compare."
    n = len(confirmation.others)
    return (
        "Differences are this model less the candidate, paired by seed. The verdict and the second interval hold for "
        f"all {plural(n, 'comparison')} at once (Holm): where zero lies inside, the two are not distinguishable."
        if n > 1
        else "The difference is this model less the candidate, paired by seed."
    )
