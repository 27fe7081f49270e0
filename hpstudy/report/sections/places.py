"""Where each figure stands in a report, and its number there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hpstudy.numbers import listed
from hpstudy.report.drawing.figure import Absent, Figure

Places = Mapping[str, tuple[str, ...]]
"""Keys of figures by section; one that ends with a dash stands for all that begin with it."""

PAGE: Places = {
    "comparison": ("confirmed",),
    "curves": ("learning-curves", "all-curves"),
    "search": ("best-so-far", "timeline", "pruning"),
    "settings": ("importance",),
    "slices": ("slice-",),
    "relations": ("contour", "parallel"),
    "model": ("network", "confusion", "predictions"),
}
"""Where figures stand on the HTML page."""

OTHERS = "relations"
"""The section that takes a figure which no section names."""


@dataclass(frozen=True)
class Section:
    """The figures of one section.

    Attributes:
        figures: Those that are drawn, each with its number in the report.
        missing: Those that are not: titles in words, and the sentence that says why; equal reasons are told once.
    """

    figures: tuple[tuple[int, Figure], ...]
    missing: tuple[tuple[str, str], ...]


def placed(figures: Mapping[str, Figure | Absent], places: Places = PAGE) -> dict[str, Section]:
    """The sections in their order, with the figures numbered through them."""
    sections, number = {}, 0
    for name, keys in places.items():
        here = _keys(figures, keys) + (_unplaced(figures, places) if name == OTHERS else [])
        drawn = []
        for figure in (figures[key] for key in here):
            if isinstance(figure, Figure):
                number += 1
                drawn.append((number, figure))
        sections[name] = Section(tuple(drawn), _missing([figures[key] for key in here]))
    return sections


def one_section(figures: Mapping[str, Figure | Absent]) -> Section:
    """All figures in one section, numbered in their order."""
    drawn = [figure for figure in figures.values() if isinstance(figure, Figure)]
    return Section(tuple(enumerate(drawn, start=1)), _missing(list(figures.values())))


def figure_numbers(sections: Mapping[str, Section]) -> dict[str, int]:
    """The number of each drawn figure by its key."""
    return {figure.key: number for section in sections.values() for number, figure in section.figures}


def _keys(figures: Mapping[str, Figure | Absent], wanted: tuple[str, ...]) -> list[str]:
    return [key for name in wanted for key in figures if _is(key, name)]


def _unplaced(figures: Mapping[str, Figure | Absent], places: Places) -> list[str]:
    names = [name for keys in places.values() for name in keys]
    return [key for key in figures if not any(_is(key, name) for name in names)]


def _is(key: str, name: str) -> bool:
    return key.startswith(name) if name.endswith("-") else key == name


def _missing(figures: list[Figure | Absent]) -> tuple[tuple[str, str], ...]:
    by_reason: dict[str, list[str]] = {}
    for figure in figures:
        if isinstance(figure, Absent):
            by_reason.setdefault(figure.reason, []).append(figure.title)
    return tuple((listed(titles), reason) for reason, titles in by_reason.items())
