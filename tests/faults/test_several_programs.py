"""Several programs on one storage: two runners, a runner that is stopped, and readers beside a runner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.bench import Bench, Run
from tests.faults.invariants import check_equal, check_finished
from tests.faults.kill_loop import STUDY
from tests.faults.study import N_TRIALS, small_bench
from tests.faults.test_full_disk import started
from tests.test_optuna_tools import asked, dashboard

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("attempt", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 20))])
def test_of_two_runners_at_once_one_works_and_the_other_says_so(tmp_path: Path, attempt: int) -> None:
    # So many epochs that the first still runs when the second has imported torch.
    bench = small_bench(tmp_path / "study", "--epochs", "40")
    runs = [bench.start(), bench.start()]
    codes = [run.wait() for run in runs]
    assert sorted(codes) == [0, 3], [run.text() for run in runs]
    works, refused = sorted(runs, key=lambda run: run.process.returncode)
    owner = f"points: is being run by process {works.process.pid} on {os.uname().nodename}"
    assert refused.text() == f"{owner}; wait for it, or stop it\n"
    check_finished(bench, n_trials=N_TRIALS)


def test_a_runner_that_is_stopped_keeps_its_study_and_goes_on(tmp_path: Path, reference: Bench) -> None:
    bench = small_bench(tmp_path / "study")
    run = started(bench)
    run.process.send_signal(signal.SIGSTOP)
    time.sleep(1)
    assert bench.results().state == "running"
    second = bench.start()
    assert second.wait() == 3
    assert second.text().startswith(f"points: is being run by process {run.process.pid} on ")
    run.process.send_signal(signal.SIGCONT)
    assert run.wait() == 0, run.text()
    check_finished(bench, n_trials=N_TRIALS)
    check_equal(bench, reference)


@pytest.mark.slow
def test_a_dashboard_and_readers_beside_a_runner_hinder_nobody(tmp_path: Path) -> None:
    """So many trials of LeNet-5 that it takes two minutes."""
    n_trials = 120
    bench = Bench(tmp_path / "study", options=("--trials", str(n_trials)))
    bench.write(study_yaml=STUDY.replace("SAMPLER", "tpe"))
    run = bench.start()
    while not run.has_begun():
        assert run.process.poll() is None, run.text()
        time.sleep(0.1)
    with dashboard(bench.url) as address, ThreadPoolExecutor(2) as readers:
        watched = readers.submit(repeat, lambda: ask_all(address), run)
        read = readers.submit(repeat, lambda: read_all(bench.folder), run)
        assert run.wait() == 0, run.text()
        assert watched.result() >= 5
        assert read.result() >= 2
    check_finished(bench, n_trials=n_trials)


def repeat(read: Callable[[], None], run: Run) -> int:
    """Reads as long as the run lasts; returns how often."""
    n_read = 0
    while run.process.poll() is None:
        read()
        n_read += 1
    return n_read


def ask_all(address: str) -> None:
    """What the dashboard asks of its server for the list, and for each study."""
    for study in asked(f"{address}/api/studies")["study_summaries"]:
        details = asked(f"{address}/api/studies/{study['study_id']}")
        assert "Fail" not in {trial["state"] for trial in details["trials"]}


def read_all(folder: Path) -> None:
    """The commands that read, one after the other."""
    for words in (("list",), ("show", "faults"), ("report", "faults")):
        done = subprocess.run([sys.executable, "-m", "hpstudy", *words], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, (words, done.stderr)
