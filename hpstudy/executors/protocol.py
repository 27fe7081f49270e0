"""The executor protocol: jobs go in, events come out, each epoch is answered with go or stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hpstudy.training.job import Answer, EpochResult, Failure, Outcome, TrainingJob


@dataclass(frozen=True)
class EpochEnded:
    """A training has ended an epoch and waits for an answer."""

    key: str
    result: EpochResult


@dataclass(frozen=True)
class Ended:
    """A training has ended, by itself or because it was told to stop."""

    key: str
    outcome: Outcome


@dataclass(frozen=True)
class Failed:
    """A training has raised an exception."""

    key: str
    failure: Failure


@dataclass(frozen=True)
class WorkerLost:
    """The process that trained has died without a word; its training can be started again.

    Attributes:
        key: The training.
        cause: How it died, for example a signal's name.
    """

    key: str
    cause: str


Event = EpochEnded | Ended | Failed | WorkerLost


class Executor(Protocol):
    """Trains jobs somewhere: in this process, in worker processes, on a cluster.

    Every job that was started ends in exactly one `Ended`, `Failed` or `WorkerLost`, after any number of
    `EpochEnded`. One thread uses an executor.
    """

    capacity: int
    """How many jobs it trains at once, at least 1."""

    @property
    def threads(self) -> int:
        """How many threads torch uses in each training; the bits on the CPU depend on it."""
        ...

    def start(self, jobs: Sequence[TrainingJob]) -> None:
        """Takes jobs; the caller never has more than `capacity` of them unended."""
        ...

    def events(self, timeout_seconds: float) -> Sequence[Event]:
        """What has happened since the last call; waits for something to happen, at most up to the timeout.

        An executor without workers of its own trains inside this call, and so may take longer.
        """
        ...

    def answer(self, key: str, answer: Answer) -> None:
        """Answers a training's last `EpochEnded`."""
        ...

    def close(self) -> None:
        """Ends everything, also trainings under way; may be called twice."""
        ...
