"""The Markdown twin: its order, its pictures, and that no string of a user's becomes markup."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from PIL import Image

from hpstudy.plain_text import escaped
from hpstudy.report.drawing.figure import Picture
from hpstudy.report.markdown import write_markdown
from hpstudy.report.markdown_text import code_block
from tests.report.studies import HOSTILE, full_study, named_study, predictions, sparse_studies


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_markdown(
        full_study(), output=tmp_path_factory.mktemp("reports"), predictions=predictions()
    ).readme.parent


def test_it_has_the_order_of_a_good_assignment(folder: Path) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, flags=re.MULTILINE) == [
        "Findings",
        "Comparison",
        "Leaderboard",
        "Curves",
        "Settings",
        "Mistakes",
        "Model",
        "How to repeat",
        "Limits of these results",
    ]
    assert text.index("90.50 % test accuracy on average over 3 fresh seeds") < text.index("## Findings")
    assert "| Test accuracy, mean | **90.50 %** | **88.23 %** | **90.25 %** | – |" in text


def test_each_picture_lies_beside_it_on_an_opaque_ground(folder: Path) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"!\[[^\n]*\]\(([^)]+)\)", text)
    assert len(named) == len(set(named)) == 17
    assert sorted(named) == sorted(path.name for path in folder.glob("*.png"))
    assert re.findall(r"^\*\*Figure (\d+)\.", text, flags=re.MULTILINE) == [str(number) for number in range(1, 18)]
    for path in folder.glob("*.png"):
        with Image.open(path) as picture:
            assert (picture.format, picture.width) == ("PNG", 1600)
            assert picture.convert("RGBA").getextrema()[3] == (255, 255)
            assert picture.convert("RGB").getpixel((1599, 0)) == (255, 255, 255)
            assert picture.info.keys() <= {"dpi"}


def test_tables_have_as_many_cells_in_each_row(folder: Path) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    for table in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE):
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(counts) == 1, table


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws nothing, for the tests of what the text says: a picture takes a quarter of a second."""
    monkeypatch.setattr("hpstudy.report.views.figures._picture", lambda _chart, _title: Picture(b"", frozenset()))


@pytest.mark.parametrize("words", HOSTILE)
def test_any_text_is_one_line_without_markup(words: str) -> None:
    shown = escaped(words)
    assert "\n" not in shown
    assert "\u2028" not in shown
    assert not re.search(r"(?<!\\)[<>|`\[\]*_&$#]", shown)
    assert not re.search(r"https?://", shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words, 91.04 % (−0.5)", "plain words, 91.04 % (−0.5)"),
        ("nul \x00 and \u202e turned", "nul \ufffd and \ufffd turned"),
        ("1. no list", "1\\. no list"),
        ("- no list", "\\- no list"),
        ("a_b*c", "a\\_b\\*c"),
        ("two\nlines", "two lines"),
    ],
)
def test_text_is_escaped_where_it_must_be(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_code_cannot_end_its_own_block() -> None:
    assert code_block("a\n````\nb") == "`````\na\n````\nb\n`````"
    assert code_block("x: 1\n", language="yaml") == "```yaml\nx: 1\n```"


@pytest.mark.usefixtures("blank_pictures")  # those of hostile names are drawn in views/test_figures.py
def test_a_hostile_study_makes_no_heading_link_or_html_of_its_own(tmp_path: Path) -> None:
    results, predicted = named_study(HOSTILE)
    text = write_markdown(results, output=tmp_path, predictions=predicted).readme.read_text(encoding="utf-8")
    outside = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert not re.search(r"(?<!\\)<", outside)
    assert {address.rpartition(".")[2] for address in re.findall(r"(?<!\\)\]\(([^)]*)\)", outside)} == {"png"}
    assert len(re.findall(r"^#", outside, flags=re.MULTILINE)) == 10
    # markdown-it is what rich reads Markdown with.
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert set(re.findall(r"<([a-z0-9]+)", html)) <= {
        *("h1", "h2", "p", "ul", "ol", "li", "strong", "em", "code", "pre", "img"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }


@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize("name", ["empty", "all_failed", "foreign"])
def test_what_is_missing_is_said(name: str, tmp_path: Path) -> None:
    text = write_markdown(sparse_studies()[name], output=tmp_path, predictions=None).readme.read_text(encoding="utf-8")
    assert len(re.findall(r"^## ", text, flags=re.MULTILINE)) == 9
    assert "nan" not in re.findall(r"\w+", text)


@pytest.mark.slow  # the same through the command is in test_command.py
def test_a_full_disk_leaves_the_old_report_and_no_other_file(tmp_path: Path) -> None:
    write_markdown(sparse_studies()["one_trial"], output=tmp_path, predictions=None)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.*")}
    program = f"""
import resource
from pathlib import Path
from hpstudy.errors import ArtifactError
from hpstudy.report.drawing.figure import Picture
from hpstudy.report.markdown import write_markdown
from tests.results.synthetic import make_results
study = make_results("one_trial", n_trials=20)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))  # as on a disk that is full
try:
    write_markdown(study, output=Path({str(tmp_path)!r}), predictions=None)
except ArtifactError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.endswith(".png: cannot be written (File too large)\n")
    assert {file: file.read_bytes() for file in tmp_path.rglob("*.*")} == before
