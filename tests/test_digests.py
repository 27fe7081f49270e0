"""Silent changes of a database are named by trial; what is not damage is never taken for it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna_dashboard import save_note

from hpstudy.errors import InputError, StorageError
from hpstudy.report.page import write_report
from hpstudy.results.load import load_results
from hpstudy.results.study import StudyResults
from hpstudy.search.storage import open_storage
from hpstudy.spec.load import load_study
from hpstudy.spec.study import Baseline, Confirm
from tests.damage import HURT, Bench, Shell, flip, forget_digests
from tests.search.conftest import Lab

TRIAL = "(SELECT trial_id FROM trials JOIN studies USING (study_id) WHERE study_name = 'hurt' AND number = 1)"
CONFIRMATION = TRIAL.replace("'hurt'", "'hurt/confirm'")


@pytest.fixture
def lab(bench: Bench, tmp_path: Path) -> Lab:
    bench.copy(tmp_path / "lab")
    return Lab(tmp_path / "lab")


@pytest.fixture
def shell(lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(lab.folder, monkeypatch, capsys)


def change(lab: Lab, *statements: str) -> None:
    with closing(sqlite3.connect(lab.folder / "lab.db")) as connection, connection:
        for statement in statements:
            assert connection.execute(statement).rowcount, statement


CHANGES = {
    "value": (f"UPDATE trial_values SET value = value * (1 - 1e-12) WHERE trial_id = {TRIAL}", "trial 1"),
    "test accuracy": (
        f"UPDATE trial_values SET value = value * (1 - 1e-12) WHERE trial_id = {CONFIRMATION}",
        "confirmation trial 1",
    ),
    "epoch": (
        f"UPDATE hpstudy_epochs SET val_accuracy = val_accuracy * (1 - 1e-12) WHERE trial_id = {TRIAL} AND epoch = 0",
        "trial 1",
    ),
    "time": (f"UPDATE hpstudy_epochs SET seconds = seconds * 2 WHERE trial_id = {TRIAL} AND epoch = 1", "trial 1"),
    "epochs are gone": (f"DELETE FROM hpstudy_epochs WHERE trial_id = {TRIAL}", "trial 1"),
    "moment": (
        f"UPDATE trials SET datetime_complete = '2026-01-01 00:00:00.000001' WHERE trial_id = {TRIAL}",
        "trial 1",
    ),
    "state": (f"UPDATE trials SET state = 'FAIL' WHERE trial_id = {TRIAL}", "trial 1"),
    "configuration": (
        f"""UPDATE trial_user_attributes SET value_json = replace(value_json, '"batch_size": 256', '"batch_size": 257')
        WHERE key = 'config' AND trial_id = {TRIAL}""",
        "trial 1",
    ),
    "attribute is gone": (
        f"DELETE FROM trial_user_attributes WHERE key = 'train_accuracy' AND trial_id = {TRIAL}",
        "trial 1",
    ),
    "description": (
        "UPDATE study_user_attributes SET value_json = '\"Why?\"' WHERE key = 'hpstudy:description' AND study_id = 1",
        "the study's attributes",
    ),
    "run": ("UPDATE hpstudy_runs SET command = 'hpstudy run other.yaml' WHERE run_id = 1", "run 1"),
    "run is gone": ("DELETE FROM hpstudy_runs WHERE run_id = 1", "run 1, which is missing"),
    "last trial is gone": (
        """DELETE FROM trials WHERE trial_id = (SELECT max(trial_id) FROM trials JOIN studies USING (study_id)
        WHERE study_name = 'hurt/confirm')""",
        "are missing",
    ),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_silent_change_is_named(lab: Lab, kind: str) -> None:
    statement, named = CHANGES[kind]
    assert lab.results(HURT).digests.changed == ()
    change(lab, statement)
    changed = lab.results(HURT).digests.changed
    assert len(changed) == 1
    assert named in changed[0]
    assert lab.results("sound").digests.changed == ()


def test_commands_say_what_has_changed(lab: Lab, shell: Shell) -> None:
    change(lab, CHANGES["value"][0])
    code, said = shell("list")
    assert code == 0
    assert "hurt: trial 1 is not what hpstudy stored" in said.partition("Damaged:")[2]
    code, said = shell("show", HURT)
    assert code == 0
    assert said.splitlines()[2].startswith("Damaged: trial 1 ")
    assert "hpstudy confirm" not in said  # nor any other command that refuses it
    assert shell("show", HURT, "2")[1].startswith("Damaged: trial 1 ")
    code, said = shell("report", HURT, "--markdown")
    assert code == 3
    assert "Damaged: trial 1 " in said
    for file in ("hurt.html", "hurt/README.md"):
        text = (lab.folder / "reports" / file).read_text(encoding="utf-8")
        assert text.index("Damaged: trial 1 is not") < text.index("Findings")
    assert shell("report")[0] == 3
    assert (lab.folder / "reports" / "sound.html").exists()
    for command in (("confirm", HURT), ("export", HURT, "--output", "model"), ("rerun", HURT, "0")):
        code, said = shell(*command)
        assert (code, "trial 1" in said) == (3, True), command


def test_a_changed_parameter_is_found_before_a_run_goes_on(lab: Lab, shell: Shell) -> None:
    change(
        lab,
        f"""UPDATE trial_params SET param_value = param_value * 0.99
        WHERE param_name = 'learning_rate' AND trial_id = {TRIAL}""",
    )
    assert shell("show", HURT)[0] == 0
    code, said = shell("run", "hurt.yaml", "--trials", "9")
    assert (code, "hurt: trial 1: " in said) == (3, True)


def test_what_other_programs_add_changes_nothing(lab: Lab) -> None:
    before = lab.results(HURT).digests
    study = optuna.load_study(study_name=HURT, storage=lab.url)
    study.set_user_attr("mine", 1)
    save_note(study, "What I think of it.")
    study._storage._backend.engine.dispose()
    change(lab, f"INSERT INTO trial_user_attributes (trial_id, key, value_json) VALUES ({TRIAL}, 'mine', '1')")
    assert lab.results(HURT).digests == before
    assert before.n_equal == 8


def test_a_run_that_was_killed_before_a_digest_leaves_none_and_the_next_writes_it(lab: Lab, shell: Shell) -> None:
    change(
        lab,
        f"DELETE FROM trial_user_attributes WHERE key = 'digest' AND trial_id = {TRIAL}",
        "DELETE FROM study_user_attributes WHERE key = 'hpstudy:digest' AND study_id = 1",
    )
    digests = lab.results(HURT).digests
    assert (digests.changed, digests.without, digests.n_equal) == ((), ("trial 1",), 7)
    assert "none is stored of trial 1" in shell("show", HURT)[1]
    assert shell("report", HURT)[0] == 0
    spec = load_study(lab.folder / "hurt.yaml")
    baselines = (Baseline("plain one", "nets.py:tiny", 2, {"batch_size": 64}),)
    lab.run(replace(spec, trials=4, baselines=baselines, confirm=Confirm(top=1, seeds=2)))
    digests = lab.results(HURT).digests
    assert (digests.changed, digests.without) == ((), ())
    change(lab, CHANGES["description"][0])
    assert lab.results(HURT).digests.changed == ("the study's attributes",)


def test_what_an_older_hpstudy_did_since_is_not_damage(lab: Lab) -> None:
    """It changes attributes, adds a run and trials, and knows no digest."""
    change(
        lab,
        CHANGES["description"][0],
        """INSERT INTO hpstudy_runs (study, started_at, command, study_file, record)
        SELECT study, started_at, command, study_file, json_remove(record, '$.digest')
        FROM hpstudy_runs WHERE run_id = 1""",
    )
    assert lab.results(HURT).digests.changed == ()


def test_an_older_study_is_labelled_and_not_warned_of(lab: Lab, shell: Shell) -> None:
    forget_digests(lab.folder / "lab.db")
    results = lab.results(HURT)
    assert (results.digests.changed, results.digests.n_equal) == ((), 0)
    assert shell("report", HURT)[0] == 0
    html = (lab.folder / "reports" / "hurt.html").read_text(encoding="utf-8")
    assert "an older hpstudy trained this" in html
    assert "Damaged" not in html
    assert "Damaged" not in shell("list")[1]


def test_a_copy_by_optuna_is_not_accused(lab: Lab) -> None:
    with open_storage(lab.url) as storage:
        optuna.copy_study(
            from_study_name=HURT, from_storage=storage.optuna, to_storage=storage.optuna, to_study_name="copied"
        )
    # The folder of the original's files is not the copy's, and is refused for it.
    change(
        lab,
        """UPDATE study_user_attributes SET value_json = '"copied-0badcafe"'
        WHERE value_json LIKE '"hurt-%' AND study_id > 1""",
    )
    digests = lab.results("copied").digests
    assert (digests.changed, digests.copied_from) == ((), HURT)


def test_deletion_leaves_no_row_behind(lab: Lab, shell: Shell) -> None:
    assert shell("delete", HURT, "--yes")[0] == 0
    assert shell("delete", "sound", "--yes")[0] == 0
    with closing(sqlite3.connect(lab.folder / "lab.db")) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        foreign = connection.execute("SELECT study_id FROM studies").fetchall()
        assert len(foreign) == 1
        for table in tables:
            columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            for owner, owners in (("study_id", "studies"), ("trial_id", "trials")):
                if owner in columns:
                    left = f"SELECT count(*) FROM {table} WHERE {owner} NOT IN (SELECT {owner} FROM {owners})"
                    assert connection.execute(left).fetchone() == (0,), table
        assert connection.execute("SELECT count(*) FROM hpstudy_runs").fetchone() == (0,)


def as_read(results: StudyResults) -> object:
    """All that a report is made from, as plain data."""
    frames = (results.trials, results.epochs, results.confirmations, results.runs)
    rows = [repr(frame.to_dict("list")) for frame in frames]
    return rows, repr(replace(results, trials=None, epochs=None, confirmations=None, runs=None))


def examine_flip(bench: Bench, folder: Path, shell: Shell, *, seed: int, sound: object, report: bytes) -> str:
    """Flips a bit of a copy; returns what came of it."""
    database = bench.copy(folder)
    where = flip(database, seed=seed)
    code, listed = shell("list")
    assert code in {0, 3}, f"{where}: {listed}"
    assert shell("show", HURT)[0] in {0, 2, 3}
    try:
        results = load_results(f"sqlite:///{database}", study=HURT)
    except StorageError:
        kind = "refused"
    except InputError:
        assert HURT not in listed.split(), where
        kind = "gone"
    else:
        kind = "equal"
        if as_read(results) != sound:
            code, said = shell("report", HURT)
            if code == 3:
                kind = "told"
                assert "amaged" in said, where
            else:
                now = write_report(results, output=folder / "reports", predictions=None).read_bytes()
                labelled = results.digests.without or results.digests.copied_from
                assert now == report or labelled, f"seed {seed}, {where}: the report differs and says nothing"
                kind = "labelled" if labelled else "equal"
    shutil.rmtree(folder)
    return kind


@pytest.mark.parametrize(
    ("first", "n"),
    [(0, 12), *(pytest.param(1_000 + 100 * batch, 100, marks=pytest.mark.slow) for batch in range(3))],
)
@pytest.mark.timeout(1800)
def test_flipped_bits_are_harmless_or_told(
    bench: Bench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    first: int,
    n: int,
) -> None:
    original = load_results(f"sqlite:///{bench.folder / 'lab.db'}", study=HURT)
    report = write_report(original, output=tmp_path / "original", predictions=None).read_bytes()
    shell = Shell(tmp_path / "flipped", monkeypatch, capsys)
    for seed in range(first, first + n):
        examine_flip(bench, tmp_path / "flipped", shell, seed=seed, sound=as_read(original), report=report)
