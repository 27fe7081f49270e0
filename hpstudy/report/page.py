"""The HTML report: one file a study and one over several, each with all that it needs inside."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from hpstudy import __version__
from hpstudy.artifacts import TestPredictions, written_whole
from hpstudy.plain_text import visible
from hpstudy.report.drawing.figure import Absent
from hpstudy.report.names import anchor, file_stem
from hpstudy.report.sections.contents import BASIS, build_contents
from hpstudy.report.sections.index_contents import build_index
from hpstudy.report.sections.places import figure_numbers, one_section, placed
from hpstudy.results.study import StudyResults

INDEX = "index.html"

_STUDY_SECTIONS = (
    ("findings", "Findings"),
    ("comparison", "Comparison"),
    ("leaderboard", "Leaderboard"),
    ("curves", "Learning curves"),
    ("search", "Search"),
    ("settings", "Settings"),
    ("model", "Best model"),
    ("reproduce", "Reproduce"),
    ("failures", "Failures"),
)
_INDEX_SECTIONS = (
    ("fairness", "Fairness check"),
    ("findings", "Findings"),
    ("matrix", "Architectures and data"),
    ("studies", "Studies"),
    ("figures", "Figures"),
)

_EMPTY_STYLE = ""
"""Plotly adds an empty style element and fills it by rules: the policy has to allow the empty one."""

_PLOTLY_STYLES = ("", "font-size:70%", "font-weight:bold")
"""The style attributes that Plotly writes for colour bars, exponents and bold words; every other one is refused."""


@dataclass(frozen=True)
class _Page:
    """What the shell of a page needs; scripts and style are parts of hpstudy and no user's text."""

    version: str
    sections: Sequence[tuple[str, str]]
    style: Markup
    scripts: Sequence[Markup]
    policy: str


def write_report(results: StudyResults, *, output: Path, predictions: TestPredictions | None) -> Path:
    """Writes a study's report, whole or not at all; equal results give equal bytes.

    Args:
        results: The study.
        output: The folder that it goes to; made where it is not there.
        predictions: What the confirmed candidate predicted for the test set; None where there are none.

    Returns:
        `OUTPUT/NAME.html`; a name that is no plain file name is changed into one.

    Raises:
        ArtifactError: The disk is full, or the folder cannot be written to.
    """
    return _write(output / f"{file_stem(results.name)}.html", study_page(results, predictions=predictions))


def write_index(studies: Sequence[StudyResults], *, output: Path) -> Path:
    """Writes the page over several studies, which links to the reports beside it.

    Returns:
        `OUTPUT/index.html`.

    Raises:
        ArtifactError: The disk is full, or the folder cannot be written to.
    """
    return _write(output / INDEX, index_page(studies))


def study_page(results: StudyResults, *, predictions: TestPredictions | None) -> str:
    """The report of one study as HTML."""
    contents = build_contents(results, predictions=predictions)
    sections = placed(contents.figures)
    numbers = figure_numbers(sections)
    page = _page(_STUDY_SECTIONS, with_figures=bool(numbers))
    return _rendered("study.html", numbers, page=page, contents=contents, sections=sections)


def index_page(studies: Sequence[StudyResults]) -> str:
    """The page over several studies as HTML."""
    contents = build_index(studies)
    section = one_section(contents.figures)
    numbers = figure_numbers({"figures": section})
    page = _page(_INDEX_SECTIONS, with_figures=bool(numbers))
    return _rendered("index.html", numbers, page=page, contents=contents, section=section)


def _write(path: Path, html: str) -> Path:
    with written_whole(path) as file:
        file.write(html.encode("utf-8"))
    return path


def _page(sections: Sequence[tuple[str, str]], *, with_figures: bool) -> _Page:
    style = _asset("palette.css") + _asset("page.css")
    names = ("plotly-cartesian.min.js", "page.js", "figures.js") if with_figures else ("page.js",)
    scripts = [_asset(name) for name in names]
    for source in (style, *scripts):
        _refuse_end_tags(source)
    marked = [Markup(source) for source in (style, *scripts)]  # noqa: S704  # hpstudy's own files, checked above
    return _Page(__version__, sections, marked[0], marked[1:], _policy(style, scripts))


def _policy(style: str, scripts: Sequence[str]) -> str:
    """Nothing is loaded from anywhere, and only these scripts and this style run."""
    allowed = {
        "script-src": [_hash(script) for script in scripts],
        "style-src": [_hash(style), _hash(_EMPTY_STYLE)],
        "style-src-attr": ["'unsafe-hashes'", *map(_hash, _PLOTLY_STYLES)],
        "img-src": ["data:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    return "; ".join(["default-src 'none'", *(f"{name} {' '.join(values)}" for name, values in allowed.items())])


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _refuse_end_tags(source: str) -> None:
    """An asset must not end the element that it stands in."""
    if re.search(r"</(script|style)|<!--|\r", source, re.IGNORECASE):
        raise ValueError("an asset of the report holds what would end its element")


@lru_cache(maxsize=16)
def _asset(name: str) -> str:
    return resources.files("hpstudy.report").joinpath("assets", name).read_text(encoding="utf-8")


def _rendered(template: str, numbers: Mapping[str, int], **values: Any) -> str:  # noqa: ANN401  # what a template reads
    environment = Environment(
        loader=PackageLoader("hpstudy.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printed,
    )
    environment.tests["absent"] = lambda view: isinstance(view, Absent)
    environment.filters |= _filters(numbers)
    return environment.get_template(template).render(**values)


def _filters(numbers: Mapping[str, int]) -> dict[str, Callable[..., object]]:
    def target(key: str) -> str:
        if key in numbers:
            return f"figure-{anchor(key)}"
        return key if key in dict(_STUDY_SECTIONS) else ""

    def shown_as(key: str) -> str:
        return f"Figure {numbers[key]}" if key in numbers else dict(_STUDY_SECTIONS)[key]

    return {
        "anchor": anchor,
        "csv_link": lambda text: f"data:text/csv;charset=utf-8,{quote(visible(text), safe=_CSV_SAFE)}",
        "json": lambda data: Markup(embedded_json(data)),  # noqa: S704  # every character that HTML reads is escaped
        "basis": BASIS.__getitem__,
        "shown_as": shown_as,
        "target": target,
        "verbatim": lambda text: escape(visible(text)),
    }


_CSV_SAFE = " ,;:.-_/()[]{}!*'=+@$?|~^`"
"""What a data address need not escape; the template escapes what an attribute must not hold."""


def _printed(value: object) -> object:
    """What a template prints: text as it can be seen, with no line's end between a number and its %."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value).replace(" %", "\N{NO-BREAK SPACE}%")
    return value


def embedded_json(data: object) -> str:
    """Data as JSON that may stand in a script element: no character in it can end the element or start a comment."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
