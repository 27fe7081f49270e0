"""optuna-dashboard's own page in a browser: the note and the picture are there, and names of users stay text."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page

from hpstudy.report.note import study_note
from hpstudy.search.dashboard import BOUNDARY, publish
from hpstudy.spec.study import StudySpec
from tests.browser import PATIENCE_SECONDS, chromium
from tests.results.synthetic import make_results
from tests.search.conftest import Lab
from tests.search.test_dashboard import dashboard

pytestmark = pytest.mark.browser

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    r"[a](http://e.org/a) \| <http://e.org> http://e.org www.e.org a@e.org",
    "`*b*` ~~c~~ $d$ ![e](http://e.org/e.png) &lt;b&gt;",
]


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of Debian's Chromium."""
    with chromium() as browser:
        opened = browser.new_page(viewport={"width": 1400, "height": 1000})
        opened.set_default_timeout(1000 * PATIENCE_SECONDS)
        yield opened


def test_the_page_shows_note_and_picture(tmp_path: Path, small_spec: StudySpec, page: Page) -> None:
    lab = Lab(tmp_path)
    lab.run(replace(small_spec, trials=2, epochs=1))
    seeds = [0.912, 0.915, 0.909]
    made = make_results(
        baselines=dict.fromkeys(HOSTILE, 0.8), confirmed={"best": seeds} | dict.fromkeys(HOSTILE, seeds)
    )
    file = io.BytesIO()
    Image.new("RGB", (321, 123), "orange").save(file, "PNG")
    publish(lab.url, study="small", note=study_note(made), pictures={"grid": file.getvalue()}, artifacts=tmp_path / "a")
    told, asked_for = [], []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("dialog", lambda dialog: told.append(dialog.message))
    page.on("request", lambda request: asked_for.append(request.url))
    with dashboard(lab.url, tmp_path / "a") as (_, address):
        page.goto(f"{address}dashboard/studies/1")
        picture = page.locator("img[src*='/artifacts/1/']").first
        picture.scroll_into_view_if_needed()
        page.wait_for_function("picture => picture.naturalWidth === 321", arg=picture.element_handle())
        assert page.get_by_text("grid.png").count() == 1
        page.goto(f"{address}dashboard/studies/1/note")
        page.get_by_text(BOUNDARY.strip("*")).wait_for()
        cells = page.locator("tbody tr td:first-child").all_inner_texts()
        assert [cell.replace("\u2060", "") for cell in cells[1:]] == HOSTILE
        assert page.locator("table").locator("a, img, code, em, strong, del").count() == 0
        assert page.locator("code").all_inner_texts() == ["hpstudy report synthetic"]
    assert told == []
    assert [url for url in asked_for if not url.startswith(address)] == []


def test_the_page_calls_the_objective_by_its_name(tmp_path: Path, small_spec: StudySpec, page: Page) -> None:
    lab = Lab(tmp_path)
    lab.run(replace(small_spec, trials=2, epochs=1))
    with dashboard(lab.url, tmp_path / "a") as (_, address):
        page.goto(f"{address}dashboard/studies/1/analytics")
        page.get_by_text("EDF for validation accuracy").wait_for()
