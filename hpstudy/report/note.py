"""What a study shows in optuna-dashboard: the answer, how sure it is, where the rest is, and two pictures."""

from __future__ import annotations

import shlex
from contextlib import suppress

from hpstudy.artifacts import TestPredictions
from hpstudy.plain_text import code_span, escaped
from hpstudy.report.drawing.figure import Picture
from hpstudy.report.views.confusion import confusion_view
from hpstudy.report.views.pictures import predictions_view
from hpstudy.report.views.view import NoView
from hpstudy.results.confirmed import headline
from hpstudy.results.confirmed_table import COLUMNS, caption, confirmed_rows
from hpstudy.results.study import StudyResults


def study_note(results: StudyResults) -> str:
    """The note as Markdown, in which the strings of users are escaped.

    Without a confirmation it has no table, and its verdict says so.
    """
    parts = [f"**{escaped(headline(results))}**"]
    if rows := confirmed_rows(results):
        table = [COLUMNS, ("---",) * len(COLUMNS), *(tuple(map(escaped, row.cells)) for row in rows)]
        parts += ["\n".join(f"| {' | '.join(cells)} |" for cells in table), escaped(caption(results))]
    parts.append(f"The full report: {code_span(shlex.join(['hpstudy', 'report', results.name]))}")
    return "\n\n".join(parts) + "\n"


def note_pictures(predictions: TestPredictions | None) -> dict[str, Picture]:
    """The pictures beside the note, by name: which classes are confused, and some of the test set.

    Args:
        predictions: Of the confirmed candidate; None gives no picture.
    """
    # A note is also written where matplotlib cannot be imported.
    from hpstudy.report.drawing.pictures import draw_picture  # noqa: PLC0415

    pictures = {}
    for name, view in (("confusion", confusion_view), ("predictions", predictions_view)):
        with suppress(NoView):
            seen = view(predictions)
            pictures[name] = draw_picture(seen.chart, title=seen.title)
    return pictures
