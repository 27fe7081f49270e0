"""What a report shows or says that it cannot: a figure, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Picture:
    """A figure as a file.

    Attributes:
        png: The file.
        undrawn: The characters that no font of the machine has; boxes stand for them.
    """

    png: bytes
    undrawn: frozenset[str]


@dataclass(frozen=True, eq=False)
class Figure:
    """One figure, drawn in two ways from the same numbers. All texts are plain: who prints them escapes them.

    Attributes:
        key: Its name in links and file names: `learning-curves`; `slice-learning_rate`.
        title: The finding, or the question where there is none.
        alt: What a person who cannot see it needs to know, with its numbers.
        caption: How to read it, with the number of observations and what was left out.
        plot: `data`, `layout` and `narrow` for `assets/figures.js`. `narrow` holds what replaces the first two
            in a narrow window. Colours are `token:NAME`, a custom property `--figure-NAME` of
            `assets/palette.css`; strings of the user's are escaped as Plotly reads them.
        picture: Draws it as PNG, light, with its title; equal bytes each time on one machine.
    """

    key: str
    title: str
    alt: str
    caption: str
    plot: dict[str, Any]
    picture: Callable[[], Picture]


@dataclass(frozen=True)
class Absent:
    """A figure that the study has no data for.

    Attributes:
        key: As of a `Figure`.
        title: What the figure would have shown.
        reason: One sentence that says why it does not.
    """

    key: str
    title: str
    reason: str
