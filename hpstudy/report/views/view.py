"""A view before it is drawn: the words and the charts of a figure."""

from __future__ import annotations

from dataclasses import dataclass

from hpstudy.report.drawing.chart import Chart


@dataclass(frozen=True, eq=False)
class View:
    """What `figures` draws.

    Attributes:
        title: The finding or the question.
        alt: The same for a person who cannot see it.
        caption: How to read it, and how many observations it has.
        chart: What is drawn.
        narrow: What is drawn in a narrow window instead; None stacks the panels of `chart`.
    """

    title: str
    alt: str
    caption: str
    chart: Chart
    narrow: Chart | None = None


class NoView(Exception):  # noqa: N818  # not an error: a study without the data for a view
    """A study lacks what a view shows; the message is one sentence that says so."""
