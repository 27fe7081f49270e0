"""What trains a study: the executor that the command's options name, and where it wants the images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from hpstudy.errors import InputError
from hpstudy.executors.count import choose_n_workers, read_n_workers
from hpstudy.executors.data import LoadData, data_on
from hpstudy.executors.local import LocalExecutor
from hpstudy.executors.protocol import Executor
from hpstudy.executors.workers import WorkerExecutor
from hpstudy.training.device import choose_device

_CPU = torch.device("cpu")


@dataclass(frozen=True)
class ChosenExecutor:
    """An executor that is not open yet.

    Attributes:
        device: Where models are trained.
        load_data: Gives the images, where the executor wants them.
        open: Makes it.
    """

    device: torch.device
    load_data: LoadData
    open: Callable[[], Executor]


def choose_executor(name: str, *, device: str, workers: str | None, data_folder: Path) -> ChosenExecutor:
    """The executor that options ask for.

    Args:
        name: `local`: this process, or worker processes where there are several; `ray`: a Ray cluster.
        device: As `choose_device` takes it. On Ray `cuda` means GPUs of the cluster, which this machine need not have.
        workers: Trainings at once: a number or `auto`. None is 1 on this machine, and `auto` on Ray.
        data_folder: Where the data sets lie.

    Raises:
        InputError: One of the options cannot be used.
    """
    if name == "ray":
        return _ray(device, workers=workers or "auto", data_folder=data_folder)
    if name != "local":
        raise InputError(f"--executor: no executor {name!r}; known: local, ray")
    chosen = choose_device(device)
    n_workers = choose_n_workers(workers or "1", device=chosen)
    if n_workers == 1:
        load_data = data_on(chosen, folder=data_folder)
        return ChosenExecutor(chosen, load_data, lambda: LocalExecutor(load_data=load_data, device=chosen))
    shared = data_on(_CPU, folder=data_folder)
    return ChosenExecutor(chosen, shared, lambda: WorkerExecutor(load_data=shared, device=chosen, n_workers=n_workers))


def _ray(device: str, *, workers: str, data_folder: Path) -> ChosenExecutor:
    try:
        from hpstudy.executors.ray import RayExecutor  # noqa: PLC0415  # an extra
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise InputError(
            "--executor ray: Ray is not installed; run pip install -e '.[ray]' in hpstudy's folder"
        ) from error
    chosen = torch.device("cuda") if device == "cuda" else choose_device(device)
    if chosen.type == "mps":
        if device == "mps":
            raise InputError("--device: mps cannot be used on Ray; known there: cpu, cuda")
        chosen = _CPU
    n_workers = read_n_workers(workers)
    load_data = data_on(_CPU, folder=data_folder)
    return ChosenExecutor(
        chosen, load_data, lambda: RayExecutor(load_data=load_data, device=chosen, n_workers=n_workers)
    )
