"""figures.js in a browser: colours by theme and for print, panels by width, user strings as text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpstudy.report.drawing.chart import Axis, Chart, Line, Panel, Texts, numbers
from hpstudy.report.drawing.palette import PALETTE_FILE, dark_palette, light_palette
from hpstudy.report.drawing.plot import draw_plot
from tests.browser import chromium

ASSETS = PALETTE_FILE.parent
HOSTILE = "<b>token:text</b>"

pytestmark = pytest.mark.browser


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Any]:
    """A page with one figure of two panels."""
    axis = Axis("x", low=0, high=1)
    line = Line(numbers([0, 1]), numbers([0, 1]), name=HOSTILE, colour="accent")
    words = Texts(numbers([0.5]), numbers([0.5]), ["token:text"])
    plot = draw_plot(Chart((Panel(axis, axis, (line, words)), Panel(axis, axis, (line,))), columns=2, height=100))
    scripts = "".join(
        f"<script>{(ASSETS / name).read_text(encoding='utf-8')}</script>"
        for name in ("plotly-cartesian.min.js", "figures.js")
    )
    figure = json.dumps(plot).replace("<", "\\u003c")
    html = (
        f"<!doctype html><meta charset='utf-8'><style>{PALETTE_FILE.read_text(encoding='utf-8')}</style>{scripts}"
        f"<div id='figure'></div><script>hpstudyFigures.draw(document.getElementById('figure'), {figure})</script>"
    )
    file = tmp_path / "page.html"
    file.write_text(html, encoding="utf-8")
    with chromium() as browser:
        opened = browser.new_page(viewport={"width": 1000, "height": 600})
        requests: list[str] = []
        opened.on("request", lambda request: requests.append(request.url))
        opened.goto(file.as_uri())
        yield opened
    assert requests == [file.as_uri()]


def line_colour(page: Any) -> str:
    found = page.evaluate("document.getElementById('figure')._fullData[0].line.color")
    return str(found)


def test_colours_follow_the_theme_and_print_is_light(page: Any) -> None:
    assert line_colour(page) == light_palette()["accent"]
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"document.getElementById('figure')._fullData[0].line.color == '{dark_palette()['accent']}'")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert line_colour(page) == light_palette()["accent"]
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert line_colour(page) == dark_palette()["accent"]


def test_user_strings_are_text_and_no_colour(page: Any) -> None:
    assert page.locator(".legendtext").first.text_content() == HOSTILE
    assert page.locator(".textpoint").first.text_content() == "token:text"


def test_a_narrow_window_stacks_the_panels(page: Any) -> None:
    height = page.locator("#figure").bounding_box()["height"]
    page.set_viewport_size({"width": 400, "height": 600})
    page.wait_for_function("document.getElementById('figure')._fullLayout.xaxis2.domain[0] == 0")
    assert page.locator("#figure").bounding_box()["height"] == height + 184
    page.wait_for_function("document.documentElement.scrollWidth <= 400")
