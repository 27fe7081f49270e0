"""The reports that were written: each study's answer, and where its report lies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from rich.text import Text


class WrittenReport(Protocol):
    """What was written of a study; `report.write.Written` is one."""

    @property
    def study(self) -> str:
        """Its name; empty for the page over several."""
        ...

    @property
    def verdict(self) -> str:
        """Its answer."""
        ...

    @property
    def paths(self) -> Sequence[Path]:
        """The files."""
        ...


def written_reports(reports: Iterable[WrittenReport]) -> Text:
    """A line with the answer of each study, and below it a line with each of its files."""
    text = Text()
    for report in reports:
        if text:
            text.append("\n")
        text.append(f"{report.study}: " if report.study else "", "bold").append(report.verdict)
        for path in report.paths:
            text.append("\n  ").append(str(path), "cyan")
    return text
