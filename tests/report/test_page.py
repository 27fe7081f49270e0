"""The HTML files: what they hold, their names, their size, and that equal results give equal bytes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from hpstudy.report.names import anchor, file_stem
from hpstudy.report.page import embedded_json, study_page, write_index, write_report
from tests.report.studies import foreign_study, full_study, predictions, second_study, sparse_studies
from tests.results.synthetic import make_results


def test_two_builds_are_equal_to_the_byte(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write_report(full_study(), output=tmp_path / folder, predictions=predictions())
        write_index([full_study(), second_study()], output=tmp_path / folder)
    for name in ("full.html", "index.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_fifty_trials_stay_below_the_limit(tmp_path: Path) -> None:
    path = write_report(full_study(), output=tmp_path, predictions=predictions())
    assert path.stat().st_size < 2_500_000
    assert path.read_text(encoding="utf-8").count("plotly.js (cartesian - minified)") == 1


def test_the_policy_names_each_script_and_style_by_its_hash() -> None:
    html = study_page(full_study(), predictions=None)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    told = policy[1].replace("&#39;", "'")
    assert told.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in told
    assert "unsafe-eval" not in told
    scripts = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", html, flags=re.DOTALL)
    assert (len(scripts), len(styles)) == (3, 1)
    for source in (*scripts, *styles):
        assert base64.b64encode(hashlib.sha256(source.encode()).digest()).decode() in told
    outside = re.sub(r"<(script|style)>.*?</\1>", "", html, flags=re.DOTALL)
    assert not re.search(r"\s(style|on[a-z]+)=", re.sub(r">[^<]*<", "><", outside))


def test_a_page_without_a_figure_needs_no_plotly() -> None:
    html = study_page(sparse_studies()["empty"], predictions=None)
    assert len(html) < 60_000
    assert "plotly.js (cartesian - minified)" not in html


def test_data_cannot_end_the_element_that_they_stand_in() -> None:
    hostile = {"a": "</script><!--<script>", "b": "\u2028\u2029&amp;", "c": "\ud800"}
    text = embedded_json(hostile)
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == hostile


def test_no_password_is_in_a_report() -> None:
    secret = "postgresql+psycopg://u:s3cret@h/db"
    study = full_study(description=f"from {secret}")
    runs = study.runs.assign(
        command=f"hpstudy run a.yaml --storage {secret}", study_file=f"# {secret}", end_reason=secret
    )
    trials = study.trials.assign(message=f"could not reach {secret}?password=s3cret", reason=secret)
    html = study_page(full_study(description=f"from {secret}", runs=runs, trials=trials), predictions=None)
    assert "s3cret" not in html
    assert "postgresql+psycopg://***@h/db" in html


@pytest.mark.parametrize("name", ["../../x", "a/b", "index", "INDEX", "x" * 300, "", "\x00", ".hidden", "-rf", "ä b"])
def test_no_file_lies_outside_of_the_folder_and_no_two_meet(name: str, tmp_path: Path) -> None:
    stem = file_stem(name)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", stem)
    assert stem != name
    assert (tmp_path / f"{stem}.html").resolve().parent == tmp_path
    assert file_stem(f"{name}?") != stem
    assert file_stem("lenet_fashion") == "lenet_fashion"


def test_anchors_differ_where_keys_do() -> None:
    assert anchor("slice-lenet5.width") == "slice-lenet5.width"
    assert anchor("slice-a b") != anchor("slice-a/b")
    assert re.fullmatch(r"[A-Za-z0-9._-]+", anchor('slice-"><svg>'))


def test_foreign_studies_with_any_name_are_written_into_the_folder(tmp_path: Path) -> None:
    path = write_report(foreign_study(), output=tmp_path / "reports", predictions=None)
    assert path.parent == tmp_path / "reports"
    assert sorted(file.name for file in (tmp_path / "reports").iterdir()) == [path.name]


def test_the_index_links_to_the_reports_beside_it(tmp_path: Path) -> None:
    studies = [full_study(), second_study(), foreign_study()]
    paths = [write_report(study, output=tmp_path, predictions=None) for study in studies]
    html = write_index(studies, output=tmp_path).read_text(encoding="utf-8")
    links = re.findall(r'<a href="([^"#]+\.html)"', html)
    assert links == [path.name for path in paths]


def test_user_text_of_any_kind_can_be_written(tmp_path: Path) -> None:
    study = make_results(description="a lone half \ud800 and \u202e turned and \x07 rung")
    text = write_report(study, output=tmp_path, predictions=None).read_text(encoding="utf-8")
    assert "a lone half \ufffd and \ufffd turned and \ufffd rung" in text
