"""The Ray cluster: joined or started, and how it is divided among trainings."""

from __future__ import annotations

import logging
import math
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import ray

from hpstudy.error_summary import error_text
from hpstudy.errors import InputError
from hpstudy.signals import STOPPING

_FINEST = 10_000
"""Ray counts resources in ten-thousandths."""


@dataclass(frozen=True)
class Node:
    """What a machine of the cluster has for trainings: whole processors and GPUs."""

    n_cpus: int
    n_gpus: int


@dataclass(frozen=True)
class Division:
    """How a cluster is divided.

    Attributes:
        n_trainings: How many run at once.
        n_cpus: Processors of each, which are also torch's threads.
        n_gpus: GPUs of each; below 1 several trainings share one.
    """

    n_trainings: int
    n_cpus: int
    n_gpus: float


def join_cluster() -> bool:
    """Joins the cluster of RAY_ADDRESS, or one that runs on this machine, or starts one here for this process.

    Returns:
        Whether `leave_cluster` is to be called; not where this process had joined before.

    Raises:
        InputError: The cluster cannot be joined, or none can be started.
    """
    if ray.is_initialized():
        return False
    # A cluster that is started here nices its processes by 15: on a busy machine a training would get a thirtieth of a
    # processor, and be taken for one that has stalled.
    os.environ.setdefault("RAY_worker_niceness", "0")
    try:
        with _signals_kept():
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises plain ones, too
        raise InputError(
            f"--executor ray: no cluster can be joined or started ({error_text(error)}); set RAY_ADDRESS to HOST:6379 "
            "of one that runs, or unset it and run `ray stop`, so that hpstudy starts one on this machine"
        ) from error
    if ray.util.client.ray.is_connected():  # type: ignore[no-untyped-call]  # Ray does not say its types
        ray.shutdown()
        raise InputError(
            "--executor ray: RAY_ADDRESS names a Ray client server (ray://); run hpstudy on a machine of the cluster "
            "with RAY_ADDRESS=HOST:6379"
        )
    return True


def leave_cluster() -> None:
    """Leaves the cluster; one that `join_cluster` has started ends."""
    with _signals_kept():
        ray.shutdown()


def nodes() -> list[Node]:
    """The machines that the cluster has at this moment."""
    known = ray.nodes()  # type: ignore[no-untyped-call]  # Ray does not say its types
    resources = [node["Resources"] for node in known if node["Alive"]]
    return [Node(int(found.get("CPU", 0)), int(found.get("GPU", 0))) for found in resources]


def divide(machines: Sequence[Node], *, n_workers: int | None, on_gpus: bool) -> Division:
    """How trainings share a cluster.

    On processors each training has one, or more where fewer trainings than that are wanted: then as many as let all
    of them fit, the same for each. On GPUs each has one GPU, or where more trainings than GPUs are wanted an equal part
    of one; and one processor.

    Args:
        machines: The cluster's.
        n_workers: At most so many trainings at once; None for as many as there are processors or GPUs.
        on_gpus: Whether models are trained on GPUs.

    Raises:
        InputError: The cluster has no processor, or no GPU, to train on, or no machine has both.
    """
    n_gpus, n_cpus = sum(node.n_gpus for node in machines), sum(node.n_cpus for node in machines)
    if on_gpus and not n_gpus:
        raise InputError("--device cuda: the Ray cluster has no GPU; use --device cpu, or add machines that have some")
    if not n_cpus:
        raise InputError("--executor ray: the Ray cluster has no processor to train on; start it with --num-cpus")
    if on_gpus:
        together = math.ceil((n_workers or n_gpus) / n_gpus)
        n_fit = sum(min(node.n_cpus, node.n_gpus * together) for node in machines)
        if not n_fit:
            raise InputError("--device cuda: no machine of the Ray cluster has both a GPU and a processor to feed it")
        share = math.floor(_FINEST / together) / _FINEST
        return Division(min(n_workers or n_fit, n_fit), 1, share)
    each = _cpus_each(machines, n_workers or n_cpus)
    return Division(min(n_workers or n_cpus, n_cpus), each, 0)


def _cpus_each(machines: Sequence[Node], n_trainings: int) -> int:
    """The most processors that each of so many trainings can have; 1 where not even that fits."""
    most = max(node.n_cpus for node in machines)
    fitting = (each for each in range(most, 1, -1) if sum(node.n_cpus // each for node in machines) >= n_trainings)
    return next(fitting, 1)


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray sets a handler of its own for SIGTERM; what this process does with a signal stays as it is."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
