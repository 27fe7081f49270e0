"""What an actor sends home: checkpoints that are new, weights at the end, and what was printed. No Ray is started."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpstudy.datasets.images import TrainingData
from hpstudy.spec.config import TrialConfig
from hpstudy.training.job import Answer, EpochResult, Outcome, TrainingJob

pytest.importorskip("ray")

from hpstudy.executors import ray_trainer
from hpstudy.executors.output import Printed
from hpstudy.executors.protocol import Ended
from hpstudy.executors.ray_images import pack
from hpstudy.executors.ray_trainer import Assignment, Trainer

CHECKPOINTED = (0, 2)


def noted(job: TrainingJob, _data: TrainingData, _device: object) -> Generator[EpochResult, Answer, Outcome]:
    """A training that writes a checkpoint after some epochs, and where it is closed."""
    assert job.checkpoint
    assert job.weights
    known = job.checkpoint.read_bytes().decode() if job.checkpoint.exists() else ""
    print("knows", known or "nothing")
    for epoch in range(job.config.epochs):
        if epoch in CHECKPOINTED:
            replace_file(job.checkpoint, f"{known}{epoch}")
        try:
            yield EpochResult(epoch, 0.1, 0.0, 1.0, 0.0, 1.0, 0.0)
        except GeneratorExit:
            replace_file(job.checkpoint, f"{known}{epoch} closed")
            raise
    job.weights.write_bytes(b"weights")
    return Outcome(False, np.empty(0, dtype=np.int64), 1.0, 1)


def replace_file(file: Path, text: str) -> None:
    new = file.with_name("new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trainer]:
    monkeypatch.setattr(ray_trainer, "train", noted)
    monkeypatch.setattr(ray_trainer.ray, "get", lambda reference: reference)
    made = Trainer(device="cpu", n_threads=1)
    yield made
    made.leave()


@pytest.fixture
def assignment(config: TrialConfig, data: TrainingData) -> Assignment:
    nowhere = Path("/no/such/folder")
    job = TrainingJob("k", "trial 0", config, "search", nowhere, nowhere / "weights", nowhere / "checkpoint")
    return Assignment(job, pack(data), {}, None)


def test_checkpoints_come_when_they_are_new_and_weights_at_the_end(trainer: Trainer, assignment: Assignment) -> None:
    steps = [trainer.begin(assignment), *(trainer.advance("go") for _ in range(3))]
    assert [step.checkpoint for step in steps] == [b"0", None, b"2", None]
    assert [step.weights for step in steps] == [None, None, None, b"weights"]
    assert [step.printed for step in steps] == [[Printed("stdout", "knows nothing\n")], [], [], []]
    assert isinstance(steps[-1].event, Ended)


def test_a_training_begins_with_the_checkpoint_that_it_is_given(trainer: Trainer, assignment: Assignment) -> None:
    step = trainer.begin(replace(assignment, checkpoint=b"epochs before, "))
    assert step.printed == [Printed("stdout", "knows epochs before, \n")]
    assert step.checkpoint == b"epochs before, 0"
    assert trainer.begin(assignment).printed == [Printed("stdout", "knows nothing\n")]


def test_a_training_that_is_left_sends_its_last_checkpoint(trainer: Trainer, assignment: Assignment) -> None:
    trainer.begin(assignment)
    trainer.advance("go")
    folder = Path(trainer._folder.name)
    assert trainer.leave() == b"1 closed"
    assert not folder.exists()
