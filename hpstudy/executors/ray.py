"""The executor that trains on a Ray cluster, each training in an actor."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray
import torch
from ray import ObjectRef
from ray.actor import ActorHandle
from ray.exceptions import RayError, RayTaskError

from hpstudy.artifacts import written_whole
from hpstudy.datasets.images import TrainingData
from hpstudy.errors import ArtifactError, InputError
from hpstudy.executors.data import LoadData
from hpstudy.executors.failures import describe_failure
from hpstudy.executors.protocol import EpochEnded, Event, Failed, WorkerLost
from hpstudy.executors.ray_actors import SpareActors, last_line
from hpstudy.executors.ray_cluster import divide, join_cluster, leave_cluster, nodes
from hpstudy.executors.ray_images import PackedData, pack
from hpstudy.executors.ray_sources import pack_sources
from hpstudy.executors.ray_trainer import Assignment, Step, Trainer
from hpstudy.executors.stall import StallLimits, StallWatch
from hpstudy.training.job import Answer, TrainingJob

_log = logging.getLogger(__name__)

_LEAVE_SECONDS = 20.0
"""How long `close` waits for the checkpoints of trainings that stand at an epoch's end."""

_PATIENCE_SECONDS = 60.0
"""A run that waits so long for room on the cluster says so."""


@dataclass
class _Training:
    """A training under way: its actor, and the step that it is in; None while an answer is waited for."""

    job: TrainingJob
    actor: ActorHandle[Trainer]
    step: ObjectRef[Step] | None


class RayExecutor:
    """Trains on a Ray cluster, which it joins, or starts where there is none.

    The machines of the cluster need none of the study's files: images, the user's code and checkpoints are sent to
    them, and what a training writes comes back with its steps and is written here. An actor is idle or has one
    training. One that is lost is made anew as soon as Ray has room for it; its training goes to the first actor that
    is free.
    """

    def __init__(
        self, *, load_data: LoadData, device: torch.device, n_workers: int | None, limits: StallLimits | None = None
    ) -> None:
        """Joins the cluster; actors start with the first jobs.

        Args:
            load_data: Gives the images, on any device of this machine.
            device: Where the actors train: `cpu`, or `cuda`, which this machine need not have.
            n_workers: At most so many trainings at once; None for as many as the cluster has room for.
            limits: When a training counts as stalled.

        Raises:
            InputError: There is no cluster, or it has nothing to train on.
        """
        self._load_data = load_data
        self._joined = join_cluster()
        try:
            division = divide(nodes(), n_workers=n_workers, on_gpus=device.type == "cuda")
        except InputError:
            self._disconnect()
            raise
        self.capacity = division.n_trainings
        self.threads = division.n_cpus
        self._spare = SpareActors(device=device.type, n_threads=division.n_cpus, n_gpus=division.n_gpus)
        self._stored: tuple[TrainingData, ObjectRef[PackedData]] | None = None
        self._waiting: list[TrainingJob] = []
        self._waits_since = time.monotonic()
        self._has_said = False
        self._trainings: dict[str, _Training] = {}
        self._watch = StallWatch(limits or StallLimits())

    def start(self, jobs: Sequence[TrainingJob]) -> None:
        """Gives jobs to idle actors; those that find none wait until one has started."""
        for job in jobs:
            self._images(job)  # now: what cannot be read ends the run before anything is waited for
        self._waiting.extend(jobs)
        self._fill()

    def events(self, timeout_seconds: float) -> Sequence[Event]:
        """The first step that has ended, as soon as there is one; and the trainings that have stalled."""
        running = {training.step: key for key, training in self._trainings.items() if training.step is not None}
        under_way: list[ObjectRef[Any]] = [*running, *self._spare.starting]
        if not under_way:
            return []
        ended, _ = ray.wait(under_way, num_returns=1, timeout=timeout_seconds)
        events: list[Event] = []
        for reference in ended:
            if reference in running:
                events.append(self._step_ended(running[reference], reference))
            else:
                self._spare.started(reference)
                self._fill()
        if not ended and not running:
            self._say_that_it_waits()
        for key, seconds in self._watch.stalled().items():
            events.append(self._lost(key, f"no progress for {seconds:.0f} s: its actor was ended"))
        return events

    def answer(self, key: str, answer: Answer) -> None:
        """Sends the answer to the training."""
        training = self._trainings[key]
        training.step = training.actor.advance.remote(answer)
        self._watch.expect(key)

    def close(self) -> None:
        """Ends everything; trainings that stand at an epoch's end write their checkpoint, and it is brought home."""
        try:
            self._bring_home()
        finally:
            self._spare.kill()
            for training in self._trainings.values():
                ray.kill(training.actor)
            self._waiting, self._trainings, self._stored = [], {}, None
            self._disconnect()

    def _fill(self) -> None:
        """Makes the actors that are missing, and gives jobs to those that are free."""
        if self._trainings:
            self._waits_since = time.monotonic()
        n_wanted = min(self.capacity, len(self._waiting) + len(self._trainings))
        for _ in range(n_wanted - len(self._spare) - len(self._trainings)):
            self._spare.make()
        while self._waiting and self._spare.idle:
            assignment = self._assignment(self._waiting[0])
            actor = self._spare.idle.pop()
            job = self._waiting.pop(0)
            self._trainings[job.key] = _Training(job, actor, actor.begin.remote(assignment))
            self._watch.expect(job.key)

    def _say_that_it_waits(self) -> None:
        """Once, where nothing trains because the cluster gives no actor room."""
        if not self._has_said and time.monotonic() - self._waits_since > _PATIENCE_SECONDS:
            _log.warning("the Ray cluster has no room for a training yet; `ray status` says what it is busy with")
            self._has_said = True

    def _assignment(self, job: TrainingJob) -> Assignment:
        folder = job.study_folder.resolve()
        return Assignment(
            job=replace(job, study_folder=folder),
            images=self._images(job),
            sources=pack_sources(job.config.architecture, folder=folder),
            checkpoint=job.checkpoint.read_bytes() if job.checkpoint and job.checkpoint.exists() else None,
        )

    def _images(self, job: TrainingJob) -> ObjectRef[PackedData]:
        """The job's images in the object store, which keeps the last ones used."""
        data = self._load_data(job.config, job.part)
        if self._stored is None or self._stored[0] is not data:
            self._stored = None
            self._stored = (data, ray.put(pack(data)))
        return self._stored[1]

    def _step_ended(self, key: str, reference: ObjectRef[Step]) -> Event:
        training = self._trainings[key]
        try:
            event = self._kept(training.job, ray.get(reference))
        except (RayTaskError, ArtifactError) as error:
            event = Failed(key, describe_failure(error))
        except RayError as error:
            return self._lost(key, f"the loss of its Ray actor ({_cause_of_death(error)})")
        if isinstance(event, EpochEnded):
            training.step = None
            self._watch.epoch_ended(key, event.result.seconds)
        else:
            self._watch.forget(key)
            self._spare.idle.append(self._trainings.pop(key).actor)
            self._fill()
        return event

    def _kept(self, job: TrainingJob, step: Step) -> Event:
        """What came of a step, once all that came with it is where the job says."""
        for printed in step.printed:
            printed.show()
        self._keep_checkpoint(job, step.checkpoint)
        if job.weights and step.weights is not None:
            _write(job.weights, step.weights)
        return step.event

    def _keep_checkpoint(self, job: TrainingJob, content: bytes | None) -> None:
        """Writes a checkpoint that is new; no training dies of a full disk here."""
        if job.checkpoint is None or content is None:
            return
        try:
            _write(job.checkpoint, content)
        except ArtifactError as error:
            _log.warning("%s has no new checkpoint, and trains on without: %s", job.label, error)

    def _lost(self, key: str, cause: str) -> WorkerLost:
        """Gives a training up, with its actor, which may be out of reach only."""
        ray.kill(self._trainings.pop(key).actor)
        self._watch.forget(key)
        self._fill()
        return WorkerLost(key, cause)

    def _bring_home(self) -> None:
        """Asks the actors that are not in the middle of an epoch to leave, and keeps the checkpoints that they send."""
        waiting = [one for one in self._trainings.values() if one.step is None]
        jobs: dict[ObjectRef[Any], TrainingJob] = {one.actor.leave.remote(): one.job for one in waiting}
        leaving: list[ObjectRef[Any]] = [*jobs, *(actor.leave.remote() for actor in self._spare.idle)]
        if not leaving:
            return
        left, _ = ray.wait(leaving, num_returns=len(leaving), timeout=_LEAVE_SECONDS)
        for reference in left:
            job = jobs.get(reference)
            try:
                checkpoint = ray.get(reference)
            except RayError:
                continue  # it died at the last moment: the checkpoint before stays
            if job:
                self._keep_checkpoint(job, checkpoint)

    def _disconnect(self) -> None:
        if self._joined:
            self._joined = False
            leave_cluster()


def _write(path: Path, content: bytes) -> None:
    with written_whole(path) as file:
        file.write(content)


def _cause_of_death(error: RayError) -> str:
    """What Ray says of an actor's death, without its advice: `its node has died`."""
    return last_line(error).partition(". ")[0].rpartition(" because ")[2]
