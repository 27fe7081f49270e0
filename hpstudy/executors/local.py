"""The executor that trains in this process, one job at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from hpstudy.executors.data import LoadData
from hpstudy.executors.protocol import EpochEnded, Event
from hpstudy.executors.stepping import Steps, next_event
from hpstudy.training.job import Answer, TrainingJob
from hpstudy.training.train import train


@dataclass
class _Training:
    """A training under way and the answer to its last epoch; None before the first epoch."""

    key: str
    steps: Steps
    answer: Answer | None = None


class LocalExecutor:
    """Trains in this process: `events` trains one epoch of the one job."""

    capacity = 1

    def __init__(self, *, load_data: LoadData, device: torch.device) -> None:
        self._load_data = load_data
        self._device = device
        self._waiting: list[TrainingJob] = []
        self._training: _Training | None = None

    @property
    def threads(self) -> int:
        """How many threads torch uses in this process."""
        return torch.get_num_threads()

    def start(self, jobs: Sequence[TrainingJob]) -> None:
        """Takes a job; its data is loaded and its training begins with the next `events`."""
        self._waiting.extend(jobs)

    def events(self, timeout_seconds: float) -> Sequence[Event]:  # the protocol's; nothing to wait for
        """Trains one epoch, however long it takes, and returns what came of it."""
        if self._training is None:
            return [self._begin(self._waiting.pop(0))] if self._waiting else []
        return [self._advance(self._training)]

    def answer(self, key: str, answer: Answer) -> None:
        """Keeps the answer for the next epoch of the job."""
        if self._training is not None and self._training.key == key:
            self._training.answer = answer

    def close(self) -> None:
        """Drops the training under way."""
        if self._training is not None:
            self._training.steps.close()
            self._training = None
        self._waiting.clear()

    def _begin(self, job: TrainingJob) -> Event:
        # Outside of any `try`: data that cannot be read is no fault of the settings, and ends the run.
        data = self._load_data(job.config, job.part)
        self._training = _Training(job.key, train(job, data, self._device))
        return self._advance(self._training)

    def _advance(self, training: _Training) -> Event:
        event = next_event(training.key, training.steps, training.answer)
        if not isinstance(event, EpochEnded):
            self._training = None
        return event
