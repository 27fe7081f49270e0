"""Studies that are run on a PostgreSQL server, a real one, by one runner and by several."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from sqlalchemy import MetaData, create_engine, select

from hpstudy.errors import InputError, StorageError, StudyBusyError, StudyInterruptedError
from hpstudy.results.listing import list_studies
from hpstudy.search import server as server_module
from hpstudy.search.leases import Leases
from hpstudy.search.removal import check_deletable, delete_study
from hpstudy.search.session import confirm_study, run_study
from hpstudy.search.storage import open_storage
from hpstudy.spec.study import Baseline, Component, Confirm, StudySpec
from hpstudy.tables import LEASES
from tests.conftest import run_on_server
from tests.search.conftest import Lab, Notes, told

BASELINES = (Baseline("plain", "nets.py:tiny", 2, {"batch_size": 64}), Baseline("wide", "nets.py:tiny", 2, {}))


def shared(spec: StudySpec, *, trials: int) -> StudySpec:
    """A study with everything that runners share: a search, baselines, a confirmation."""
    return replace(spec, trials=trials, epochs=2, baselines=BASELINES, confirm=Confirm(top=2, seeds=2))


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch):
    """Makes a run that raises die as with SIGKILL: its lease stays, and is not renewed any more."""

    def kill(_n_epochs: int) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(Leases, "end", lambda _: None)
    return kill


def run_shortly(lab: Lab, spec: StudySpec, url: str, notes: Notes | None = None) -> Notes:
    """Runs a study with a second in the place of the two minutes."""
    notes = notes or Notes()
    run_study(spec, place=replace(lab.place(url), lease_seconds=1.0), observer=notes)
    return notes


def test_a_study_comes_out_as_on_sqlite(lab: Lab, small_spec: StudySpec, database: str) -> None:
    median = Component("median", {"startup_trials": 2, "warmup_epochs": 0})
    spec = replace(shared(small_spec, trials=8), pruner=median, epochs=3)
    lab.run(spec)
    notes = Notes(after_epoch=lambda n: n == 7 and os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(StudyInterruptedError):
        lab.run(spec, url=database, notes=notes)
    lab.run(spec, url=database)
    assert told(lab.results(url=database)) == told(lab.results())
    assert Counter(lab.results().trials["state"]) == {"complete": 6, "pruned": 4}
    assert list_studies(database)["state"].tolist() == ["finished"]


def test_several_runners_make_the_tables_of_a_new_database_at_once(database: str) -> None:
    def opened(_index: int) -> int:
        with open_storage(database) as storage:
            return len(storage.study_names())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(opened, range(4))) == [0] * 4


def test_the_trials_of_a_killed_runner_are_taken_over(
    lab: Lab, small_spec: StudySpec, database: str, killed, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(small_spec, trials=3)
    lab.run(spec)
    with pytest.raises(RuntimeError, match="killed"):
        run_shortly(lab, spec, database, Notes(after_epoch=lambda n: n == 8 and killed(n)))
    monkeypatch.undo()
    began = time.monotonic()
    assert run_shortly(lab, spec, database).labels == ["trial 2"]
    assert time.monotonic() - began >= 1.0
    assert told(lab.results(url=database)) == told(lab.results())


def test_a_runner_that_was_taken_for_dead_stores_nothing_more(lab: Lab, small_spec: StudySpec, database: str) -> None:
    def lose(n: int) -> None:
        if n == 4:
            run_on_server(database, "DELETE FROM hpstudy_leases")

    with pytest.raises(StorageError, match="other runners took this one for dead"):
        lab.run(replace(small_spec, trials=2), url=database, notes=Notes(after_epoch=lose))
    trials = lab.results(url=database).trials
    assert trials["state"].tolist() == ["complete", "interrupted"]
    assert trials["epochs"].tolist() == [3, 1]
    lab.run(replace(small_spec, trials=2), url=database)
    assert lab.results(url=database).trials["state"].tolist() == ["complete"] * 2


def test_readers_tell_a_dead_runners_trials_from_a_living_ones(
    lab: Lab, small_spec: StudySpec, database: str, killed, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(small_spec, trials=2)
    with pytest.raises(RuntimeError, match="killed"):
        lab.run(spec, url=database, notes=Notes(after_epoch=killed))
    monkeypatch.undo()
    assert lab.results(url=database).trials["state"].tolist() == ["running"]  # for two minutes
    run_on_server(database, "UPDATE hpstudy_leases SET beaten_at = now() - interval '3 minutes'")
    assert lab.results(url=database).trials["state"].tolist() == ["interrupted"]
    seen: list[tuple[str, list[str]]] = []

    def look(n: int) -> None:
        results = lab.results(url=database)
        seen.append((results.state, results.trials["state"].tolist()))
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(StudyInterruptedError):
        lab.run(spec, url=database, notes=Notes(after_epoch=look))
    assert seen == [("running", ["interrupted", "running"])]
    assert set(run_shortly(lab, spec, database).labels) == {"trial 0", "trial 1"}
    assert lab.results(url=database).state == "finished"


def test_a_study_that_others_search_is_not_confirmed(lab: Lab, small_spec: StudySpec, database: str) -> None:
    def confirm(n: int) -> None:
        if n == 4:  # in the second trial
            with pytest.raises(StudyBusyError, match="small: other runners are searching it; confirm it once"):
                confirm_study("small", top=1, seeds=1, place=lab.place(database), observer=Notes())

    lab.run(replace(small_spec, trials=2), url=database, notes=Notes(after_epoch=confirm))
    notes = Notes()
    confirm_study("small", top=1, seeds=1, place=lab.place(database), observer=notes)
    assert len(notes.labels) == 1


def test_a_study_that_is_run_is_not_deleted(lab: Lab, small_spec: StudySpec, database: str) -> None:
    def refused(n: int) -> None:
        for delete in (check_deletable, lambda url, **rest: delete_study(url, artifacts=lab.folder, **rest)):
            with pytest.raises(StudyBusyError, match="small: is being run; wait for its runners, or stop them"):
                delete(database, study="small")

    lab.run(replace(small_spec, trials=1, epochs=1), url=database, notes=Notes(after_epoch=refused))
    run_on_server(database, "INSERT INTO hpstudy_leases SELECT run_id, 'epoch' FROM hpstudy_runs")
    delete_study(database, study="small", artifacts=lab.folder)
    with open_storage(database) as storage, storage.engine.connect() as connection:
        assert storage.study_names() == []
        assert connection.execute(select(LEASES)).all() == []
    with pytest.raises(InputError, match="small: the storage has no such study"):
        check_deletable(database, study="small")


def shut(server: str, database: str) -> None:
    """Ends every connection to a database, and lets nobody in."""
    name = re.search(r"/(\w+)\?", database)[1]
    ends = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    run_on_server(server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false", ends)


def reopen(server: str, database: str) -> None:
    name = re.search(r"/(\w+)\?", database)[1]
    run_on_server(server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def test_a_runner_waits_for_a_server_that_has_gone(lab: Lab, small_spec: StudySpec, server: str, database: str) -> None:
    def vanish(n: int) -> None:
        if n == 4:
            shut(server, database)
            threading.Timer(2.0, reopen, (server, database)).start()

    lab.run(replace(small_spec, trials=2), url=database, notes=Notes(after_epoch=vanish))
    lab.run(replace(small_spec, trials=2))
    assert told(lab.results(url=database)) == told(lab.results())


@pytest.mark.slow
def test_a_server_that_stays_away_ends_the_run_which_can_be_gone_on_with(
    lab: Lab, small_spec: StudySpec, server: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "_PATIENCE_SECONDS", 1.0)
    with pytest.raises(StorageError) as raised:
        lab.run(
            replace(small_spec, trials=2),
            url=database,
            notes=Notes(after_epoch=lambda n: n == 4 and shut(server, database)),
        )
    assert re.fullmatch(
        r"localhost/empty\d+: the database cannot be used \(.*not currently accepting.*\)", str(raised.value)
    )
    reopen(server, database)
    run_shortly(lab, replace(small_spec, trials=2), database)  # the lease could not be given back
    lab.run(replace(small_spec, trials=2))
    assert told(lab.results(url=database)) == told(lab.results())


def start(study: Path, url: str, *options: str, first: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """A runner as its users start it, with the URL where no process list shows it."""
    artifacts = ("--artifacts", str(study.parent / "artifacts"))
    return subprocess.Popen(
        [sys.executable, "-m", "hpstudy", *first, "run", str(study), *artifacts, *options],
        env=os.environ | {"HPSTUDY_STORAGE": url, "PYTHONUNBUFFERED": "1"},
        cwd=study.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def check_shared(outputs: list[str], results, *, trials: int) -> None:
    """Every training was done once, by one of the runners, and each runner did some."""
    lines = [
        re.findall(r"^((?:trial \d+|plain|wide)(?:, seed \d)?) +complete", output, re.MULTILINE) for output in outputs
    ]
    assert all(lines), outputs
    done = Counter(label for of_runner in lines for label in of_runner)
    assert set(done.values()) == {1}, done
    assert len(done) == trials + 2 + 4 * 2  # the search, the baselines; four configurations with two seeds
    assert results.state == "finished"
    assert results.search["number"].tolist() == list(range(trials))
    assert results.baselines["label"].tolist() == ["plain", "wide"]
    assert results.trials["state"].tolist() == ["complete"] * (trials + 2)
    assert results.trials["epochs"].tolist() == [2] * (trials + 2)
    assert results.confirmations.groupby("configuration")["seed"].apply(list).tolist() == [[1, 2]] * 4
    assert results.former_candidates == ()


STUDY = """
baselines:
  plain: {batch_size: 64}
  wide: {}
"""


@pytest.fixture
def shared_study(small_study: Path) -> Path:
    text = small_study.read_text(encoding="utf-8")
    text = text.replace("epochs: 3", "epochs: 2").replace("confirm: false", "confirm: {top: 2, seeds: 2}")
    small_study.write_text(text + STUDY, encoding="utf-8")
    return small_study


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_two_runners_share_a_study(lab: Lab, shared_study: Path, database: str) -> None:
    runners = [start(shared_study, database, "--trials", "16") for _ in range(2)]
    outputs = [runner.communicate()[0] for runner in runners]
    assert [runner.returncode for runner in runners] == [0, 0], outputs
    check_shared(outputs, lab.results(url=database), trials=16)
    assert "s3cret" not in "".join(outputs) + dumped(database)


@pytest.mark.slow
def test_two_runners_with_two_workers_each_share_a_study(lab: Lab, shared_study: Path, database: str) -> None:
    runners = [start(shared_study, database, "--trials", "60", "--workers", "2") for _ in range(2)]
    outputs = [runner.communicate()[0] for runner in runners]
    assert [runner.returncode for runner in runners] == [0, 0], outputs
    check_shared(outputs, lab.results(url=database), trials=60)


@pytest.mark.slow
def test_the_trials_of_a_runner_that_is_killed_are_finished_by_the_other(
    lab: Lab, shared_study: Path, database: str
) -> None:
    """With the two minutes that users have."""
    runners = [start(shared_study, database, "--trials", "12", "--epochs", "40") for _ in range(2)]
    for line in runners[0].stdout:
        if "complete" in line:
            break
    time.sleep(0.5)  # into its next training
    runners[0].kill()
    runners[0].communicate()
    killed_at = time.monotonic()
    output = runners[1].communicate()[0]
    assert time.monotonic() - killed_at >= 100  # it last renewed its lease up to 20 s before
    assert runners[1].returncode == 0, output
    results = lab.results(url=database)
    assert results.state == "finished"
    assert results.runs["ended_at"].isna().sum() == 1
    assert results.search["number"].tolist() == list(range(12))
    assert results.trials["state"].tolist() == ["complete"] * 14
    assert results.trials["epochs"].tolist() == [40] * 14


def test_a_failure_with_its_traceback_shows_no_password(shared_study: Path, database: str) -> None:
    absent = re.sub(r"/empty\d+\?", "/nowhere?", database)
    failed = start(shared_study, absent, first=("--debug",))
    output = failed.communicate()[0]
    assert failed.returncode != 0
    assert "Traceback" in output
    assert "s3cret" not in output


def dumped(url: str) -> str:
    """Every row of every table."""
    engine, tables = create_engine(url), MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        rows = [str(row) for table in tables.sorted_tables for row in connection.execute(table.select())]
    engine.dispose()
    assert len(rows) > 100
    return "\n".join(rows)


def test_other_tools_read_it(lab: Lab, small_spec: StudySpec, database: str) -> None:
    lab.run(replace(small_spec, trials=2, epochs=1), url=database)
    storage = optuna.storages.RDBStorage(database)
    study = optuna.load_study(study_name="small", storage=storage)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 2
    storage.engine.dispose()
