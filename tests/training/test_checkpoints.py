"""Checkpoints: a training that goes on gives the bits of one that never stopped; a file of no use is not used."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import pickle
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from hpstudy.datasets.images import TrainingData
from hpstudy.spec.config import TrialConfig
from hpstudy.training import checkpoints
from hpstudy.training import train as engine
from hpstudy.training.checkpoints import CheckpointWriter, TrainingState, fingerprint
from hpstudy.training.job import EpochResult, TrainingJob
from hpstudy.training.train import ENGINE, train

CPU = torch.device("cpu")

DRAWING_NET = """
import random
import numpy as np
import torch
from torch import nn

def drawing(input_shape, n_classes, *, dropout=0.0):
    return Drawing(n_classes)

class Drawing(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.norm = nn.BatchNorm1d(64)
        self.layer = nn.Linear(64, n_classes)

    def forward(self, images):
        noise = random.random() + np.random.rand() + torch.rand(())
        return self.layer(self.norm(images.flatten(1))) * (1 + 0.1 * noise)
"""


@pytest.fixture
def job(config: TrialConfig, tmp_path: Path) -> TrainingJob:
    """A training of five epochs that may write a checkpoint after each."""
    (tmp_path / "nets.py").write_text(DRAWING_NET, encoding="utf-8")
    return TrainingJob(
        "k",
        "trial 0",
        replace(config, epochs=5),
        "search",
        tmp_path,
        weights=tmp_path / "weights" / "search-0.safetensors",
        checkpoint=tmp_path / "checkpoints" / "search-0.ckpt",
        checkpoint_seconds=0.0,
    )


def train_to_the_end(job: TrainingJob, data: TrainingData):
    """The results of a training, and its outcome."""
    steps = train(job, data, CPU)
    results = [next(steps)]
    while True:
        try:
            results.append(steps.send("go"))
        except StopIteration as end:
            return results, end.value


def train_partly(job: TrainingJob, data: TrainingData, *, n_epochs: int) -> list[EpochResult]:
    """The results of the first epochs of a training that is closed after them."""
    steps = train(job, data, CPU)
    results = [next(steps), *(steps.send("go") for _ in range(n_epochs - 1))]
    steps.close()
    return results


def told(results: list[EpochResult]) -> list[EpochResult]:
    return [replace(result, seconds=0.0) for result in results]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"optimizer": "adam", "momentum": None, "dropout": 0.3, "augment": "crop_flip"},
        {"optimizer": "rmsprop", "momentum": 0.5, "learning_rate": 0.01, "step_size": 2},
        {"optimizer": "adagrad", "momentum": None, "precision": "bfloat16"},
        {"optimizer": "adamw", "momentum": None, "weight_decay": 0.1},
        {"architecture": "nets.py:drawing", "options": {}},
        {"options": {"blocks": 2}, "batch_size": 7},
    ],
)
@pytest.mark.parametrize("n_epochs", [1, 3, 4])
def test_a_training_that_goes_on_gives_the_bits_of_one_that_never_stopped(
    job: TrainingJob, data: TrainingData, change, n_epochs: int
) -> None:
    job = replace(job, config=replace(job.config, **change))
    straight, expected = train_to_the_end(replace(job, checkpoint=None), data)
    first = train_partly(job, data, n_epochs=n_epochs)
    torch.rand(7)
    results, outcome = train_to_the_end(job, data)
    assert results[:n_epochs] == first  # with the seconds that were measured then
    assert told(results) == told(straight)
    assert outcome.weights_sha256 == expected.weights_sha256
    assert outcome.train_accuracy == expected.train_accuracy
    assert outcome.predictions.tolist() == expected.predictions.tolist()


def test_a_confirmation_goes_on_likewise(job: TrainingJob, data: TrainingData) -> None:
    job = replace(job, part="confirm")
    straight, expected = train_to_the_end(replace(job, checkpoint=None), data)
    train_partly(job, data, n_epochs=2)
    results, outcome = train_to_the_end(job, data)
    assert told(results) == told(straight)
    assert outcome.predictions.tolist() == expected.predictions.tolist()


def test_a_stop_may_be_answered_to_an_epoch_of_the_checkpoint(job: TrainingJob, data: TrainingData) -> None:
    train_partly(job, data, n_epochs=3)
    steps = train(job, data, CPU)
    assert [next(steps).epoch, steps.send("go").epoch] == [0, 1]
    with pytest.raises(StopIteration) as end:
        steps.send("stop")
    assert end.value.value.stopped


def test_a_checkpoint_stays_until_the_end_is_stored_and_has_every_epoch_but_the_last(
    job: TrainingJob, data: TrainingData
) -> None:
    steps = train(job, data, CPU)
    next(steps)
    sizes = [job.checkpoint.stat().st_size]
    written = []
    for _ in range(4):
        written.append(job.checkpoint.stat().st_mtime_ns)
        steps.send("go")
        sizes.append(job.checkpoint.stat().st_size)
    steps.close()
    assert len(set(written)) == 4
    assert job.checkpoint.stat().st_mtime_ns == written[-1]
    assert [file.name for file in job.checkpoint.parent.iterdir()] == ["search-0.ckpt"]
    assert max(sizes) < 20_000


def test_nothing_is_written_without_a_place_for_it(job: TrainingJob, data: TrainingData, tmp_path: Path) -> None:
    train_partly(replace(job, checkpoint=None), data, n_epochs=2)
    assert not (tmp_path / "checkpoints").exists()


def state_of(job: TrainingJob, data: TrainingData, *, n_epochs: int = 0) -> TrainingState:
    state = engine._initial_state(job, data=data, device=CPU)
    for _ in range(n_epochs):
        engine._next_epoch(state, job=job, data=data)
    return state


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of epochs in each checkpoint that is written; nothing is."""
    written: list[int] = []
    monkeypatch.setattr(
        checkpoints, "write_checkpoint", lambda _path, state, *, fingerprint: written.append(len(state.curve))
    )
    return written


def writer_of(job: TrainingJob, clock: Clock) -> CheckpointWriter:
    return CheckpointWriter(replace(job, checkpoint_seconds=10.0), fingerprint=b"", n_written=0, clock=clock)


def test_a_checkpoint_is_written_at_most_every_ten_seconds(
    job: TrainingJob, data: TrainingData, writes: list[int]
) -> None:
    clock = Clock()
    job = replace(job, config=replace(job.config, epochs=9))
    writer, state = writer_of(job, clock), state_of(job, data)
    for seconds in (4, 4, 4, 9, 1, 30):  # 4, 8, 12 | 9, 10 | 30
        clock.now += seconds
        state.curve.append(EpochResult(len(state.curve), 0.1, 1.0, 0.5, 1.0, 0.5, float(seconds)))
        writer.epoch_ended(state)
    assert writes == [3, 5, 6]
    writer.write(state)  # closed, and nothing is newer
    assert writes == [3, 5, 6]


def test_a_slow_disk_takes_two_percent_of_the_time_at_most(
    job: TrainingJob, data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, times = Clock(), []

    def slow(_path, _state, *, fingerprint):
        times.append(clock.now)
        clock.now += 1.0

    monkeypatch.setattr(checkpoints, "write_checkpoint", slow)
    job = replace(job, config=replace(job.config, epochs=1000))
    writer, state = writer_of(job, clock), state_of(job, data)
    for _ in range(300):
        clock.now += 1.0
        state.curve.append(EpochResult(len(state.curve), 0.1, 1.0, 0.5, 1.0, 0.5, 1.0))
        writer.epoch_ended(state)
    assert [later - earlier for earlier, later in pairwise(times)] == [51.0] * 5


def signed(content: bytes, *, mark: bytes) -> bytes:
    """A file as `write_checkpoint` would write it, whatever its content."""
    return hashlib.sha256(mark + content).digest() + content


class Malicious:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def mark_of(job: TrainingJob, data: TrainingData) -> bytes:
    return fingerprint(job, data=data, device=CPU, engine=ENGINE)


def malicious_pickle(job: TrainingJob, data: TrainingData, _whole: bytes) -> bytes:
    return signed(pickle.dumps(Malicious(job.study_folder / "broken_in")), mark=mark_of(job, data))


def malicious_archive(job: TrainingJob, data: TrainingData, _whole: bytes) -> bytes:
    content = io.BytesIO()
    torch.save({"model": Malicious(job.study_folder / "broken_in")}, content)
    return signed(content.getvalue(), mark=mark_of(job, data))


def other_shapes(job: TrainingJob, data: TrainingData, _whole: bytes) -> bytes:
    larger = replace(job, config=replace(job.config, options={"blocks": 2}))
    state, content = state_of(larger, data, n_epochs=1), io.BytesIO()
    parts = {"model": state.model.state_dict(), "optimizer": state.optimizer.state_dict()}
    torch.save({**parts, "schedule": state.schedule.state_dict(), "curve": [asdict(r) for r in state.curve]}, content)
    return signed(content.getvalue(), mark=mark_of(job, data))


def of_another_learning_rate(job: TrainingJob, data: TrainingData, whole: bytes) -> bytes:
    train_partly(replace(job, config=replace(job.config, learning_rate=0.05)), data, n_epochs=1)
    return job.checkpoint.read_bytes()


DAMAGES: dict[str, Callable[[TrainingJob, TrainingData, bytes], bytes]] = {
    "empty": lambda _job, _data, _whole: b"",
    "cut short": lambda _job, _data, whole: whole[: len(whole) // 2],
    "a byte altered": lambda _job, _data, whole: whole[:4000] + bytes([whole[4000] ^ 1]) + whole[4001:],
    "a byte of the sum altered": lambda _job, _data, whole: bytes([whole[0] ^ 1]) + whole[1:],
    "of another learning rate": of_another_learning_rate,
    "of another engine": lambda job, data, whole: signed(
        whole[32:], mark=fingerprint(job, data=data, device=CPU, engine=ENGINE + 1)
    ),
    "of other shapes": other_shapes,
    "a malicious pickle": malicious_pickle,
    "a malicious archive": malicious_archive,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_checkpoint_of_no_use_is_removed_and_the_training_begins_again(
    job: TrainingJob, data: TrainingData, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    straight, _ = train_to_the_end(replace(job, checkpoint=None), data)
    train_partly(job, data, n_epochs=2)
    job.checkpoint.write_bytes(DAMAGES[damage](job, data, job.checkpoint.read_bytes()))
    steps = train(replace(job, checkpoint_seconds=99.0), data, CPU)
    next(steps)
    assert not job.checkpoint.exists()
    assert not (job.study_folder / "broken_in").exists()
    assert "trial 0 begins again from its first epoch: " in caplog.text
    steps.close()
    assert told(train_to_the_end(job, data)[0]) == told(straight)


def test_threads_torch_code_and_images_are_part_of_what_a_checkpoint_is(
    job: TrainingJob, data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = replace(job, config=replace(job.config, architecture="nets.py:drawing", options={}))
    marks = {mark_of(job, data), mark_of(replace(job, part="confirm"), data)}
    monkeypatch.setattr(torch, "__version__", "9.9")
    marks.add(mark_of(job, data))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    marks.add(mark_of(job, data))
    marks.add(mark_of(job, replace(data, train=replace(data.train, checksums={"images.gz": "ab"}))))
    (job.study_folder / "nets.py").write_text(DRAWING_NET + "# changed", encoding="utf-8")
    marks.add(mark_of(job, data))
    assert len(marks) == 6


def test_a_full_disk_costs_the_checkpoint_and_not_the_training(
    job: TrainingJob, data: TrainingData, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    steps = train(job, data, CPU)
    next(steps)
    first = job.checkpoint.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert [steps.send("go").epoch for _ in range(3)] == [1, 2, 3]
    steps.close()
    assert job.checkpoint.read_bytes() == first
    assert [file.name for file in job.checkpoint.parent.iterdir()] == ["search-0.ckpt"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "trial 0 has no new checkpoint, and trains on without: " in caplog.text
    assert "search-0.ckpt: cannot be written (No space left on device)" in caplog.text
    monkeypatch.undo()
    assert [result.epoch for result in train_to_the_end(job, data)[0]] == [0, 1, 2, 3, 4]


STUBBORN_NET = """
from torch import nn

def stubborn(input_shape, n_classes, *, dropout=0.0):
    return Stubborn(64, n_classes)

class Stubborn(nn.Linear):
    def forward(self, images):
        return super().forward(images.flatten(1))

    def get_extra_state(self):
        return lambda: None

    def set_extra_state(self, state):
        pass
"""


def test_a_network_whose_state_cannot_be_written_trains_without_checkpoints(
    job: TrainingJob, data: TrainingData, caplog: pytest.LogCaptureFixture
) -> None:
    (job.study_folder / "stubborn.py").write_text(STUBBORN_NET, encoding="utf-8")
    job = replace(job, config=replace(job.config, architecture="stubborn.py:stubborn", options={}))
    assert len(train_partly(job, data, n_epochs=4)) == 4
    assert caplog.text.count("trial 0 has no new checkpoint") == 1
