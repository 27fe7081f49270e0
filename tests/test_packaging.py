"""What an installation holds, and that what only POSIX systems have is not missed elsewhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
import torch

from hpstudy import runner_lock
from hpstudy.datasets import ways
from hpstudy.errors import StudyBusyError
from hpstudy.executors import count, worker_process

ROOT = Path(__file__).parents[1]


def test_the_wheel_is_configured_to_hold_the_package_alone() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["hpstudy"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_built_wheel_holds_the_package_alone(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", tmp_path, ROOT]
    subprocess.run(words, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0] for name in names} == {"hpstudy", f"hpstudy-{wheel.name.split('-')[1]}.dist-info"}
    inside = {name for name in names if name.startswith("hpstudy/")}
    listed = subprocess.run(["git", "ls-files", "hpstudy"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert inside == set(listed.stdout.splitlines())


CLOSED_OUTPUT = """
import errno, signal
del signal.SIGPIPE
import hpstudy.cli, hpstudy.main

def app():
    raise BrokenPipeError(errno.EPIPE, "Broken pipe")

hpstudy.cli.app = app
hpstudy.main.main()
"""


def test_a_closed_output_ends_the_command_where_no_signal_is_called_sigpipe() -> None:
    done = subprocess.run([sys.executable, "-c", CLOSED_OUTPUT], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (141, "", "")


def test_a_lock_file_that_cannot_be_read_is_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".lab.db.small.lock"

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    with runner_lock.hold(path, study="small"):
        monkeypatch.setattr(Path, "read_text", refuse)
        with pytest.raises(StudyBusyError, match="small: is being run by another process; ") as raised:
            runner_lock.require_free(path, study="small")
    assert raised.value.exit_code == 3


@pytest.mark.parametrize("names", [None, {"SC_PAGE_SIZE": 30}])
def test_workers_are_counted_where_the_memory_is_unknown(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, int] | None
) -> None:
    monkeypatch.delattr(os, "sysconf_names")
    if names is None:
        monkeypatch.delattr(os, "sysconf")
    else:
        monkeypatch.setattr(os, "sysconf_names", names, raising=False)
    assert count.choose_n_workers("auto", device=torch.device("cpu")) == torch.get_num_threads()


def test_a_system_without_user_numbers_has_no_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(os, "geteuid")
    monkeypatch.setattr(ways, "_program", lambda name: name)
    with pytest.raises(ways.WayFailedError):
        ways.install_package("fashion_mnist", tmp_path)


def test_workers_are_started_where_signals_cannot_be_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "pthread_sigmask")
    monkeypatch.setattr(worker_process.resource_tracker, "ensure_running", pytest.fail)
    with worker_process._signals_held():
        pass
