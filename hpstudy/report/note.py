"""The note that a study shows in optuna-dashboard: the answer, how sure it is, and where the rest is."""

from __future__ import annotations

import shlex

from hpstudy.report.plain_text import code, escaped
from hpstudy.results.confirmed import headline
from hpstudy.results.confirmed_table import CAPTION, COLUMNS, confirmed_rows
from hpstudy.results.study import StudyResults


def study_note(results: StudyResults) -> str:
    """The note as Markdown; without a confirmation it has no table, and its verdict says so."""
    parts = [f"**{escaped(headline(results))}**"]
    if rows := confirmed_rows(results):
        table = [COLUMNS, ("---",) * len(COLUMNS), *(tuple(map(escaped, row.cells)) for row in rows)]
        parts += ["\n".join(f"| {' | '.join(cells)} |" for cells in table), CAPTION]
    parts.append(f"The full report: {code(shlex.join(['hpstudy', 'report', results.name]))}")
    return "\n\n".join(parts) + "\n"
