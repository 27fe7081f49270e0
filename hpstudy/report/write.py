"""Reports of the studies of a storage, written to a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hpstudy.database import read_storage
from hpstudy.errors import InputError
from hpstudy.report.markdown import write_markdown
from hpstudy.report.page import write_index, write_report
from hpstudy.results.confirmed import headline
from hpstudy.results.digests import damage_text
from hpstudy.results.listing import DAMAGED, list_studies
from hpstudy.results.load import load_results
from hpstudy.results.predictions import candidate_predictions
from hpstudy.results.soundness import check_pages
from hpstudy.results.study import StudyResults


@dataclass(frozen=True)
class Written:
    """What was written of one study.

    Attributes:
        study: Its name; empty for the page over several.
        verdict: Its answer in a line, or why there is no report of it.
        paths: The files that a reader opens.
        undrawn: The characters for which its pictures show boxes, since no font of the machine has them.
        damaged: Whether what is stored of it is not what was written.
    """

    study: str
    verdict: str
    paths: tuple[Path, ...]
    undrawn: frozenset[str] = frozenset()
    damaged: bool = False


def write_reports(
    url: str, *, names: Sequence[str], output: Path, artifacts: Path, with_markdown: bool
) -> list[Written]:
    """Writes the HTML report of each study and, where there are several, the page over them.

    Args:
        url: The storage.
        names: The studies, also such that plain Optuna made; none means all in the storage that can be read.
        output: The folder for the reports.
        artifacts: The folder with the studies' predictions.
        with_markdown: Whether each study's Markdown twin is written too.

    Returns:
        One a study, in the order of the names; last the page over several, where there are several.

    Raises:
        InputError: The storage has no study of a given name, or none at all.
        DamagedStudyError: A study that is named is damaged. Where none is named, the others are written.
        StorageError: The storage cannot be read, or its pages are damaged.
        ArtifactError: A report cannot be written, or predictions are damaged.
    """
    read_storage(url, lambda connection: check_pages(connection, url))
    # All are read before any is written: an unknown name must not leave half of the reports.
    studies, unread = _named_studies(url, names) if names else _every_study(url)
    written = [_write(study, output=output, artifacts=artifacts, with_markdown=with_markdown) for study in studies]
    if len(studies) > 1:
        index = write_index(studies, output=output)
        written.append(Written("", f"{len(studies)} studies compared", (index,)))
    return [*written, *unread]


def _named_studies(url: str, names: Sequence[str]) -> tuple[list[StudyResults], list[Written]]:
    return [load_results(url, study=name) for name in dict.fromkeys(names)], []


def _every_study(url: str) -> tuple[list[StudyResults], list[Written]]:
    """The studies of a storage, and those that are left out: damaged ones, and Optuna's with several objectives."""
    listed = list_studies(url)
    if listed.empty:
        raise InputError("the storage holds no study yet; `hpstudy run STUDY.yaml` makes one")
    studies, unread = [], []
    for name, damage, state in zip(listed["study"], listed["damage"], listed["state"], strict=True):
        if state == DAMAGED:
            unread.append(Written(name, f"is damaged, and left out: {damage}", (), damaged=True))
            continue
        try:
            studies.append(load_results(url, study=name))
        except InputError as error:
            unread.append(Written(name, str(error).removeprefix(f"{name}: "), ()))
    return studies, unread


def _write(study: StudyResults, *, output: Path, artifacts: Path, with_markdown: bool) -> Written:
    predictions = candidate_predictions(study, artifacts=artifacts)
    damage = damage_text(study.digests)
    verdict, is_damaged = damage or headline(study), bool(damage)
    page = write_report(study, output=output, predictions=predictions)
    if not with_markdown:
        return Written(study.name, verdict, (page,), damaged=is_damaged)
    markdown = write_markdown(study, output=output, predictions=predictions)
    return Written(study.name, verdict, (page, markdown.readme), markdown.undrawn, damaged=is_damaged)
