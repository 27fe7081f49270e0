"""A disk that is full, and a database that another program holds: the run waits, or ends in a sentence and goes on."""

from __future__ import annotations

import resource
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.faults.bench import Bench, Run
from tests.faults.invariants import check_after_kill, check_equal, check_finished, check_no_leftovers
from tests.faults.study import N_TRIALS, small_bench

pytestmark = pytest.mark.faults

WAITS_LITTLE = {"SET": "hpstudy.search.patience:WAIT_SECONDS=3"}


FULL = {
    "too_large_a_file": ("disk I/O error", "see whether the disk is full or broken"),
    "full_disk": ("database or disk is full", "free some space"),
}
"""What SQLite says of a limit on the size of files and of a full disk, and what a person is told to do."""


@pytest.fixture(params=["file size", "tmpfs"])
def narrow(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Callable]]:
    """A folder for a study, and a context manager during which a run there finds its disk full.

    A limit on the size of files needs no rights, and SQLite calls it an I/O error; a small disk is the real thing.
    """
    if request.param == "file size":
        yield tmp_path / "study", too_large_a_file
        return
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no right to mount a small disk")
    try:
        yield disk / "study", full_disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@contextmanager
def too_large_a_file(bench: Bench, run: Run) -> Iterator[None]:
    """No file of the run may become larger than the database's log is now."""
    log = bench.database.with_name("hpstudy.db-wal")
    resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, resource.RLIM_INFINITY))
    yield
    if run.process.poll() is None:
        resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextmanager
def full_disk(bench: Bench, run: Run) -> Iterator[None]:
    """Nothing is free on the disk."""
    ballast = bench.folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    yield
    ballast.unlink()


@contextmanager
def held(bench: Bench, run: Run) -> Iterator[None]:
    """Another program writes to the database, and takes its time."""
    with closing(sqlite3.connect(bench.database, timeout=60, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def started(bench: Bench) -> Run:
    """A run that has told of two trainings."""
    run = bench.start()
    wait_until(lambda: len(bench.printed()) >= 2, run)
    return run


def wait_until(holds: Callable[[], bool], run: Run) -> None:
    deadline = time.monotonic() + 100
    while not holds():
        assert run.process.poll() is None, run.text()
        assert time.monotonic() < deadline, run.text()
        time.sleep(0.02)


def test_a_disk_that_is_full_for_a_while_is_waited_for(narrow, reference: Bench) -> None:
    folder, full = narrow
    bench = small_bench(folder)
    run = started(bench)
    with full(bench, run):
        time.sleep(5)
        n_printed = len(bench.printed())
        assert run.process.poll() is None, run.text()
    assert run.wait() == 0, run.text()
    assert n_printed < len(bench.printed()) == len(reference.printed())
    (bench.folder / "ballast").unlink(missing_ok=True)
    check_finished(bench, n_trials=N_TRIALS)
    check_equal(bench, reference)


def test_a_disk_that_stays_full_ends_the_run_which_goes_on_later(narrow, reference: Bench) -> None:
    folder, full = narrow
    bench = small_bench(folder, **WAITS_LITTLE)
    run = started(bench)
    with full(bench, run):
        assert run.wait() == 3
        check_after_kill(bench)
    told = run.text().splitlines()[-1]
    fact, remedy = FULL[full.__name__]
    assert told == f"hpstudy.db: the database cannot be used ({fact}); {remedy}, then the same command goes on"
    assert "Traceback" not in run.text()
    bench.finish()
    check_finished(bench, n_trials=N_TRIALS)
    check_equal(bench, reference)


@pytest.mark.slow
def test_weights_that_do_not_fit_on_the_disk_fail_no_trial(tmp_path: Path) -> None:
    bench = small_bench(tmp_path / "study")
    file = bench.folder / "study.yaml"
    wide = "batch_size: 256\n  nets.py:tiny.hidden: 40000"  # 12 MB of weights
    file.write_text(file.read_text(encoding="utf-8").replace("batch_size: 256", wide), encoding="utf-8")
    run = bench.start()
    wait_until(run.has_begun, run)
    resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (8_000_000, resource.RLIM_INFINITY))
    assert run.wait() == 3
    assert run.text().splitlines()[-1].endswith("baselines-0.safetensors: cannot be written (File too large)")
    check_after_kill(bench)
    check_no_leftovers(bench)
    assert bench.results().trials["state"].tolist() == ["interrupted"]
    bench.finish()
    check_finished(bench, n_trials=N_TRIALS)


def test_a_program_that_holds_the_database_for_a_while_is_waited_for(tmp_path: Path, reference: Bench) -> None:
    bench = small_bench(tmp_path / "study")
    run = started(bench)
    with held(bench, run):
        n_printed = len(bench.printed())
        time.sleep(8)  # more than SQLite's usual five
        assert run.process.poll() is None, run.text()
        assert len(bench.printed()) <= n_printed + 1
    assert run.wait() == 0, run.text()
    check_finished(bench, n_trials=N_TRIALS)
    check_equal(bench, reference)


@pytest.mark.slow
def test_a_program_that_keeps_the_database_ends_the_run_which_goes_on_later(tmp_path: Path, reference: Bench) -> None:
    bench = small_bench(tmp_path / "study", **WAITS_LITTLE)
    run = started(bench)
    with held(bench, run):
        assert run.wait() == 3
        check_after_kill(bench)
    assert run.text().splitlines()[-1] == (
        "hpstudy.db: the database cannot be used (database is locked); end the program that holds it, then the same "
        "command goes on"
    )
    bench.finish()
    check_finished(bench, n_trials=N_TRIALS)
    check_equal(bench, reference)
