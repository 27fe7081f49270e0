"""The executor that trains in worker processes of this machine, one job a process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from multiprocessing.connection import wait

import torch

from hpstudy.datasets.images import TrainingData
from hpstudy.executors.data import LoadData
from hpstudy.executors.output import Printed
from hpstudy.executors.protocol import EpochEnded, Event, WorkerLost
from hpstudy.executors.sharing import share
from hpstudy.executors.stall import StallLimits, StallWatch
from hpstudy.executors.worker import Message
from hpstudy.executors.worker_process import WorkerProcess, spawn
from hpstudy.training.job import Answer, TrainingJob

_LOOK_SECONDS = 1.0
"""How often the executor looks for stalled trainings while it waits."""

_EPOCH_SECONDS = 1.0
"""How long `close` waits for trainings in the middle of an epoch: a second Ctrl-C stops within two seconds."""

_CHECKPOINT_SECONDS = 10.0
"""How long it waits for those that stand at an epoch's end to write their checkpoint."""


class WorkerExecutor:
    """Trains in processes of its own, which are started when they are needed and stay for the next job.

    All of them read one copy of the images, and share torch's threads of this process among them. A process that
    dies loses its training alone; the next job gets a new process. One that gives no sign for too long is killed.
    """

    def __init__(
        self, *, load_data: LoadData, device: torch.device, n_workers: int, limits: StallLimits | None = None
    ) -> None:
        """Takes where to train; nothing is started yet.

        Args:
            load_data: Gives the images on the CPU; equal configurations must get the same object.
            device: Where models are trained. Of several GPUs each worker takes one, in turn.
            n_workers: How many train at once, at least 1.
            limits: When a training counts as stalled.
        """
        self.capacity = n_workers
        self.threads = max(1, torch.get_num_threads() // n_workers)
        self._load_data = load_data
        self._device = device
        self._workers: list[WorkerProcess] = []
        self._watch = StallWatch(limits or StallLimits())

    def start(self, jobs: Sequence[TrainingJob]) -> None:
        """Gives each job to an idle worker, or to a new one.

        Raises:
            InputError: The images do not fit into shared memory.
            HpstudyError: What loading them raises: that is no fault of the settings, and ends the run.
        """
        for job in jobs:
            data = self._load_data(job.config, job.part)
            worker = self._idle(data) or self._spawn(data)
            worker.train(job)
            self._watch.expect(job.key)

    def events(self, timeout_seconds: float) -> Sequence[Event]:
        """What the workers have sent; waits for something."""
        deadline = time.monotonic() + timeout_seconds
        events: list[Event] = []
        while not events:
            seconds = max(deadline - time.monotonic(), 0.0)
            ready = wait([worker.connection for worker in self._workers], min(seconds, _LOOK_SECONDS))
            for worker in [worker for worker in self._workers if worker.connection in ready]:
                events += self._received(worker)
            events += self._stalled()
            if seconds == 0:
                break
        return events

    def answer(self, key: str, answer: Answer) -> None:
        """Passes the answer on to the worker that waits for it."""
        for worker in self._workers:
            if worker.job and worker.job.key == key:
                worker.answer(answer)
                self._watch.expect(key)

    def close(self) -> None:
        """Ends every worker; what stands at an epoch's end writes its checkpoint before."""
        try:
            self._let_end()
        finally:
            for worker in self._workers:
                worker.kill()
            self._workers.clear()

    def _idle(self, data: TrainingData) -> WorkerProcess | None:
        """An idle worker that has the images; idle ones with other images are ended, to make room."""
        for worker in [worker for worker in self._workers if worker.job is None]:
            if worker.data is data:
                return worker
            self._remove(worker)
        return None

    def _spawn(self, data: TrainingData) -> WorkerProcess:
        share(data)
        taken = {worker.number for worker in self._workers}
        number = next(number for number in range(self.capacity) if number not in taken)
        worker = spawn(data, number=number, device=_device_of(number, self._device), n_threads=self.threads)
        self._workers.append(worker)
        return worker

    def _received(self, worker: WorkerProcess) -> list[Event]:
        """The event that a worker has sent, if it is one; that it was lost, if it is gone."""
        try:
            message: Message = worker.connection.recv()
        except (EOFError, OSError):
            return self._lost(worker, worker.cause_of_death())
        match message:
            case Printed():
                message.show()
                return []
            case EpochEnded(key, result):
                worker.waits = True
                self._watch.epoch_ended(key, result.seconds)
            case _:
                worker.job = None
                self._watch.forget(message.key)
        return [message]

    def _stalled(self) -> list[Event]:
        """Kills the workers whose trainings have been silent for too long."""
        events: list[Event] = []
        for key, seconds in self._watch.stalled().items():
            for worker in [worker for worker in self._workers if worker.job and worker.job.key == key]:
                worker.kill()
                events += self._lost(worker, f"{worker.cause_of_death()} after no progress for {seconds:.0f} s")
        return events

    def _lost(self, worker: WorkerProcess, cause: str) -> list[Event]:
        self._workers.remove(worker)
        if worker.job is None:
            return []
        self._watch.forget(worker.job.key)
        return [WorkerLost(worker.job.key, cause)]

    def _remove(self, worker: WorkerProcess) -> None:
        worker.kill()
        self._workers.remove(worker)

    def _let_end(self) -> None:
        """Asks the workers that train to end, and waits for them as long as it is worth it."""
        training = [worker for worker in self._workers if worker.job]
        for worker in training:
            worker.ask_to_end()
        began = time.monotonic()
        while training:
            allowed = _CHECKPOINT_SECONDS if any(worker.waits for worker in training) else _EPOCH_SECONDS
            seconds = began + allowed - time.monotonic()
            if seconds <= 0:
                return
            ready = wait([worker.connection for worker in training], seconds)
            training = [worker for worker in training if worker.connection not in ready or _still_there(worker)]


def _still_there(worker: WorkerProcess) -> bool:
    """Takes what a worker that is to end has sent; False once it has ended."""
    try:
        message: Message = worker.connection.recv()
    except (EOFError, OSError):
        return False
    worker.waits = worker.waits or isinstance(message, EpochEnded)
    return True


def _device_of(number: int, device: torch.device) -> torch.device:
    """The device of a worker: where there are several GPUs, one after another."""
    if device.type != "cuda" or device.index is not None:
        return device
    return torch.device("cuda", number % torch.cuda.device_count())
