"""Optuna's own tools on a study that hpstudy has run: its command line and optuna-dashboard, started for real."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hpstudy.spec.study import Baseline, StudySpec
from tests.search.conftest import Lab

BIN = Path(sys.executable).parent


@pytest.fixture
def lab(tmp_path: Path, small_spec: StudySpec) -> Lab:
    """A storage with a study of three trials and a baseline."""
    made = Lab(tmp_path)
    made.run(replace(small_spec, trials=3, baselines=(Baseline("plain", "nets.py:tiny", 2, {}),)))
    return made


def test_optunas_command_line_lists_the_trials(lab: Lab) -> None:
    words = [BIN / "optuna", "trials", "--study-name", "small", "--storage", lab.url, "--format", "json"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    trials = json.loads(done.stdout)
    results = lab.results().trials
    assert [trial["state"] for trial in trials] == ["COMPLETE"] * 3
    values = results["value"][results["part"] == "search"]
    assert [trial["value"] for trial in trials] == [{"validation accuracy": value} for value in values]


def test_the_dashboard_shows_the_studies_with_their_epochs(lab: Lab) -> None:
    with dashboard(lab.url) as address:
        studies = {study["study_name"]: study for study in asked(f"{address}/api/studies")["study_summaries"]}
        assert set(studies) == {"small", "small/baselines"}
        details = asked(f"{address}/api/studies/{studies['small']['study_id']}")
    assert [trial["state"] for trial in details["trials"]] == ["Complete"] * 3
    assert [len(trial["intermediate_values"]) for trial in details["trials"]] == [3] * 3


@contextmanager
def dashboard(url: str) -> Iterator[str]:
    """optuna-dashboard on a free port, until the body has ended."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [BIN / "optuna-dashboard", url, "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        while not _answers(address):
            assert server.poll() is None, "optuna-dashboard has ended"
            time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=100)


def _answers(address: str) -> bool:
    try:
        asked(f"{address}/api/studies")
    except (urllib.error.URLError, ConnectionError):
        return False
    return True


def asked(address: str):
    """The JSON that an address answers with."""
    with urllib.request.urlopen(address, timeout=100) as answer:
        return json.load(answer)
