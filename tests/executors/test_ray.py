"""Actors on a Ray cluster: what one that dies or stops does to the others, and what comes home."""

from __future__ import annotations

import hashlib
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hpstudy.datasets.images import TrainingData
from hpstudy.executors.protocol import Ended, EpochEnded, Event, Failed, WorkerLost
from hpstudy.executors.stall import StallLimits, StallWatch
from hpstudy.spec.config import TrialConfig
from tests.executors.test_executor_contract import CPU, drain, job

pytest.importorskip("ray")

import ray

from hpstudy.executors.ray import RayExecutor

pytestmark = pytest.mark.slow  # a Ray cluster takes seconds to start, and each actor to import torch

STALLED_SECONDS = 2

NETS = """
import os
import torch
from torch import nn

def dies(input_shape, n_classes, *, dropout=0.0):
    os._exit(3)

def tells(input_shape, n_classes, *, dropout=0.0):
    tiny = torch.full((4,), 1e-39) * 0.5
    print(f"channels {input_shape[0]}, threads {torch.get_num_threads()}, tiny {int(tiny.count_nonzero())}")
    return nn.Sequential(nn.Flatten(), nn.Linear(64 * input_shape[0], n_classes))
"""


@pytest.fixture(scope="module")
def executor(ray_cluster: None, data: TrainingData) -> Iterator[RayExecutor]:
    made = RayExecutor(load_data=lambda _config, _part: data, device=CPU, n_workers=2)
    yield made
    made.close()
    assert ray.is_initialized()  # it was there before


def first_epochs(executor: RayExecutor, n: int) -> dict[str, int]:
    """The process of each training, once its first epoch has come; it is not answered."""
    seen: list[Event] = []
    while len(seen) < n:
        seen += executor.events(10)
    assert all(isinstance(event, EpochEnded) for event in seen)
    return {key: process_of(one.actor) for key, one in executor._trainings.items()}


def process_of(actor) -> int:
    return ray.get(actor.__ray_call__.remote(lambda _self: os.getpid()))


def test_an_actor_has_its_threads_the_images_and_a_way_to_speak(
    ray_cluster: None, config: TrialConfig, data: TrainingData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """First: it needs the whole cluster."""
    wide = replace(
        data,
        train=replace(data.train, images=data.train.images.expand(-1, 3, -1, -1)),
        evaluation=replace(data.evaluation, images=data.evaluation.images.expand(-1, 3, -1, -1)),
    )
    (tmp_path / "nets.py").write_text(NETS, encoding="utf-8")
    executor = RayExecutor(load_data=lambda _config, _part: wide, device=CPU, n_workers=1)
    assert (executor.capacity, executor.threads) == (1, 3)
    executor.start([job(replace(config, architecture="nets.py:tells", options={}), folder=tmp_path)])
    drain(executor)
    executor.close()
    assert capsys.readouterr().out == "channels 3, threads 3, tiny 0\n"


def test_an_actor_that_is_stopped_is_killed(
    executor: RayExecutor, config: TrialConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "_watch", StallWatch(StallLimits(next_seconds=STALLED_SECONDS, next_factor=0)))
    executor.start([job(config)])
    (process,) = first_epochs(executor, 1).values()
    os.kill(process, signal.SIGSTOP)
    executor.answer("k", "go")
    (lost,) = drain_slowly(executor)
    assert isinstance(lost, WorkerLost)
    seconds = f"[{STALLED_SECONDS}-{STALLED_SECONDS + 2}]"
    assert re.fullmatch(rf"no progress for {seconds} s: its actor was ended", lost.cause)
    executor.start([job(config)])
    assert isinstance(drain(executor)[-1], Ended)


def drain_slowly(executor: RayExecutor) -> list[Event]:
    """Looks as often as the loop does."""
    events: list[Event] = []
    while not events:
        events += executor.events(1)
    return events


def test_how_an_actor_died_is_told(executor: RayExecutor, config: TrialConfig, tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NETS, encoding="utf-8")
    executor.start([job(replace(config, architecture="nets.py:dies", options={}), folder=tmp_path)])
    assert drain(executor) == [WorkerLost("k", "the loss of its Ray actor (its worker process has died)")]


def test_files_come_home(executor: RayExecutor, config: TrialConfig, tmp_path: Path) -> None:
    weights, checkpoint = tmp_path / "weights" / "0.safetensors", tmp_path / "checkpoints" / "0.ckpt"
    executor.start([replace(job(config), weights=weights, checkpoint=checkpoint)])
    end = drain(executor)[-1]
    assert isinstance(end, Ended)
    assert digest(weights) == end.outcome.weights_sha256
    assert list(tmp_path.iterdir()) == [weights.parent]


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_weights_that_cannot_be_written_fail_the_training(
    executor: RayExecutor, config: TrialConfig, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    executor.start([replace(job(config), weights=tmp_path / "file" / "0.safetensors")])
    end = drain(executor)[-1]
    assert isinstance(end, Failed)
    assert "cannot be written" in end.failure.message
