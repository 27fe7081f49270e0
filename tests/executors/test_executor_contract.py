"""What every executor must do. An executor joins by one line in `EXECUTORS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hpstudy.datasets.images import TrainingData
from hpstudy.errors import DataError
from hpstudy.executors.local import LocalExecutor
from hpstudy.executors.protocol import Ended, EpochEnded, Event, Executor, Failed
from hpstudy.spec.config import TrialConfig
from hpstudy.training.job import TrainingJob
from hpstudy.training.train import train

CPU = torch.device("cpu")

MakeExecutor = Callable[[TrainingData], Executor]
EXECUTORS: dict[str, MakeExecutor] = {
    "local": lambda data: LocalExecutor(load_data=lambda _config, _part: data, device=CPU)
}

RAISES = """
from torch import nn

def late(input_shape, n_classes, *, dropout=0.0):
    return Late(n_classes)

class Late(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.layer = nn.Linear(64, n_classes)
        self.n_seen = 0

    def forward(self, images):
        self.n_seen += 1
        if self.n_seen > 6:
            raise ValueError("seen enough")
        return self.layer(images.flatten(1))
"""


@pytest.fixture(params=EXECUTORS)
def executor(request: pytest.FixtureRequest, data: TrainingData):
    made = EXECUTORS[request.param](data)
    yield made
    made.close()


def job(config: TrialConfig, key: str = "k", folder: Path = Path()) -> TrainingJob:
    return TrainingJob(key, "trial 0", config, "search", folder)


def drain(executor: Executor, *, stop_at: int | None = None) -> list[Event]:
    """Answers every epoch with go (stop at one), until the training has ended."""
    events: list[Event] = []
    while not events or isinstance(events[-1], EpochEnded):
        for event in executor.events(10):
            events.append(event)
            if isinstance(event, EpochEnded):
                executor.answer(event.key, "stop" if event.result.epoch == stop_at else "go")
    return events


def test_the_curve_is_the_engines(executor: Executor, config: TrialConfig, data: TrainingData) -> None:
    steps = train(job(config), data, CPU)
    expected = [next(steps), steps.send("go"), steps.send("go")]
    executor.start([job(config)])
    *epochs, end = drain(executor)
    assert [replace(event.result, seconds=0) for event in epochs] == [replace(r, seconds=0) for r in expected]
    assert isinstance(end, Ended)
    assert not end.outcome.stopped


def test_stop_ends_a_training(executor: Executor, config: TrialConfig) -> None:
    executor.start([job(config)])
    *epochs, end = drain(executor, stop_at=1)
    assert len(epochs) == 2
    assert isinstance(end, Ended)
    assert end.outcome.stopped


def test_a_training_that_raises_fails_alone(executor: Executor, config: TrialConfig, tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(RAISES, encoding="utf-8")
    failing = replace(config, architecture="nets.py:late", options={})
    executor.start([job(failing, folder=tmp_path)])
    *epochs, end = drain(executor)
    assert len(epochs) == 1  # four steps and one evaluation an epoch, and the seventh pass raises
    assert isinstance(end, Failed)
    assert end.failure.reason == "error"
    assert end.failure.message == "nets.py:16: ValueError: seen enough"
    assert "seen enough" in end.failure.traceback
    executor.start([job(config, "next")])
    assert isinstance(drain(executor)[-1], Ended)


def test_nothing_started_gives_no_events(executor: Executor) -> None:
    assert list(executor.events(0.01)) == []


def test_close_drops_what_runs_and_can_be_called_twice(executor: Executor, config: TrialConfig) -> None:
    executor.start([job(config)])
    executor.events(10)
    executor.close()
    executor.close()
    assert list(executor.events(0.01)) == []


def test_unreadable_data_ends_the_run(config: TrialConfig) -> None:
    def unreadable(_config: TrialConfig, _part: str) -> TrainingData:
        raise DataError("gone")

    executor = LocalExecutor(load_data=unreadable, device=CPU)
    executor.start([job(config)])
    with pytest.raises(DataError, match="gone"):
        executor.events(1)
