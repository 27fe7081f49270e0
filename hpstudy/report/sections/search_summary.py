"""How a study was searched: what it cost, what pruning saved, and from which values settings were drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from hpstudy.numbers import duration, heading, plural, value
from hpstudy.report.drawing.figure import Absent
from hpstudy.report.sections.table import Cell, Column, Group, Row, Table
from hpstudy.report.sections.titles import setting_title
from hpstudy.results.exhaustion import is_exhausted, repeats_text
from hpstudy.results.saved import saved
from hpstudy.results.study import StudyResults, diverged, out_of_time, searching_runs
from hpstudy.spec.load import written_trials
from hpstudy.spec.study import Choices, Domain, Range

FEW = 5
"""How many of the best trials tell where good values lie."""


def search_facts(results: StudyResults) -> tuple[tuple[str, str], ...]:
    """Sampler, pruner, trials by state, cost and savings, each as a term and what holds."""
    search, identity = results.search, results.identity
    facts = [("Trials", trials_by_state(results))]
    if identity:
        facts += [
            ("Sampler", _component(identity.get("sampler", {}))),
            ("Pruner", _component(identity.get("pruner", {}))),
            ("Validation part", f"{100 * identity['validation']:g} % of the training set, the same for every trial"),
            (
                "Trained",
                f"{plural(int(search['epochs'].sum()), 'epoch')} in {duration(float(search['seconds'].sum()))}",
            ),
            ("Saved by pruning", saved_by_pruning(search)),
        ]
        if repeated := repeats_text(results):
            facts.append(("Repeats", repeated))
        if n_diverged := int(diverged(search).sum()):
            facts.append(("Diverged", f"{plural(n_diverged, 'trial')}: the loss was not finite"))
        if late := int(out_of_time(search).sum()):
            facts.append(("Out of time", f"{plural(late, 'trial')}: stopped at `max_seconds`, not for being weak"))
    return tuple(facts)


def trials_by_state(results: StudyResults) -> str:
    """`50 sampled: 31 complete, 18 pruned, 1 failed`."""
    states = results.search["state"].value_counts()
    text = ", ".join(f"{count:,} {state}" for state, count in states.items())
    return f"{len(results.search):,} sampled" + (f": {text}" if text else "")


def saved_by_pruning(search: pd.DataFrame) -> str:
    """`438 of 700 epochs, in 39 trials stopped early`."""
    early = saved(search)
    if not early.n_trials:
        return "nothing: no trial was stopped early"
    return f"{early.epochs:,} of {early.planned:,} epochs, in {plural(early.n_trials, 'trial')} stopped early"


def planned_trials(results: StudyResults) -> int | None:
    """How many trials the last search was to reach: by its command line, else by its study file; None if neither says.

    A confirmation has the study file too, but not the number of trials that the search before it was told. A grid that
    is exhausted was to reach no more than it has.
    """
    if is_exhausted(results):
        return len(results.search)
    for run in reversed(searching_runs(results.runs).to_dict("records")):
        given = re.search(r"--trials[ =](\d+)", str(run["command"]))
        if target := int(given[1]) if given else written_trials(str(run["study_file"])):
            return target
    return None


def searched_settings_table(results: StudyResults) -> Table | Absent:
    """Each searched setting: what it was drawn from, its value in the best trial, and those in the best few."""
    title = "What was searched"
    if not results.domains:
        return Absent("search-space", title, "No setting was searched.")
    leaders = results.ranked.head(FEW)
    columns = [Column("Setting"), Column("Drawn from")]
    if not leaders.empty:
        columns += [Column(f"In trial {leaders['label'].iloc[0]}, the best"), Column(f"In the best {len(leaders)}")]
    rows = []
    for name, domain in results.domains.items():
        cells = [Cell(setting_title(name)), Cell(domain_text(domain))]
        if not leaders.empty:
            found = leaders[name] if name in leaders else pd.Series(dtype=float)
            cells += [Cell(value(found.iloc[0]) if len(found) else "–"), Cell(_spread(found.dropna()))]
        rows.append(Row(tuple(cells)))
    return Table("search-space", f"{title}, and where the best trials lie", tuple(columns), (Group(tuple(rows)),))


def domain_text(domain: Domain) -> str:
    """`0.0001 to 0.1, logarithmic`, or the choices."""
    if isinstance(domain, Range):
        step = f", step {value(domain.step)}" if domain.step is not None else ""
        return f"{value(domain.low)} to {value(domain.high)}{', logarithmic' if domain.log else ''}{step}"
    values = domain.values if isinstance(domain, Choices) else (domain.value,)
    return ", ".join(map(value, values))


def _spread(values: pd.Series[Any]) -> str:
    if values.empty:
        return "–"
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        low, high = value(values.min()), value(values.max())
        return low if low == high else f"{low} to {high}"
    counts = values.map(value).value_counts()
    return ", ".join(f"{choice} ({count})" for choice, count in counts.items())


def _component(described: Mapping[str, Any]) -> str:
    options = ", ".join(f"{heading(key)} {value(option)}" for key, option in described.items() if key != "name")
    return f"{described.get('name', '–')}{f' ({options})' if options else ''}"
