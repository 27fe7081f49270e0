"""A worker process as the runner sees it: how it is started, spoken to and ended."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

import torch
from torch import multiprocessing

from hpstudy.datasets.images import TrainingData
from hpstudy.errors import InputError
from hpstudy.executors.worker import Order, work
from hpstudy.signals import STOPPING
from hpstudy.training.job import Answer, TrainingJob

# A forked process would share the runner's locks and open database, and cannot use CUDA.
_CONTEXT = multiprocessing.get_context("spawn")

_EXIT_SECONDS = 5.0
"""How long a process may take from closing its pipe to its end."""


@dataclass(eq=False)
class WorkerProcess:
    """A process that trains.

    Attributes:
        process: The process.
        connection: The pipe to it.
        number: From 0; no two at once have the same.
        data: The images that it was started with: it trains jobs on these alone.
        job: What it trains; None while it is idle.
        waits: Whether it waits for the answer to an epoch.
    """

    process: SpawnProcess
    connection: Connection
    number: int
    data: TrainingData
    job: TrainingJob | None = None
    waits: bool = False

    def train(self, job: TrainingJob) -> None:
        """Starts a job."""
        self.job = job
        self._send(job)

    def answer(self, answer: Answer) -> None:
        """Answers an epoch."""
        self.waits = False
        self._send(answer)

    def ask_to_end(self) -> None:
        """Asks it to end at the end of the epoch that it is in, with a checkpoint of the training."""
        self._send(None)

    def cause_of_death(self) -> str:
        """How a process ended whose pipe has: a signal's name (`SIGKILL`), or `exit code 1`."""
        self.process.join(_EXIT_SECONDS)
        self.kill()
        return _cause(self.process.exitcode or 0)

    def kill(self) -> None:
        """Ends it at once, also if it is stopped by SIGSTOP, and takes it off the system's list."""
        self.process.kill()
        self.process.join()
        self.connection.close()

    def _send(self, order: Order) -> None:
        # A worker that has died is found out by what it does not send.
        with suppress(ConnectionError):
            self.connection.send(order)


def spawn(data: TrainingData, *, number: int, device: torch.device, n_threads: int) -> WorkerProcess:
    """Starts a worker; it takes jobs at once, and trains once it has imported torch.

    Args:
        data: On the CPU, in shared memory.
        number: The worker's.
        device: Where it trains.
        n_threads: torch's threads in it.

    Raises:
        InputError: The system starts no further process.
    """
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(
        target=work,
        args=(theirs,),
        kwargs={"data": data, "device": device, "n_threads": n_threads},
        name=f"hpstudy worker {number}",
    )
    try:
        with _signals_held():
            process.start()
    except OSError as error:
        raise InputError(f"--workers: no process could be started ({error.strerror}); try fewer") from error
    finally:
        theirs.close()
    return WorkerProcess(process, ours, number, data)


@contextmanager
def _signals_held() -> Iterator[None]:
    """What is started in the body does not see a Ctrl-C before it ignores it; for this process it only comes later.

    Windows can hold no signals, and has no resource tracker.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # before the signals are held: it would let them through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _cause(exit_code: int) -> str:
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:  # a real-time signal
        return f"signal {-exit_code}"
