"""What went wrong in a study: failed and diverged trainings by reason."""

from __future__ import annotations

import pandas as pd

from hpstudy.numbers import plural
from hpstudy.redaction import without_passwords
from hpstudy.report.drawing.figure import Absent
from hpstudy.report.sections.table import Cell, Column, Group, Row, Table, number
from hpstudy.results.study import StudyResults, diverged

SHOWN = 30
"""Reasons listed; a study that fails in more ways than that is told by its first ones."""

_NAMED = 12
"""Trials listed for one reason."""

_WORDS = {"error": "error", "out_of_memory": "out of memory"}


def failures(results: StudyResults) -> Table | Absent:
    """Failed and diverged trials, baselines and confirmations by reason and message, the most frequent first."""
    confirmations = results.confirmations
    named = confirmations["configuration"].astype(str) + ", seed " + confirmations["seed"].astype(str)
    every = pd.concat([results.trials, confirmations.assign(label=named)])
    wrong = every[(every["state"] == "failed") | diverged(every)]
    if wrong.empty:
        return Absent("failures", "Failures", "No training failed or diverged.")
    why = wrong["reason"].where(~diverged(wrong), "diverged: the loss was not finite")
    groups = [
        (str(why), str(message), rows)
        for (why, message), rows in wrong.assign(why=why).groupby(["why", "message"], sort=False)
    ]
    groups.sort(key=lambda group: -len(group[2]))
    rows = tuple(
        Row((Cell(_reason(why)), number(f"{len(rows)}", len(rows)), Cell(_labels(rows)), Cell(_message(message))))
        for why, message, rows in groups[:SHOWN]
    )
    note = f"{plural(len(groups) - SHOWN, 'further reason')} had fewer." if len(groups) > SHOWN else ""
    columns = (Column("Reason"), Column("Trainings", numeric=True), Column("Which"), Column("Message"))
    caption = f"{plural(len(wrong), 'training')} failed or diverged"
    return Table("failures", caption, columns, (Group(rows),), note=note)


def _reason(reason: str) -> str:
    return without_passwords(_WORDS.get(reason, reason) or "no reason is recorded")


def _message(message: str) -> str:
    return without_passwords(message) or "–"


def _labels(rows: pd.DataFrame) -> str:
    labels = rows["label"].tolist()
    more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    return ", ".join(labels[:_NAMED]) + more
