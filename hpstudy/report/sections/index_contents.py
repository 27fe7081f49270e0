"""Everything that the page over several studies says, as frozen plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hpstudy.numbers import duration, listed, percent, percent_range, plural
from hpstudy.report.drawing.figure import Absent, Figure
from hpstudy.report.names import file_stem
from hpstudy.report.sections.across import Across, across
from hpstudy.report.sections.fairness import Check, data_headings, data_of, fairness
from hpstudy.report.sections.head import architectures
from hpstudy.report.sections.search_summary import trials_by_state
from hpstudy.report.sections.table import Cell, Column, Group, Row, Table, number, words
from hpstudy.report.views.figures import index_figures
from hpstudy.results.confirmed import Confirmed, ConfirmedConfiguration, confirmed, headline
from hpstudy.results.study import StudyResults


@dataclass(frozen=True)
class IndexContents:
    """The page over several studies.

    Attributes:
        verdict: One line: how many may be compared, and how.
        checks: The fairness check; empty where fewer than two studies are hpstudy's.
        foreign: A sentence that names the studies of plain Optuna, which are not compared; empty where there are none.
        matrix: Architecture × data set: confirmed accuracies.
        studies: The studies, each with its verdict and a link to its report.
        across: Findings over the studies.
        figures: Cost against accuracy; curves side by side.
    """

    verdict: str
    checks: tuple[Check, ...]
    foreign: str
    matrix: Table | Absent
    studies: Table
    across: Across
    figures: Mapping[str, Figure | Absent]


def build_index(studies: Sequence[StudyResults]) -> IndexContents:
    """The page over several studies, in their order."""
    ours = [study for study in studies if study.identity]
    foreign = [study.name for study in studies if not study.identity]
    checks = fairness(ours) if len(ours) > 1 else ()
    return IndexContents(
        verdict=_verdict(ours, checks),
        checks=checks,
        foreign=f"Made by plain Optuna and not compared: {listed(foreign)}." if foreign else "",
        matrix=_matrix(ours),
        studies=_study_table(studies),
        across=across(ours),
        figures=index_figures(list(ours)),
    )


def _verdict(ours: Sequence[StudyResults], checks: Sequence[Check]) -> str:
    found = [confirmed(study) for study in ours]
    n_confirmed = sum(one is not None and one.candidate.n_complete > 0 for one in found)
    text = f"{n_confirmed} of {len(ours)} studies {'is' if n_confirmed == 1 else 'are'} confirmed on the test set"
    if not checks:
        return f"{text}."
    differing = sum(not check.passed for check in checks)
    if not differing:
        return f"{text}, and they were made under equal conditions."
    return f"{text}; they differ in {differing} of {len(checks)} conditions, so compare with care."


def _matrix(studies: Sequence[StudyResults]) -> Table | Absent:
    """A row an architecture, a column a data set; each confirmed answer with its interval, a line a study."""
    title = "Confirmed test accuracy by architecture and data set"
    found = {study.name: confirmed(study) for study in studies}
    if not any(found.values()):
        return Absent("matrix", title, "No study is confirmed yet: `hpstudy confirm NAME` opens the test set.")
    data = data_headings(studies)
    names = list(dict.fromkeys(name for study in studies for name in architectures(study)))
    rows = []
    for name in names:
        cells = []
        for column in data:
            offering = [study for study in studies if data_of(study) == column and name in architectures(study)]
            cells.append(Cell(_entries(offering, name, found), mark="lines"))
        rows.append(Row((Cell(name), *cells)))
    columns = (Column("Architecture"), *(Column(heading) for heading in data.values()))
    note = (
        "Mean over fresh seeds with its 95 % interval. Of an architecture that is not a study's answer: the first of "
        "its confirmed configurations, as the search placed them."
    )
    return Table("matrix", title, columns, (Group(tuple(rows)),), note=note)


def _entries(studies: Sequence[StudyResults], architecture: str, found: Mapping[str, Confirmed | None]) -> str:
    """A line for each study that has confirmed an architecture, and one with those that have not; else an en dash."""
    lines, open_studies = [], []
    for study in studies:
        first = _first_with(study, architecture, found[study.name])
        if first is None or first.n_complete == 0:
            open_studies.append(study.name)
            continue
        interval = f" ({percent_range(*first.interval)})" if first.interval else ""
        lines.append(f"{percent(first.mean)}{interval}, {plural(first.n_complete, 'seed')} ({study.name})")
    if open_studies:
        lines.append(f"not confirmed: {', '.join(open_studies)}")
    return "\n".join(lines) or "–"


def _first_with(study: StudyResults, architecture: str, found: Confirmed | None) -> ConfirmedConfiguration | None:
    if found is None:
        return None  # and perhaps no trial either, so no column of architectures
    ranked = study.ranked
    placed = [found.candidate.label, *ranked.loc[ranked["architecture"] == architecture, "label"]]
    sampled = study.search.set_index("label")["architecture"]
    by_label = {one.label: one for one in found.configurations if sampled.get(one.label) == architecture}
    return next((by_label[label] for label in placed if label in by_label), None)


def _study_table(studies: Sequence[StudyResults]) -> Table:
    columns = (
        Column("Study"),
        Column("Answer"),
        Column("Trials"),
        Column("Epochs trained", numeric=True),
        Column("Training time", numeric=True),
        Column("State"),
    )
    rows = []
    for study in studies:
        seconds = float(study.epochs["seconds"].sum())
        rows.append(
            Row(
                (
                    Cell(study.name, link=f"{file_stem(study.name)}.html"),
                    *words(headline(study), trials_by_state(study)),
                    number(f"{len(study.epochs):,}", len(study.epochs)),
                    number(duration(seconds), seconds),
                    Cell(study.state),
                )
            )
        )
    return Table("studies", "The studies, each with its answer", columns, (Group(tuple(rows)),))
