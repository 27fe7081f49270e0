"""What earlier versions have stored opens with every command that reads it or goes on with it."""

from __future__ import annotations

import re
import sqlite3
import sys
from importlib import import_module
from statistics import fmean
from typing import Any

import pytest

from hpstudy.results.load import load_results
from hpstudy.results.records import run_record
from hpstudy.search.processor import processor_name
from tests.formats.conftest import Opened

STUDIES = ("fair", "plain", "stopped", "whole")
read = import_module("tests.formats.1.expect").read


def test_every_number_is_read_as_it_was(opened: Opened) -> None:
    expected = opened.expected()
    assert set(expected) == set(STUDIES)
    assert {study: read(opened.url, study) for study in STUDIES} == expected


def test_list_and_show_have_every_study_and_trial(opened: Opened) -> None:
    code, out, err = opened.hpstudy("list")
    assert (code, err) == (0, "")
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.split()[:1]}
    assert {study: rows[study][:3] for study in STUDIES} == {
        "fair": ["4", "4", "0"],
        "plain": ["6", "6", "0"],
        "stopped": ["1", "0", "0"],
        "whole": ["9", "4", "1"],
    }
    assert "interrupted" in rows["stopped"]
    for study in STUDIES:
        code, out, err = opened.hpstudy("show", study)
        assert (code, err) == (0, ""), study
        for label, *_ in opened.expected()[study]["trials"]:
            code, out, err = opened.hpstudy("show", study, label)
            assert (code, err) == (0, ""), (study, label)
            assert out.startswith(f"{study}, "), (study, label)


def test_a_report_has_the_accuracies_that_the_report_of_then_has(opened: Opened) -> None:
    code, _, err = opened.hpstudy("report", "whole", "--markdown", "--output", "again")
    assert (code, err) == (0, "")
    expected = opened.expected()["whole"]
    by_configuration: dict[str, list[float]] = {}
    for configuration, _, _, accuracy in expected["confirmations"]:
        by_configuration.setdefault(configuration, []).append(accuracy)
    means = [fmean(accuracies) for accuracies in by_configuration.values()]
    values = [value for _, state, value, _ in expected["trials"] if state == "complete"]
    shown = {f"{100 * accuracy:.2f} %" for accuracy in (*means, *values)}
    for file in ("whole.html", "whole/README.md"):
        assert shown <= accuracies_in(opened.text(f"reports/{file}"))  # as the report of then has them
        assert shown <= accuracies_in(opened.text(f"again/{file}"))


def accuracies_in(report: str) -> set[str]:
    """Every accuracy that a report prints."""
    return set(re.findall(r"\d+\.\d\d %", report.replace("\u00a0", " ")))


def test_every_study_has_a_report(opened: Opened) -> None:
    assert opened.hpstudy("report", "--output", "again")[0] == 0
    assert {file.stem for file in (opened.folder / "again").glob("*.html")} == {*STUDIES, "index"}


def test_a_finished_study_has_nothing_left_to_train_and_takes_more_trials(opened: Opened) -> None:
    for study in ("whole", "fair"):
        code, out, err = opened.hpstudy("run", f"{study}.yaml")
        assert (code, err) == (0, "")
        assert "nothing to train" in out.splitlines()[0]
        assert read(opened.url, study) == opened.expected()[study]
    code, _, err = opened.hpstudy("run", "whole.yaml", "--trials", "16", "--no-confirm")
    assert (code, err) == (0, "")
    now = read(opened.url, "whole")
    then = opened.expected()["whole"]
    assert len(now["trials"]) == len(then["trials"]) + 2
    assert [row for row in now["trials"] if row in then["trials"]] == then["trials"]


def test_an_interrupted_study_ends_as_it_would_have_then(opened: Opened) -> None:
    checkpoint = next((opened.folder / "artifacts").glob("stopped-*/checkpoints/*.ckpt"))
    code, out, err = opened.hpstudy("run", "stopped.yaml")
    assert (code, err) == (0, "")
    assert out.startswith("stopped goes on: 2 of 7 trainings have ended, 1 interrupted\n")
    assert not checkpoint.exists()
    now, then = read(opened.url, "stopped"), opened.expected("expected-finished")["stopped"]
    assert len(now["trials"]) == len(then["trials"]) == 7
    assert len(now["confirmations"]) == len(then["confirmations"]) == 6
    if bits_are_promised(opened):
        assert now == then


def test_a_confirmation_takes_more_seeds(opened: Opened) -> None:
    code, out, err = opened.hpstudy("confirm", "whole", "--seeds", "4")
    assert (code, err) == (0, "")
    assert out.startswith("whole, confirmation goes on: 12 of 16 trainings have ended\n")
    now, then = (found["confirmations"] for found in (read(opened.url, "whole"), opened.expected()["whole"]))
    assert len(now) == 16
    assert [row for row in now if row[1] <= 3] == then


@pytest.mark.parametrize("trial", ["12", "Größe 32", "11"])
def test_a_trial_is_trained_again(opened: Opened, trial: str) -> None:
    code, out, err = opened.hpstudy("rerun", "whole", trial)
    if bits_are_promised(opened):
        assert (code, err) == (0, "")
        assert "equal to the last bit" in out
    else:
        assert code in {0, 1}
        assert code == 0 or "processor" in err


def test_models_are_exported_and_predict_what_they_predicted(opened: Opened) -> None:
    for trial in ("best", "by hand", "Größe 32"):
        folder = f"new-{trial}"
        code, _, err = opened.hpstudy("export", "whole", trial, "--output", folder)
        assert (code, err) == (0, "")
        assert opened.hpstudy("predict", folder, "digit.png")[0] == 0
    printed = [opened.hpstudy("predict", folder, "digit.png", "--top", "1") for folder in ("export", "export-own")]
    assert [(code, err) for code, _, err in printed] == [(0, ""), (0, "")]
    now, then = (predictions(text) for text in ("".join(out for _, out, _ in printed), opened.text("predicted.txt")))
    assert [name for name, _ in now] == [name for name, _ in then]
    assert [chance for _, chance in now] == pytest.approx([chance for _, chance in then], abs=0.02)
    new = [opened.hpstudy("predict", folder, "digit.png", "--top", "1")[1] for folder in ("new-best", "new-Größe 32")]
    assert predictions("".join(new)) == now


def predictions(printed: str) -> list[tuple[str, float]]:
    """(class, percent) of each picture in what `predict` prints."""
    return [(name, float(chance)) for name, chance in re.findall(r"^digit\.png +(\S+) +(\S+) %", printed, re.MULTILINE)]


def test_a_deleted_study_leaves_the_others_as_they_were(opened: Opened) -> None:
    assert opened.hpstudy("delete", "whole", "--yes")[0] == 0
    folders = {folder.name.rpartition("-")[0] for folder in (opened.folder / "artifacts").iterdir() if folder.is_dir()}
    assert folders == {"fair", "stopped"}
    others = tuple(study for study in STUDIES if study != "whole")
    assert {study: read(opened.url, study) for study in others} == {study: opened.expected()[study] for study in others}
    with sqlite3.connect(opened.folder / "hpstudy.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def bits_are_promised(opened: Opened) -> bool:
    """Whether this machine is of the kind that wrote the format: equal processor and torch give equal bits."""
    record: dict[str, Any] = dict(run_record(load_results(opened.url, study="whole"), run_id=1))
    torch_now = sys.modules["torch"].__version__
    return record["processor"] == processor_name() and record["versions"]["torch"] == torch_now
