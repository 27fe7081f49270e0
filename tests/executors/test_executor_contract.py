"""What every executor must do. An executor joins by one line in `EXECUTORS`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from hpstudy.datasets.images import TrainingData
from hpstudy.errors import DataError
from hpstudy.executors.data import LoadData
from hpstudy.executors.local import LocalExecutor
from hpstudy.executors.protocol import Ended, EpochEnded, Event, Executor, Failed, WorkerLost
from hpstudy.executors.workers import WorkerExecutor
from hpstudy.spec.config import TrialConfig
from hpstudy.training.job import TrainingJob
from hpstudy.training.train import train

CPU = torch.device("cpu")

MakeExecutor = Callable[[LoadData], Executor]
EXECUTORS: dict[str, MakeExecutor] = {
    "local": lambda load_data: LocalExecutor(load_data=load_data, device=CPU),
    "workers": lambda load_data: WorkerExecutor(load_data=load_data, device=CPU, n_workers=2),
}
if find_spec("ray"):
    from hpstudy.executors.ray import RayExecutor

    EXECUTORS["ray"] = lambda load_data: RayExecutor(load_data=load_data, device=CPU, n_workers=2)

NETS = """
import os
from torch import nn

def raises(input_shape, n_classes, *, dropout=0.0):
    return Late(n_classes)

def exits(input_shape, n_classes, *, dropout=0.0):
    return Exits(n_classes)

class Late(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.layer = nn.Linear(64, n_classes)
        self.n_seen = 0

    def forward(self, images):
        self.n_seen += 1
        if self.n_seen > 6:
            self.end()
        return self.layer(images.flatten(1))

    def end(self):
        raise ValueError("seen enough")

class Exits(Late):
    def end(self):
        os._exit(3)
"""


# A Ray cluster takes seconds to start, and each actor to import torch.
NAMES = [pytest.param(name, marks=[pytest.mark.slow] if name == "ray" else []) for name in EXECUTORS]


@pytest.fixture(scope="module", params=NAMES)
def make(request: pytest.FixtureRequest) -> MakeExecutor:
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")
    return EXECUTORS[request.param]


@pytest.fixture(scope="module")
def executor(make: MakeExecutor, data: TrainingData):
    """One for all tests, which leave nothing under way: some executors take seconds to start."""
    made = make(lambda _config, _part: data)
    yield made
    made.close()


def job(config: TrialConfig, key: str = "k", folder: Path = Path()) -> TrainingJob:
    return TrainingJob(key, "trial 0", config, "search", folder)


def drain(executor: Executor, *, n_jobs: int = 1, stop_at: int | None = None) -> list[Event]:
    """Answers every epoch with go (stop at one), until the trainings have ended."""
    events: list[Event] = []
    while sum(not isinstance(event, EpochEnded) for event in events) < n_jobs:
        for event in executor.events(10):
            events.append(event)
            if isinstance(event, EpochEnded):
                executor.answer(event.key, "stop" if event.result.epoch == stop_at else "go")
    return events


def curve(events: list[Event], key: str = "k"):
    """The epochs of a training, without their times."""
    return [replace(event.result, seconds=0) for event in events if isinstance(event, EpochEnded) and event.key == key]


def engines_curve(config: TrialConfig, data: TrainingData):
    """What `train` gives in this process."""
    steps = train(job(config), data, CPU)
    return [replace(each, seconds=0) for each in (next(steps), steps.send("go"), steps.send("go"))]


def test_the_curve_is_the_engines(executor: Executor, config: TrialConfig, data: TrainingData) -> None:
    expected = engines_curve(config, data)
    executor.start([job(config)])
    events = drain(executor)
    assert curve(events) == expected
    assert isinstance(events[-1], Ended)
    assert not events[-1].outcome.stopped
    assert executor.threads == torch.get_num_threads() == 1


def test_it_trains_as_many_at_once_as_it_has_room_for(
    executor: Executor, config: TrialConfig, data: TrainingData
) -> None:
    rates = [0.1 / (1 + index) for index in range(executor.capacity)]
    jobs = {f"at {rate}": replace(config, learning_rate=rate) for rate in rates}
    executor.start([job(each, key) for key, each in jobs.items()])
    events = drain(executor, n_jobs=len(jobs))
    assert {event.key for event in events if isinstance(event, Ended)} == set(jobs)
    for key, each in jobs.items():
        assert curve(events, key) == engines_curve(each, data)


def test_stop_ends_a_training(executor: Executor, config: TrialConfig) -> None:
    executor.start([job(config)])
    *epochs, end = drain(executor, stop_at=1)
    assert len(epochs) == 2
    assert isinstance(end, Ended)
    assert end.outcome.stopped


def test_a_training_that_raises_fails_alone(executor: Executor, config: TrialConfig, tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NETS, encoding="utf-8")
    failing = replace(config, architecture="nets.py:raises", options={})
    executor.start([job(failing, folder=tmp_path)])
    *epochs, end = drain(executor)
    assert len(epochs) == 1  # four steps and one evaluation an epoch, and the seventh pass raises
    assert isinstance(end, Failed)
    assert end.failure.reason == "error"
    assert end.failure.message == "nets.py:24: ValueError: seen enough"
    assert "seen enough" in end.failure.traceback
    executor.start([job(config, "next")])
    assert isinstance(drain(executor)[-1], Ended)


def test_a_process_that_dies_loses_its_training_alone(
    executor: Executor, config: TrialConfig, data: TrainingData, tmp_path: Path
) -> None:
    if isinstance(executor, LocalExecutor):
        pytest.skip("it has no process of its own")
    (tmp_path / "nets.py").write_text(NETS, encoding="utf-8")
    exits = replace(config, architecture="nets.py:exits", options={})
    executor.start([job(exits, "a", tmp_path), job(config, "b")])
    events = drain(executor, n_jobs=2)
    assert [event.key for event in events if isinstance(event, WorkerLost)] == ["a"]
    assert [event.key for event in events if isinstance(event, Ended)] == ["b"]
    assert len(curve(events, "a")) == 1
    assert curve(events, "b") == engines_curve(config, data)

    executor.start([job(config, "a")])
    assert isinstance(drain(executor)[-1], Ended)


def test_nothing_started_gives_no_events(executor: Executor) -> None:
    assert list(executor.events(0.01)) == []


def test_what_close_ends_goes_on_from_its_checkpoint(
    make: MakeExecutor, executor: Executor, config: TrialConfig, data: TrainingData, tmp_path: Path
) -> None:
    checkpointed = replace(job(config), checkpoint=tmp_path / "k.ckpt")
    closed = make(lambda _config, _part: data)
    closed.start([checkpointed])
    first: Sequence[Event] = []
    while not first:
        first = closed.events(10)
    closed.close()
    closed.close()
    assert list(closed.events(0.01)) == []
    executor.start([checkpointed])
    events = drain(executor)
    assert events[0] == first[0]  # its seconds too: it was not trained again
    assert curve(events) == engines_curve(config, data)


def test_unreadable_data_ends_the_run(make: MakeExecutor, config: TrialConfig) -> None:
    def unreadable(_config: TrialConfig, _part: str) -> TrainingData:
        raise DataError("gone")

    executor = make(unreadable)
    with pytest.raises(DataError, match="gone"):
        _start_and_look(executor, job(config))
    executor.close()


def _start_and_look(executor: Executor, first: TrainingJob) -> None:
    executor.start([first])
    executor.events(1)
