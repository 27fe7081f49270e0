"""The Markdown twin of a report: a README with its pictures beside it, in the order of a good assignment."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from hpstudy.artifacts import TestPredictions, written_whole
from hpstudy.plain_text import escaped
from hpstudy.report.drawing.figure import Absent
from hpstudy.report.markdown_text import bullets, code_block, facts, picture, reason, table_or_reason
from hpstudy.report.names import anchor, file_stem
from hpstudy.report.sections.contents import BASIS, Contents, build_contents
from hpstudy.report.sections.places import OTHERS, Places, Section, figure_numbers, placed
from hpstudy.results.study import StudyResults

README = "README.md"

LEADERS = 10
"""Trials of the leaderboard that are listed."""

_PLACES: Places = {
    "comparison": ("confirmed",),
    "curves": ("learning-curves", "all-curves", "best-so-far", "timeline", "pruning"),
    "settings": ("importance", "slice-"),
    OTHERS: ("contour", "parallel"),
    "mistakes": ("confusion", "predictions"),
    "model": ("network",),
}


@dataclass(frozen=True)
class WrittenMarkdown:
    """A report that was written.

    Attributes:
        readme: `OUTPUT/NAME/README.md`.
        undrawn: The characters for which its pictures show boxes, since no font of the machine has them.
    """

    readme: Path
    undrawn: frozenset[str]


def write_markdown(results: StudyResults, *, output: Path, predictions: TestPredictions | None) -> WrittenMarkdown:
    """Writes a study's report as Markdown with its pictures; equal results give equal bytes on one machine.

    All files are written whole before the first one takes its name, so that a full disk leaves an old report intact.

    Args:
        results: The study.
        output: The folder under which its own is made.
        predictions: What the confirmed candidate predicted for the test set; None where there are none.

    Raises:
        ArtifactError: The disk is full, or the folder cannot be written to.
    """
    folder = output / file_stem(results.name)
    contents = build_contents(results, predictions=predictions)
    sections = placed(contents.figures, _PLACES)
    drawn = [figure for section in sections.values() for _, figure in section.figures]
    pictures = {_file(figure.key): figure.picture() for figure in drawn}
    files = {name: picture.png for name, picture in pictures.items()}
    files[README] = document(contents, sections).encode("utf-8", "replace")
    with ExitStack() as stack:
        for name, content in reversed(files.items()):  # the last to enter is the first to take its name
            file = stack.enter_context(written_whole(folder / name))
            file.write(content)
            file.flush()
    undrawn = frozenset[str]().union(*(picture.undrawn for picture in pictures.values()))
    return WrittenMarkdown(folder / README, undrawn)


def document(contents: Contents, sections: Mapping[str, Section]) -> str:
    """The report as one Markdown text.

    Args:
        contents: What it says.
        sections: Its figures by section.
    """
    head = contents.head
    blocks = [f"# {escaped(head.name)}", escaped(head.question), f"**{escaped(head.damage)}**" if head.damage else ""]
    blocks += [f"**{escaped(head.verdict)}**", facts(head.facts)]
    blocks += ["## Findings", *_findings(contents, figure_numbers(sections))]
    blocks += ["## Comparison", *_comparison(contents), *_figures(sections["comparison"])]
    blocks += _leaders(contents)
    blocks += ["## Curves", facts(contents.search), *_figures(sections["curves"])]
    blocks += ["## Settings", table_or_reason(contents.space)]
    blocks += [*_figures(sections["settings"]), *_figures(sections[OTHERS])]
    blocks += ["## Mistakes", *_mistakes(contents), *_figures(sections["mistakes"])]
    blocks += ["## Model", *_model(contents), *_figures(sections["model"])]
    blocks += ["## How to repeat", *_reproduction(contents)]
    blocks += ["## Limits of these results", *_limits(contents)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _file(key: str) -> str:
    return f"{anchor(key)}.png"


def _findings(contents: Contents, numbers: Mapping[str, int]) -> list[str]:
    said = contents.findings.said
    if not said:
        return ["Nothing can be said yet."]
    lines = []
    for place, finding in enumerate(said, start=1):
        shown = f"; figure {numbers[finding.figure]}" if finding.figure in numbers else ""
        lines.append(f"{place}. {escaped(finding.text)} *({BASIS[finding.kind]}{shown})*")
    return ["\n".join(lines)]


def _comparison(contents: Contents) -> list[str]:
    compared = contents.comparison
    if isinstance(compared, Absent):
        return [reason(compared.title, compared.reason)]
    shared = ", ".join(f"{name} {value}" for name, value in compared.shared)
    return [table_or_reason(compared.table), f"The same for all: {escaped(shared)}." if shared else ""]


def _leaders(contents: Contents) -> list[str]:
    board = contents.leaderboard
    blocks = ["## Leaderboard"]
    if isinstance(board, Absent):
        return [*blocks, reason(board.title, board.reason)]
    more = f"The first {LEADERS} of {board.n_trials:,}." if board.n_trials > LEADERS else ""
    return [*blocks, table_or_reason(board.table, rows=LEADERS), more]


def _figures(section: Section) -> list[str]:
    drawn = [
        picture(number, title=figure.title, alt=figure.alt, caption=figure.caption, file=_file(figure.key))
        for number, figure in section.figures
    ]
    return [*drawn, *(reason(title, why) for title, why in section.missing)]


def _mistakes(contents: Contents) -> list[str]:
    found = contents.mistakes
    return [table_or_reason(found.classes), bullets(map(escaped, found.pairs)), escaped(found.balance)]


def _model(contents: Contents) -> list[str]:
    model = contents.model
    told = facts(model.facts) if model.facts else "No trial is complete yet, so there is no best model."
    return [told, table_or_reason(model.layers)]


def _reproduction(contents: Contents) -> list[str]:
    told = contents.reproduction
    blocks = [code_block("\n".join(told.commands), language="sh")] if told.commands else []
    if told.unfinished:
        blocks.append(escaped(told.unfinished))
    if told.study_file:
        blocks += ["The study file:", code_block(told.study_file, language="yaml")]
    blocks += [
        facts(told.facts),
        escaped(told.differences),
        table_or_reason(told.checksums),
        table_or_reason(told.runs),
    ]
    for name, source in told.sources:
        blocks += [f"Source of {escaped(name)}:", code_block(source, language="python")]
    return blocks


def _limits(contents: Contents) -> list[str]:
    return [bullets(map(escaped, contents.findings.cannot_say)), table_or_reason(contents.failures)]
