"""One step of a training that runs in this process: the next epoch, as an event."""

from __future__ import annotations

from collections.abc import Generator

from hpstudy.executors.failures import describe_failure
from hpstudy.executors.protocol import Ended, EpochEnded, Failed
from hpstudy.training.job import Answer, EpochResult, Outcome

Steps = Generator[EpochResult, Answer, Outcome]
"""What `training.train` gives."""


def next_event(key: str, steps: Steps, answer: Answer | None) -> EpochEnded | Ended | Failed:
    """Trains one epoch, however long it takes, and says what came of it.

    Args:
        key: The training's.
        steps: The training.
        answer: To its last epoch; None before its first.

    Returns:
        `EpochEnded` where the training waits for the next answer; else how it ended, and `steps` is exhausted.
    """
    try:
        return EpochEnded(key, next(steps) if answer is None else steps.send(answer))
    except StopIteration as stop:
        return Ended(key, stop.value)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever a user's code raises fails this training
        return Failed(key, describe_failure(error))
