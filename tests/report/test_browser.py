"""The report in a browser: it draws, asks no host for anything, sorts, and can be read by everyone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hpstudy.report.page import write_index, write_report
from tests.report.conftest import ALL_DRAWN, Opened, OpenPage
from tests.report.studies import (
    HARMLESS,
    HOSTILE,
    foreign_study,
    full_study,
    named_study,
    predictions,
    second_study,
    sparse_studies,
)

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages by name; they are only looked at."""
    folder = tmp_path_factory.mktemp("reports")
    full = full_study()
    made = {"full": write_report(full, output=folder, predictions=predictions())}
    for name in ("empty", "only_pruned"):
        made[name] = write_report(sparse_studies()[name], output=folder, predictions=None)
    made["foreign"] = write_report(foreign_study(), output=folder, predictions=None)
    made["index"] = write_index([full, second_study(), foreign_study()], output=folder)
    for name, words in {"hostile": HOSTILE, "harmless": HARMLESS}.items():
        results, predicted = named_study(words)
        made[name] = write_report(results, output=folder / name, predictions=predicted)
    return made


def assert_quiet(opened: Opened) -> None:
    assert opened.faults == []
    assert len(opened.requests) == 1  # the file itself


@pytest.mark.parametrize("name", ["full", "index", "foreign", "empty"])
def test_it_opens_without_an_error_or_a_request_and_draws_every_figure(
    reports: dict[str, Path], open_page: OpenPage, name: str
) -> None:
    opened = open_page(reports[name])
    opened.draw_all()
    figures = opened.page.locator("figure")
    assert opened.page.locator(".plot .main-svg").count() >= figures.count()
    assert figures.count() == {"full": 17, "index": 2, "empty": 0}.get(name, figures.count())
    assert opened.page.locator("h1").count() == 1
    assert_quiet(opened)


def test_figures_are_drawn_when_they_come_near(reports: dict[str, Path], open_page: OpenPage) -> None:
    page = open_page(reports["full"]).page
    drawn = "document.querySelectorAll('.plot > .plot-container').length"
    assert page.evaluate(drawn) <= 2
    page.evaluate("document.getElementById('figure-parallel').scrollIntoView({behavior: 'instant'})")
    page.locator("#figure-parallel .main-svg").first.wait_for()
    assert page.evaluate(drawn) < page.locator("figure").count()


def test_hostile_names_are_text_and_make_no_element(reports: dict[str, Path], open_page: OpenPage) -> None:
    tags = {}
    for name in ("hostile", "harmless"):
        opened = open_page(reports[name])
        opened.draw_all()
        assert_quiet(opened)
        tags[name] = opened.page.evaluate(
            """() => [...document.querySelectorAll('*')].filter(e => !e.closest('.plot')).map(e =>
                e.tagName + ' ' + [...e.getAttributeNames()].filter(n => n != 'aria-current').sort().join(' '))"""
        )
        inside = "[...new Set([...document.querySelectorAll('.plot *')].map(e => e.tagName.toLowerCase()))].sort()"
        tags[f"{name} figures"] = opened.page.evaluate(inside)
    assert tags["hostile"] == tags["harmless"]
    assert set(tags["hostile figures"]) - set(tags["harmless figures"]) == set()
    assert not {"a", "script", "iframe", "foreignobject"} & set(tags["hostile figures"])


def test_hostile_names_are_shown_as_they_are(reports: dict[str, Path], open_page: OpenPage) -> None:
    text = open_page(reports["hostile"]).page.inner_text("main")
    for words in HOSTILE:
        assert words.replace("\u2028", "\ufffd").replace("\u2029", "\ufffd").replace("\x00", "\ufffd") in text


def test_the_policy_stops_a_script_that_is_none_of_its_own(reports: dict[str, Path], open_page: OpenPage) -> None:
    opened = open_page(reports["full"])
    opened.page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'window.ran = true';
            document.body.append(script);
            document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="ran=true">');
        }"""
    )
    opened.page.wait_for_timeout(50)
    assert opened.page.evaluate("window.ran") is None
    assert any("Content Security Policy" in fault for fault in opened.faults)


def test_the_leaderboard_sorts_by_mouse_and_by_keyboard(reports: dict[str, Path], open_page: OpenPage) -> None:
    page = open_page(reports["full"]).page
    table = page.locator("#leaderboard-table")
    assert table.locator("th[aria-sort]").count() == 0
    rate = table.get_by_role("button", name="Learning rate")
    rate.click()
    column = [float(text) for text in table.locator("tbody tr td:nth-child(5)").all_inner_texts()]
    assert column == sorted(column)
    assert table.locator("th[aria-sort=ascending]").inner_text().startswith("Learning rate")
    rate.focus()
    page.keyboard.press("Enter")
    column = [float(text) for text in table.locator("tbody tr td:nth-child(5)").all_inner_texts()]
    assert column == sorted(column, reverse=True)
    momentum = table.get_by_role("button", name="Momentum")
    momentum.click()
    texts = table.locator("tbody tr td:nth-child(7)").all_inner_texts()
    known = [float(text) for text in texts if text != "–"]
    assert texts[len(known) :] == ["–"] * (50 - len(known))  # what has no value stands last
    assert known == sorted(known)
    assert table.locator("th[aria-sort]").count() == 1


def test_all_trials_download_as_csv(reports: dict[str, Path], open_page: OpenPage) -> None:
    page = open_page(reports["full"]).page
    with page.expect_download() as download:
        page.get_by_text("Download all trials as CSV").click()
    assert download.value.suggested_filename == "full.csv"
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + 50 + 2
    assert lines[0].startswith("label,part,state,reason,message,value,")


@pytest.mark.parametrize(
    ("name", "scheme"), [("full", "light"), ("full", "dark"), ("index", "dark"), ("only_pruned", "light")]
)
def test_axe_finds_no_violation(reports: dict[str, Path], open_page: OpenPage, name: str, scheme: str) -> None:
    opened = open_page(reports[name], color_scheme=scheme, bypass_csp=True)
    if scheme == "light":  # of a drawing axe reads no colours, so that one time is enough
        opened.draw_all()
    opened.page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    opened.page.evaluate(AXE)
    result = opened.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert len(result["passes"]) > 20
    found = result["violations"]
    told = [(one["id"], [node["html"][:200] + str(node["target"]) for node in one["nodes"]][:3]) for one in found]
    assert told == [], json.dumps(told, indent=1)


@pytest.mark.parametrize("name", ["full", "index", "hostile"])
def test_nothing_but_tables_scrolls_sideways_on_a_telephone(
    reports: dict[str, Path], open_page: OpenPage, name: str
) -> None:
    opened = open_page(reports[name], width=400)
    opened.draw_all()
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 400
    unlabelled = "document.querySelectorAll('.scroll:not([tabindex=\"0\"][role=region][aria-labelledby])').length"
    assert opened.page.evaluate(unlabelled) == 0


def test_it_can_be_read_without_javascript(reports: dict[str, Path], open_page: OpenPage) -> None:
    page = open_page(reports["full"], java_script_enabled=False).page
    assert page.locator("#leaderboard-table tbody tr").count() == 50
    assert page.locator("th button").count() == 0
    assert page.locator("noscript").count() == page.locator("figure").count() == 17
    assert "The drawing needs JavaScript." in page.content()
    assert page.get_by_text("90.50 % test accuracy").first.is_visible()


def test_figures_change_with_the_colour_scheme(reports: dict[str, Path], open_page: OpenPage) -> None:
    opened = open_page(reports["full"], color_scheme="light")
    opened.draw_all()
    colour = "getComputedStyle(document.querySelector('.xtick text')).fill"
    light = opened.page.evaluate(colour)
    opened.page.emulate_media(color_scheme="dark")
    opened.until(f"{colour} !== {json.dumps(light)}")
    assert light == "rgb(31, 35, 40)"
    assert opened.page.evaluate(colour) == "rgb(230, 233, 236)"


def test_it_prints_light_with_every_figure_and_nothing_folded(reports: dict[str, Path], open_page: OpenPage) -> None:
    opened = open_page(reports["full"], color_scheme="dark")
    page = opened.page
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    opened.until(ALL_DRAWN)
    assert page.locator("details:not([open])").count() == 0
    assert page.evaluate("getComputedStyle(document.querySelector('.xtick text')).fill") == "rgb(31, 35, 40)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() == page.locator("details").count() == 1
    assert_quiet(opened)
