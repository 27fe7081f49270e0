"""Worker processes: what one that dies, stops or prints does to the others, and what is left when all is over."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hpstudy.datasets.images import TrainingData
from hpstudy.executors.protocol import Ended, Failed, WorkerLost
from hpstudy.executors.stall import StallLimits, StallWatch
from hpstudy.executors.workers import WorkerExecutor
from hpstudy.spec.config import TrialConfig
from tests.executors.test_executor_contract import CPU, drain, job
from tests.faults.processes import end_together, workers_of

NETS = """
import os
import signal
import torch
from torch import nn

def exits(input_shape, n_classes, *, dropout=0.0):
    os._exit(3)

def killed(input_shape, n_classes, *, dropout=0.0):
    os.kill(os.getpid(), signal.SIGKILL)

def tells(input_shape, n_classes, *, dropout=0.0):
    print(f"channels {input_shape[0]}, threads {torch.get_num_threads()}")
    return nn.Sequential(nn.Flatten(), nn.Linear(64 * input_shape[0], n_classes))
"""


@pytest.fixture(scope="module")
def executor(data: TrainingData) -> Iterator[WorkerExecutor]:
    made = WorkerExecutor(load_data=lambda _config, _part: data, device=CPU, n_workers=2)
    yield made
    made.close()
    assert multiprocessing.active_children() == []


def first_epochs(executor: WorkerExecutor, n: int) -> dict[str, int]:
    """The process of each training, once its first epoch has come; it is not answered."""
    seen = 0
    while seen < n:
        seen += len(executor.events(10))
    return {worker.job.key: worker.process.pid for worker in executor._workers if worker.job}


@pytest.mark.faults
def test_a_worker_that_is_stopped_is_killed(
    executor: WorkerExecutor, config: TrialConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = StallLimits(next_seconds=4, next_factor=0)
    monkeypatch.setattr(executor, "_watch", StallWatch(limits))
    executor.start([job(config)])
    (process,) = first_epochs(executor, 1).values()
    os.kill(process, signal.SIGSTOP)
    executor.answer("k", "go")
    (lost,) = drain(executor)
    assert isinstance(lost, WorkerLost)
    assert re.fullmatch(r"SIGKILL after no progress for [4-9] s", lost.cause)
    executor.start([job(config)])
    assert isinstance(drain(executor)[-1], Ended)


@pytest.mark.parametrize(("network", "cause"), [("exits", "exit code 3"), ("killed", "SIGKILL")])
def test_how_a_worker_died_is_told(
    executor: WorkerExecutor, config: TrialConfig, tmp_path: Path, network: str, cause: str
) -> None:
    (tmp_path / "nets.py").write_text(NETS, encoding="utf-8")
    executor.start([job(replace(config, architecture=f"nets.py:{network}", options={}), folder=tmp_path)])
    assert drain(executor) == [WorkerLost("k", cause)]


def test_images_that_cannot_be_moved_to_the_device_fail_the_training_with_a_message(
    data: TrainingData, config: TrialConfig
) -> None:
    nowhere = torch.device("privateuseone")  # which nobody has registered
    executor = WorkerExecutor(load_data=lambda _config, _part: data, device=nowhere, n_workers=1)
    executor.start([job(config)])
    (failed,) = drain(executor)
    executor.close()
    assert isinstance(failed, Failed)
    assert "datasets/images.py" in failed.failure.traceback


def test_threads_are_divided_and_grey_pictures_stay_one_channel(
    config: TrialConfig, data: TrainingData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = replace(
        data,
        train=replace(data.train, images=data.train.images.expand(-1, 3, -1, -1)),
        evaluation=replace(data.evaluation, images=data.evaluation.images.expand(-1, 3, -1, -1)),
    )
    (tmp_path / "nets.py").write_text(NETS, encoding="utf-8")
    telling = replace(config, architecture="nets.py:tells", options={})
    before = torch.get_num_threads()
    torch.set_num_threads(5)
    try:
        executor = WorkerExecutor(load_data=lambda _config, _part: wide, device=CPU, n_workers=2)
    finally:
        torch.set_num_threads(before)
    assert executor.threads == 2
    executor.start([job(telling, folder=tmp_path)])
    drain(executor)
    executor.close()
    assert capsys.readouterr().out == "channels 3, threads 2\n"


def test_a_close_at_the_end_of_an_epoch_takes_no_longer_than_the_process(
    config: TrialConfig, data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpstudy.executors.workers._CHECKPOINT_SECONDS", 100.0)
    executor = WorkerExecutor(load_data=lambda _config, _part: data, device=CPU, n_workers=1)
    executor.start([replace(job(config), checkpoint=tmp_path / "k.ckpt")])
    first_epochs(executor, 1)
    began = time.monotonic()
    executor.close()
    assert time.monotonic() - began < 100  # then it would be killed
    assert (tmp_path / "k.ckpt").exists()


def test_a_close_in_the_middle_of_an_epoch_takes_a_second(
    executor: WorkerExecutor, config: TrialConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Last of those that share the executor."""
    monkeypatch.setattr("hpstudy.executors.workers._CHECKPOINT_SECONDS", 100.0)
    executor.start([job(config)])
    first_epochs(executor, 1)
    (worker,) = [worker for worker in executor._workers if worker.job]
    os.kill(worker.process.pid, signal.SIGSTOP)
    executor.answer("k", "go")
    began = time.monotonic()
    executor.close()
    assert 0.9 < time.monotonic() - began < 100  # a second, and what the machine adds to it
    assert not worker.process.is_alive()


@pytest.mark.faults
@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGHUP, 129), (signal.SIGTERM, 143)])
def test_workers_end_with_their_runner(small_study: Path, tmp_path: Path, number: signal.Signals, code: int) -> None:
    text = small_study.read_text(encoding="utf-8").replace("trials: 6", "trials: 1000")
    small_study.write_text(text, encoding="utf-8")
    runner = subprocess.Popen(
        [sys.executable, "-m", "hpstudy", "run", "small.yaml", "--workers", "2"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    while "complete" not in runner.stdout.readline():
        assert runner.poll() is None
    workers = workers_of(runner.pid)
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGSTOP)  # a stopped process looks after nothing itself
    runner.send_signal(number)
    assert runner.wait() == code
    runner.stdout.close()
    # Five seconds on a machine that has nothing else to do.
    assert end_together(workers, seconds=30)
