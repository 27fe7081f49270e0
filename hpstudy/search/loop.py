"""The one loop: moves jobs and results between a source and an executor."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence

from hpstudy.errors import ArtifactError
from hpstudy.executors.protocol import Ended, EpochEnded, Event, Executor, Failed, WorkerLost
from hpstudy.search.source import Source
from hpstudy.training.job import EpochResult, Failure, TrainingJob

_WAIT_SECONDS = 1.0
"""How long the loop waits for an event, or for other runners, before it looks whether it is to stop."""

MAX_CRASHES = 3
"""So many times a training's process may die before the training counts as failed."""


def never() -> bool:
    """Nothing interrupts."""
    return False


def unheard(_key: str, _cause: str) -> None:
    """Nobody is told of lost workers."""


def run(
    source: Source,
    executor: Executor,
    *,
    interrupted: Callable[[], bool] = never,
    lost: Callable[[str, str], None] = unheard,
) -> None:
    """Trains all that a source has, on an executor, until nothing is left, here or with other runners.

    Args:
        source: Gives the jobs and takes the results. What it raises ends the loop.
        executor: Trains; it is not closed here.
        interrupted: Whether to stop. Then nothing new begins, and every training under way ends the epoch that it
            is in; the epoch is stored but not answered, so that another run can take the training up. A training
            that is told to stop, or has no epoch left, ends.
        lost: Is told the key and the cause where a training's process has died and the training is started again.

    Raises:
        ArtifactError: The weights of a training cannot be written.
    """
    loop = _Loop(source, executor, interrupted, lost)
    while loop.fill():
        for event in loop.events():
            loop.pass_on(event)


class _Loop:
    """The trainings under way, and those that wait at an epoch's end because of an interruption."""

    def __init__(
        self,
        source: Source,
        executor: Executor,
        interrupted: Callable[[], bool],
        lost: Callable[[str, str], None],
    ) -> None:
        self._source = source
        self._executor = executor
        self._interrupted = interrupted
        self._lost = lost
        self._jobs: dict[str, TrainingJob] = {}
        self._paused: set[str] = set()
        self._n_crashes: Counter[str] = Counter()

    def fill(self) -> bool:
        """Starts what there is room for; returns whether there is anything to wait for."""
        room = self._executor.capacity - len(self._jobs)
        if room and not self._interrupted():
            jobs = self._source.next_jobs(room)
            self._jobs |= {job.key: job for job in jobs}
            self._executor.start(jobs)
        if self._jobs:
            return bool(self._jobs.keys() - self._paused)
        return not self._interrupted() and self._source.waits()

    def events(self) -> Sequence[Event]:
        """What has happened; an executor without a job would not wait, so the loop does."""
        if self._jobs:
            return self._executor.events(_WAIT_SECONDS)
        time.sleep(_WAIT_SECONDS)
        return ()

    def pass_on(self, event: Event) -> None:
        """Tells the source of an event, and the executor what follows from it."""
        match event:
            case EpochEnded(key, result):
                self._epoch_ended(key, result)
            case Ended(key, outcome):
                del self._jobs[key]
                self._source.ended(key, outcome)
            case Failed(_, Failure(reason="disk", message=message)):
                raise ArtifactError(message)  # the trial stays as it is, for the same command to go on with
            case Failed(key, failure):
                del self._jobs[key]
                self._source.ended(key, failure)
            case WorkerLost(key, cause):
                self._worker_lost(key, cause)

    def _epoch_ended(self, key: str, result: EpochResult) -> None:
        answer = self._source.epoch_ended(key, result)
        goes_on = answer == "go" and result.epoch + 1 < self._jobs[key].config.epochs
        if goes_on and self._interrupted():
            self._paused.add(key)
        else:
            self._executor.answer(key, answer)

    def _worker_lost(self, key: str, cause: str) -> None:
        self._n_crashes[key] += 1
        if self._interrupted():
            self._paused.add(key)
            return
        if self._n_crashes[key] < MAX_CRASHES:
            self._source.restarting(key)
            self._lost(key, cause)
            self._executor.start([self._jobs[key]])
            return
        del self._jobs[key]
        message = f"its process died {MAX_CRASHES} times, the last time by {cause}"
        self._source.ended(key, Failure(reason="crashed", message=message, traceback=""))
