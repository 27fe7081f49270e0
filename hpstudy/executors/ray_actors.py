"""The actors that have no training: those that start, and those that are idle."""

from __future__ import annotations

from typing import cast

import ray
from ray import ObjectRef
from ray.actor import ActorHandle
from ray.exceptions import RayActorError, RayError

from hpstudy.errors import InputError
from hpstudy.executors.ray_trainer import Description, Trainer, describe

_MAX_STARTS = 5
"""So many actors in a row may die while they start before that is no accident any more."""


class SpareActors:
    """Makes actors, and has them until they get a training.

    Attributes:
        starting: Those that Ray has not given room yet, or that import torch, by their first answer.
        idle: Those that can train.
    """

    def __init__(self, *, device: str, n_threads: int, n_gpus: float) -> None:
        """Takes what each actor is to have.

        Args:
            device: Where it trains: `cpu` or `cuda`.
            n_threads: Its processors, and torch's threads.
            n_gpus: Its GPUs, or its part of one.
        """
        self.starting: dict[ObjectRef[Description], ActorHandle[Trainer]] = {}
        self.idle: list[ActorHandle[Trainer]] = []
        self._device = device
        self._n_threads = n_threads
        self._n_gpus = n_gpus
        self._n_failed = 0

    def __len__(self) -> int:
        return len(self.starting) + len(self.idle)

    def make(self) -> None:
        """Makes an actor, which starts once Ray has room for it; when it dies, Ray does not start it again."""
        kind = ray.remote(Trainer).options(
            num_cpus=self._n_threads, num_gpus=self._n_gpus, max_restarts=0, max_task_retries=0
        )
        actor = cast("ActorHandle[Trainer]", kind.remote(device=self._device, n_threads=self._n_threads))
        self.starting[actor.describe.remote()] = actor

    def started(self, reference: ObjectRef[Description]) -> None:
        """Takes an actor that has started, or died meanwhile.

        Raises:
            InputError: It cannot start at all, or its machine has other versions than this one.
        """
        actor = self.starting.pop(reference)
        try:
            found = ray.get(reference)
        except RayActorError as error:
            self._n_failed += 1
            if error.actor_init_failed or self._n_failed == _MAX_STARTS:
                raise InputError(f"--executor ray: an actor cannot start: {last_line(error)}") from error
            return
        _check_installed(found)
        self._n_failed = 0
        self.idle.append(actor)

    def kill(self) -> None:
        """Ends all of them."""
        for actor in (*self.starting.values(), *self.idle):
            ray.kill(actor)
        self.starting.clear()
        self.idle.clear()


def last_line(error: RayError) -> str:
    """The last line of what Ray says, which names the cause."""
    return (str(error).strip() or type(error).__name__).splitlines()[-1].strip()


def _check_installed(there: Description) -> None:
    for name, version in describe().installed.items():
        if there.installed.get(name) != version:
            raise InputError(
                f"--executor ray: {there.host} has {name} {there.installed.get(name)}, this machine {version}; "
                "all machines of the cluster need the same"
            )
