"""A PostgreSQL server that is frozen or killed under a run: a person hears of it, signals work, nothing is lost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hpstudy.results.load import load_results
from hpstudy.spec.study import StudySpec
from tests.search.conftest import Lab, told

psutil = pytest.importorskip("psutil", reason="it comes with the server")

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

WAITS = "the database does not answer; waiting…"
ANSWERS = "the database answers again"


def postmaster(url: str):
    """The server's first process; the others are its children."""
    folder = Path(url.rpartition("host=")[2])
    return psutil.Process(int((folder / "postmaster.pid").read_text(encoding="utf-8").split()[0]))


@contextmanager
def frozen(url: str) -> Iterator[None]:
    """While the body runs no process of the server runs."""
    first = postmaster(url)
    processes = [first, *first.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


class Run:
    """A run in a process of its own, and what it has printed."""

    def __init__(self, study: Path, url: str, *options: str) -> None:
        self.output = study.with_name("output.txt")
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hpstudy", "run", str(study), *options],
                env=os.environ | {"HPSTUDY_STORAGE": url, "PYTHONUNBUFFERED": "1"},
                cwd=study.parent,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def text(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def wait_until(self, holds: Callable[[], bool], *, seconds: float = 100) -> float:
        began = time.monotonic()
        while not holds():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() - began < seconds, self.text()
            time.sleep(0.05)
        return time.monotonic() - began

    def seconds_to_end(self) -> float:
        began = time.monotonic()
        self.process.wait(timeout=100)
        return time.monotonic() - began


@pytest.fixture
def start(small_study: Path, database: str) -> Iterator[Callable[..., Run]]:
    """Starts a run; what is left of it ends with the test."""
    runs: list[Run] = []

    def start(*options: str) -> Run:
        runs.append(Run(small_study, database, *options))
        return runs[-1]

    yield start
    for run in runs:
        run.process.kill()
        run.process.wait()


@pytest.mark.parametrize("seconds", [12, pytest.param(150, marks=pytest.mark.slow)])
def test_a_frozen_server_is_told_of_and_waited_for(start, database: str, seconds: int) -> None:
    run = start("--trials", "20")
    run.wait_until(lambda: "complete" in run.text())
    with frozen(database):
        assert run.wait_until(lambda: WAITS in run.text()) > 8
        time.sleep(seconds - 10)
        assert run.process.poll() is None
        assert ANSWERS not in run.text()
    run.wait_until(lambda: ANSWERS in run.text())
    run.seconds_to_end()
    assert run.process.returncode == 0, run.text()
    assert [run.text().count(line) for line in (WAITS, ANSWERS)] == [1, 1]
    results = load_results(database, study="small")
    assert results.trials["state"].tolist() == ["complete"] * 20
    assert results.trials["epochs"].tolist() == [3] * 20


def test_ctrl_c_twice_stops_a_run_whose_server_is_frozen(start, database: str) -> None:
    run = start("--trials", "400")
    run.wait_until(lambda: "complete" in run.text())
    with frozen(database):
        run.wait_until(lambda: WAITS in run.text())
        run.process.send_signal(signal.SIGINT)
        run.wait_until(lambda: "press Ctrl-C again" in run.text(), seconds=2)
        run.process.send_signal(signal.SIGINT)
        # The rest is Python's own end; on an idle machine both take two seconds.
        assert run.wait_until(lambda: "stopped by SIGINT" in run.text()) < 5
        run.seconds_to_end()
    assert run.process.returncode == 130, run.text()
    assert "Traceback" not in run.text()


@pytest.mark.slow
def test_sigterm_stops_a_run_whose_server_is_frozen_within_half_a_minute(start, database: str) -> None:
    run = start("--trials", "400")
    run.wait_until(lambda: "complete" in run.text())
    with frozen(database):
        time.sleep(2)
        run.process.send_signal(signal.SIGTERM)
        seconds = run.seconds_to_end()
    assert run.process.returncode == 143, run.text()
    assert seconds < 30


def test_ctrl_c_ends_a_reader_whose_server_is_frozen(database: str) -> None:
    with frozen(database):
        reader = subprocess.Popen(
            [sys.executable, "-m", "hpstudy", "list"], env=os.environ | {"HPSTUDY_STORAGE": database}
        )
        time.sleep(4)
        reader.send_signal(signal.SIGINT)
        began = time.monotonic()
        reader.wait(timeout=100)
        assert time.monotonic() - began < 4


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_backends_that_are_killed_all_the_time_cost_nothing(
    small_spec: StudySpec, small_study: Path, start, database: str, sent: signal.Signals
) -> None:
    """SIGTERM as pg_terminate_backend sends it; after SIGKILL the whole server starts again."""
    run = start("--trials", "12")
    name = re.search(r"/(empty\d+)\?", database)[1]
    n_killed = 0
    run.wait_until(lambda: "complete" in run.text())
    while run.process.poll() is None and n_killed < 30:
        for process in postmaster(database).children():
            if f" {name} " in " ".join(process.cmdline()):
                process.send_signal(sent)
                n_killed += 1
        time.sleep(0.3 if sent == signal.SIGTERM else 3)
    run.seconds_to_end()
    assert run.process.returncode == 0, run.text()
    assert n_killed >= 2
    results = load_results(database, study="small")
    lab = Lab(small_study.parent)
    lab.run(replace(small_spec, trials=12))
    assert told(results) == told(lab.results())
    assert len(results.runs) == 1
