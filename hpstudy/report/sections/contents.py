"""Everything that the report of one study says, as frozen plain data that the HTML page and its twin both write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hpstudy.artifacts import TestPredictions
from hpstudy.report.claims.finding import Findings
from hpstudy.report.claims.findings import findings
from hpstudy.report.claims.importance import importance
from hpstudy.report.drawing.figure import Absent, Figure
from hpstudy.report.names import file_stem
from hpstudy.report.sections.comparison import Comparison, comparison
from hpstudy.report.sections.failures import failures
from hpstudy.report.sections.head import Head, head
from hpstudy.report.sections.leaderboard import Leaderboard, leaderboard
from hpstudy.report.sections.mistakes import Mistakes, mistakes
from hpstudy.report.sections.model import BestModel, best_model
from hpstudy.report.sections.reproduction import Reproduction, reproduction
from hpstudy.report.sections.search_summary import search_facts, searched_settings_table
from hpstudy.report.sections.table import Table
from hpstudy.report.views.figures import build_figures
from hpstudy.results.confirmed import confirmed
from hpstudy.results.study import StudyResults

BASIS = {
    "controlled": "Confirmed on fresh seeds",
    "association": "Association: other settings varied too",
    "nothing": "No difference found",
    "note": "Observation",
}
"""What a finding rests on, by its kind."""


@dataclass(frozen=True)
class Contents:
    """The report of one study. A view that the study cannot give is an `Absent`, with the reason in one sentence.

    Attributes:
        head: Name, question, verdict and the facts beside them.
        findings: What was found, and what cannot be said.
        comparison: The named models and the best tuned settings side by side.
        leaderboard: The trials.
        search: Terms and what holds, of the search.
        space: The searched settings.
        model: The best model.
        mistakes: What it gets wrong.
        reproduction: How to repeat the study.
        failures: What went wrong.
        figures: Every figure by its key, in the report's order.
    """

    head: Head
    findings: Findings
    comparison: Comparison | Absent
    leaderboard: Leaderboard | Absent
    search: tuple[tuple[str, str], ...]
    space: Table | Absent
    model: BestModel
    mistakes: Mistakes
    reproduction: Reproduction
    failures: Table | Absent
    figures: Mapping[str, Figure | Absent]


def build_contents(results: StudyResults, *, predictions: TestPredictions | None) -> Contents:
    """All of a study's report.

    Args:
        results: The study, finished or not, hpstudy's or plain Optuna's.
        predictions: What its confirmed candidate predicted for the test set; None where there are none.
    """
    confirmation = confirmed(results)
    return Contents(
        head=head(results),
        findings=findings(results, predictions=predictions),
        comparison=comparison(results, confirmation),
        leaderboard=leaderboard(results, file_name=f"{file_stem(results.name)}.csv"),
        search=search_facts(results),
        space=searched_settings_table(results),
        model=best_model(results),
        mistakes=mistakes(predictions, confirmed=confirmation is not None),
        reproduction=reproduction(results),
        failures=failures(results),
        figures=build_figures(results, predictions=predictions, importance=importance(results)),
    )
