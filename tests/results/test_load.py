"""Results: a study as frames, read without writing, also from a file that cannot be written to."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from hpstudy.errors import InputError, StorageError
from hpstudy.report.drawing.figure import Figure
from hpstudy.report.sections.reproduction import reproduction
from hpstudy.report.sections.table import Table
from hpstudy.report.views.figures import build_figures
from hpstudy.results.listing import list_studies
from hpstudy.results.load import load_results
from hpstudy.results.study import find_trial
from hpstudy.runner_lock import hold, lock_path
from hpstudy.spec.study import Baseline, Range, Setting, StudySpec
from tests.search.conftest import Lab


@pytest.fixture
def lab(tmp_path: Path, small_spec: StudySpec) -> Lab:
    """A storage with one small study that has a baseline."""
    made = Lab(tmp_path)
    made.run(replace(small_spec, trials=3, baselines=(Baseline("plain", "nets.py:tiny", 2, {"batch_size": 64}),)))
    return made


def test_the_frames_have_a_row_a_trial_and_an_epoch(lab: Lab) -> None:
    results = lab.results()
    trials = results.trials
    assert (results.name, results.description, results.state) == ("small", "", "finished")
    assert trials["label"].tolist() == ["plain", "0", "1", "2"]
    assert trials["part"].tolist() == ["baselines", "search", "search", "search"]
    assert trials["epochs"].tolist() == trials["epochs_planned"].tolist() == [2, 3, 3, 3]
    assert trials["batch_size"].tolist() == [64, 256, 256, 256]
    assert trials["value"].between(0, 1).all()
    assert trials["train_accuracy"].between(0, 1).all()
    assert (trials["seconds"] > 0).all()
    assert len(results.epochs) == 11
    assert list(results.epochs.columns) == [
        "trial_id",
        "epoch",
        "learning_rate",
        "train_loss",
        "train_accuracy",
        "val_loss",
        "val_accuracy",
        "seconds",
    ]
    assert {"optimizer", "learning_rate", "momentum"} <= set(results.settings)
    assert not {"label", "epochs", "seconds", "seeds"} & set(results.settings)


def test_a_setting_that_was_not_drawn_is_missing_from_the_search(lab: Lab, small_spec: StudySpec) -> None:
    decay = Setting("weight_decay", Range(1e-6, 1e-2, log=True), {"optimizer": ("adam",)})
    gamma = Setting("step_gamma", Range(0.5, 0.9), {"weight_decay": (0.0,)})  # 0 is what a trial without it has
    settings = {**small_spec.settings, decay.name: decay, gamma.name: gamma}
    lab.run(replace(small_spec, name="conditional", epochs=1, trials=8, settings=settings))
    results = load_results(lab.url, study="conditional")
    without = results.search["optimizer"] != "adam"
    assert 0 < without.sum() < 8
    assert (results.trials["weight_decay"][without] == 0).all()
    assert results.search["weight_decay"][without].isna().all()
    assert results.search["weight_decay"][~without].between(1e-6, 1e-2).all()
    assert (results.trials["step_gamma"] == 1).all()
    assert results.search["step_gamma"].isna().all()
    assert results.search["batch_size"].notna().all()
    # The logarithm of a default of 0 was the end of a report.
    figures = build_figures(results, predictions=None)
    assert isinstance(figures["slice-weight_decay"], Figure)


def test_reading_writes_nothing(lab: Lab, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in tmp_path.glob("lab.db*")}
    list_studies(lab.url)
    lab.results()
    after = {path.name: path.read_bytes() for path in tmp_path.glob("lab.db*")}
    assert after == before


def test_the_list_has_a_row_a_study(lab: Lab, small_spec: StudySpec) -> None:
    lab.run(replace(small_spec, name="other", trials=1))
    listed = list_studies(lab.url).set_index("study")
    assert listed.index.tolist() == ["other", "small"]
    assert listed["complete"].tolist() == [1, 3]
    assert listed["state"].tolist() == ["finished", "finished"]
    assert listed.loc["small", "best"] == lab.results().trials["value"][1:].max()
    assert (pd.Timestamp.now("UTC").tz_localize(None) - listed["last_run"]).max() < pd.Timedelta("1min")


def test_a_study_that_is_being_run_is_running(lab: Lab, tmp_path: Path) -> None:
    with hold(lock_path(tmp_path / "lab.db", study="small"), study="small"):
        assert lab.results().state == "running"
        assert list_studies(lab.url)["state"].tolist() == ["running"]


def test_a_trial_is_found_by_number_best_or_name(lab: Lab) -> None:
    results = lab.results()
    assert results.trials.loc[find_trial(results, "2"), "number"] == 2
    assert results.trials.loc[find_trial(results, "plain"), "part"] == "baselines"
    best = results.trials.loc[find_trial(results, "best")]
    assert (best["part"], best["value"]) == ("search", results.trials["value"][1:].max())
    with pytest.raises(
        InputError, match=r"small: no trial 'plein'; Did you mean \"plain\"\? known: 0 to 2, best, plain"
    ):
        find_trial(results, "plein")


def test_a_database_without_our_tables_is_told_so(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE something (x)")
    connection.close()
    with pytest.raises(StorageError, match=r"other\.db: holds no studies"):
        load_results(f"sqlite:///{tmp_path / 'other.db'}", study="small")


def test_a_file_alone_in_a_folder_without_write_permission_is_read(lab: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "read only"
    folder.mkdir()
    (folder / "copy.db").write_bytes((tmp_path / "lab.db").read_bytes())
    (folder / "copy.db").chmod(0o400)
    folder.chmod(0o500)
    assert len(load_results(f"sqlite:///{folder / 'copy.db'}", study="small").trials) == 4
    folder.chmod(0o700)


@pytest.mark.parametrize("command", ["hpstudy confirm small", "hpstudy --debug confirm small"])
def test_a_confirmation_does_not_finish_a_search_that_was_stopped(lab: Lab, command: str) -> None:
    with sqlite3.connect(lab.folder / "lab.db") as connection:
        connection.execute("UPDATE hpstudy_runs SET end_reason = 'small: the time is over'")
        connection.execute(
            "INSERT INTO hpstudy_runs (study, started_at, ended_at, end_reason, command, study_file, record) "
            "SELECT study, ended_at, ended_at, 'finished', ?, study_file, record FROM hpstudy_runs",
            (command,),
        )
    connection.close()
    assert lab.results().state == "interrupted"
    assert list_studies(lab.url)["state"].tolist() == ["interrupted"]


def test_a_study_is_reported_while_its_second_run_goes_on(lab: Lab) -> None:
    """The first run has said why it ended; the one that goes on has not."""
    with sqlite3.connect(lab.folder / "lab.db") as connection:
        connection.execute(
            "INSERT INTO hpstudy_runs (study, started_at, command, study_file, record) "
            "SELECT study, ended_at, command, study_file, record FROM hpstudy_runs"
        )
    connection.close()
    results = lab.results()
    assert results.runs["end_reason"].tolist() == ["finished", ""]
    assert results.state == "interrupted"
    told = reproduction(results).runs
    assert isinstance(told, Table)
    assert [row.cells[2].text for row in told.groups[0].rows] == ["finished", "no end is recorded"]
