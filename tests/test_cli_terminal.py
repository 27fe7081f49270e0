"""A run on a real terminal: progress, Ctrl-C, and going on."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pexpect
import pytest

from hpstudy.results.load import load_results
from hpstudy.runner_lock import hold, lock_path
from hpstudy.spec.study import StudySpec
from tests.search.conftest import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A storage where the commands look for it."""
    return Lab(tmp_path)


def on_terminal(folder: Path, *words: str) -> pexpect.spawn:
    """`hpstudy WORDS` on a terminal of 100 columns; Ctrl-C reaches it, also where the tests run in the background."""
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    return pexpect.spawn(
        sys.executable,
        ["-m", "hpstudy", *words],
        cwd=str(folder),
        env=environment,
        dimensions=(40, 100),
        encoding="utf-8",
        timeout=200,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("\x03", 130)])
def test_a_study_is_not_deleted_without_a_yes(lab: Lab, small_spec: StudySpec, answer: str, code: int) -> None:
    url = f"sqlite:///{lab.folder / 'hpstudy.db'}"
    lab.run(replace(small_spec, trials=1), url=url)
    delete = on_terminal(lab.folder, "delete", "small")
    delete.expect("for ever")
    delete.send(answer)
    delete.expect("nothing is deleted")
    delete.expect(pexpect.EOF)
    delete.close()
    assert delete.exitstatus == code
    assert len(lab.results(url=url).trials) == 1


@pytest.mark.faults
@pytest.mark.parametrize(
    ("interrupt", "again", "code"),
    [
        (lambda run: run.sendintr(), "press Ctrl-C again", 130),
        (lambda run: run.kill(signal.SIGTERM), "send the signal again", 143),
    ],
)
def test_an_interrupted_run_says_what_it_finishes_and_can_go_on(
    small_study: Path, tmp_path: Path, interrupt, again: str, code: int
) -> None:
    text = small_study.read_text(encoding="utf-8").replace("epochs: 3", "epochs: 8").replace("256", "4")
    small_study.write_text(text, encoding="utf-8")
    run = on_terminal(tmp_path, "run", "small.yaml", "--trials", "1")
    run.expect(r"trial 0.*validation")
    interrupt(run)
    run.expect(rf"finishing epoch \d/8 of trial 0; {again} to stop now")
    run.expect(r"small: stopped by SIG\w+; the same command goes on with it")
    run.expect(pexpect.EOF)
    run.close()
    assert run.exitstatus == code

    again = on_terminal(tmp_path, "run", "small.yaml", "--trials", "1")
    again.expect("small goes on: 0 of 1 trainings have ended, 1 interrupted")
    again.expect("Best 1 of 1 trial")
    again.expect(pexpect.EOF)
    again.close()
    assert again.exitstatus == 0


@pytest.mark.faults
def test_a_run_whose_terminal_is_closed_finishes_its_epoch(small_study: Path, tmp_path: Path) -> None:
    text = small_study.read_text(encoding="utf-8").replace("epochs: 3", "epochs: 200").replace("256", "4")
    small_study.write_text(text, encoding="utf-8")
    run = on_terminal(tmp_path, "run", "small.yaml", "--trials", "1")
    run.expect(r"trial 0 .*validation")
    run.ptyproc.fileobj.close()  # `close` would kill it
    run.closed = run.ptyproc.closed = True
    _, status = os.waitpid(run.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 129
    run.terminated = run.ptyproc.terminated = True
    results = load_results(f"sqlite:///{tmp_path / 'hpstudy.db'}", study="small")
    assert results.runs["end_reason"].tolist() == ["small: stopped by SIGHUP; the same command goes on with it"]
    assert len(list(tmp_path.rglob("*.ckpt"))) == 1


@pytest.mark.faults
def test_two_workers_are_shown_and_interrupted_together(small_study: Path, tmp_path: Path) -> None:
    text = small_study.read_text(encoding="utf-8").replace("epochs: 3", "epochs: 200").replace("256", "4")
    small_study.write_text(text, encoding="utf-8")
    run = on_terminal(tmp_path, "run", "small.yaml", "--trials", "2", "--workers", "2")
    run.expect(r"trial 0 .*validation[^\r\n]*\r\n[^\r\n]*trial 1 .*validation")
    run.sendintr()
    run.expect("finishing an epoch of each of 2 trainings; press Ctrl-C again to stop now")
    run.expect("small: stopped by SIGINT; the same command goes on with it")
    run.expect(pexpect.EOF)
    assert "Traceback" not in run.before
    run.close()
    assert run.exitstatus == 130


def test_delete_asks(lab: Lab, small_spec: StudySpec, tmp_path: Path) -> None:
    lab.run(replace(small_spec, trials=1, epochs=1), url=f"sqlite:///{tmp_path / 'hpstudy.db'}")
    refused = on_terminal(tmp_path, "delete", "small")
    refused.expect(r"Delete small with all of its trials for ever\? \[y/N\]")
    refused.sendline("n")
    refused.expect(pexpect.EOF)
    refused.close()
    assert refused.exitstatus == 1
    agreed = on_terminal(tmp_path, "delete", "small")
    agreed.expect(r"\[y/N\]")
    agreed.sendline("y")
    agreed.expect("small is deleted")
    agreed.expect(pexpect.EOF)


def test_delete_does_not_ask_for_a_study_that_runs_or_that_is_not_there(
    lab: Lab, small_spec: StudySpec, tmp_path: Path
) -> None:
    lab.run(replace(small_spec, trials=1, epochs=1), url=f"sqlite:///{tmp_path / 'hpstudy.db'}")
    with hold(lock_path(tmp_path / "hpstudy.db", study="small"), study="small"):
        busy = on_terminal(tmp_path, "delete", "small")
        busy.expect(rf"small: is being run by process {os.getpid()} on [\w.-]+; wait for it, or stop it")
        busy.expect(pexpect.EOF)
        assert "[y/N]" not in busy.before
    busy.close()
    assert busy.exitstatus == 3
    absent = on_terminal(tmp_path, "delete", "smal")
    absent.expect("smal: the storage has no such study; `hpstudy list` shows those it has")
    absent.expect(pexpect.EOF)


@pytest.mark.faults
def test_a_killed_run_is_shown_as_interrupted_and_goes_on(small_study: Path, tmp_path: Path) -> None:
    text = small_study.read_text(encoding="utf-8").replace("epochs: 3", "epochs: 8").replace("256", "4")
    small_study.write_text(text, encoding="utf-8")
    run = on_terminal(tmp_path, "run", "small.yaml", "--trials", "1")
    run.expect(r"trial 0.*validation")
    run.kill(signal.SIGKILL)
    run.expect(pexpect.EOF)
    listed = on_terminal(tmp_path, "list")
    listed.expect(r"small +0 +0 +0 +– +interrupted")
    listed.expect(pexpect.EOF)
    shown = on_terminal(tmp_path, "show", "small", "0")
    shown.expect(r"small, trial 0: .*interrupted")
    shown.expect(pexpect.EOF)
    again = on_terminal(tmp_path, "run", "small.yaml", "--trials", "1")
    again.expect("small goes on: 0 of 1 trainings have ended, 1 interrupted")
    again.expect("1 trial: 1 complete")
    again.expect(pexpect.EOF)
