"""The source protocol: where jobs come from and where results go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from hpstudy.errors import StudyFailedError
from hpstudy.training.job import Answer, EpochResult, Failure, Outcome, TrainingJob


class Source(Protocol):
    """Gives jobs, judges epochs and keeps results: a search, the baselines, a confirmation, a rerun."""

    def next_jobs(self, n: int) -> Sequence[TrainingJob]:
        """At most `n` new jobs; none means that there is nothing to start now."""
        ...

    def epoch_ended(self, key: str, result: EpochResult) -> Answer:
        """Stores an epoch's result, then says whether the training goes on."""
        ...

    def ended(self, key: str, end: Outcome | Failure) -> None:
        """Stores how a training ended."""
        ...

    def restarting(self, key: str) -> None:
        """A training's process has died, and the training is about to be started again.

        Raises:
            InputError: It would be another training than before.
        """
        ...

    def waits(self) -> bool:
        """Whether there may be jobs later, though none is under way here: other runners are training."""
        ...


class Observer(Protocol):
    """Watches trainings, for a progress display. It decides nothing."""

    def started(self, job: TrainingJob) -> None:
        """A job is about to be trained."""
        ...

    def epoch_ended(self, key: str, result: EpochResult, answer: Answer) -> None:
        """An epoch has been stored and answered."""
        ...

    def ended(self, key: str, end: Outcome | Failure) -> None:
        """A training's end has been stored."""
        ...


class Watched:
    """A source that tells an observer what passes through it."""

    def __init__(self, source: Source, *, observer: Observer) -> None:
        self._source = source
        self._observer = observer

    def next_jobs(self, n: int) -> Sequence[TrainingJob]:
        """The source's jobs."""
        jobs = self._source.next_jobs(n)
        for job in jobs:
            self._observer.started(job)
        return jobs

    def epoch_ended(self, key: str, result: EpochResult) -> Answer:
        """The source's answer."""
        answer = self._source.epoch_ended(key, result)
        self._observer.epoch_ended(key, result, answer)
        return answer

    def ended(self, key: str, end: Outcome | Failure) -> None:
        """Passes the end on; the observer hears of it once it is stored, also where the source then gives up."""
        try:
            self._source.ended(key, end)
        except StudyFailedError:  # raised after the end was stored
            self._observer.ended(key, end)
            raise
        self._observer.ended(key, end)

    def restarting(self, key: str) -> None:
        """Passes it on."""
        self._source.restarting(key)

    def waits(self) -> bool:
        """Whether the source does."""
        return self._source.waits()


Order = Callable[[Sequence[int]], Sequence[int]]
"""From the number of jobs that each source has started to the order in which they are asked for the next."""


def first_to_last(n_started: Sequence[int]) -> Sequence[int]:
    """A source is asked once those before it have no more jobs."""
    return range(len(n_started))


def fewest_first(n_started: Sequence[int]) -> Sequence[int]:
    """The source that has started the fewest: an interruption leaves all of them equally far."""
    return sorted(range(len(n_started)), key=lambda index: n_started[index])


class Several:
    """Several sources as one."""

    def __init__(self, sources: Sequence[Source], *, order: Order, n_started: Sequence[int] = ()) -> None:
        """Has no job under way.

        Args:
            sources: At least one.
            order: In which they are asked for the next job.
            n_started: How many jobs of each earlier runs have ended; none where nothing is given.
        """
        self._sources = list(sources)
        self._order = order
        self._n_started = list(n_started) or [0] * len(self._sources)
        self._owners: dict[str, Source] = {}

    def next_jobs(self, n: int) -> Sequence[TrainingJob]:
        """At most `n` jobs, each from the first source in the order that has one."""
        jobs: list[TrainingJob] = []
        while len(jobs) < n and (job := self._next_job()):
            jobs.append(job)
        return jobs

    def epoch_ended(self, key: str, result: EpochResult) -> Answer:
        """The answer of the source that gave the job."""
        return self._owners[key].epoch_ended(key, result)

    def ended(self, key: str, end: Outcome | Failure) -> None:
        """Goes to the source that gave the job."""
        self._owners.pop(key).ended(key, end)

    def restarting(self, key: str) -> None:
        """Goes to the source that gave the job."""
        self._owners[key].restarting(key)

    def waits(self) -> bool:
        """Whether any of them does."""
        return any(source.waits() for source in self._sources)

    def _next_job(self) -> TrainingJob | None:
        for index in self._order(self._n_started):
            for job in self._sources[index].next_jobs(1):
                self._owners[job.key] = self._sources[index]
                self._n_started[index] += 1
                return job
        return None
