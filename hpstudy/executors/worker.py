"""What runs in a worker process: it trains the jobs that it is given, and sends what comes of each epoch."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing.connection import Connection

import torch

from hpstudy.datasets.images import TrainingData
from hpstudy.executors.output import Printed, carried_output
from hpstudy.executors.process import prepare_process
from hpstudy.executors.protocol import EpochEnded, Event
from hpstudy.executors.stepping import Steps, next_event
from hpstudy.signals import STOPPING
from hpstudy.training.job import Answer, TrainingJob
from hpstudy.training.train import train

_PR_SET_PDEATHSIG = 1
"""Of Linux's `prctl`: the signal that a process gets when the thread that started it has ended."""

Message = Event | Printed
"""What a worker sends."""

Order = TrainingJob | Answer | None
"""What a worker is sent: a job, the answer to an epoch, or None: the training under way ends here, and so does it."""


def work(runner: Connection, *, data: TrainingData, device: torch.device, n_threads: int) -> None:
    """Trains one job after another, until the runner says that it is over or is gone.

    Args:
        runner: The pipe to the runner: orders come in, messages go out.
        data: The images of every job, in shared memory.
        device: Where they are moved to, and models are trained.
        n_threads: torch's threads.
    """
    _leave_signals_to_the_runner()
    _end_with_the_runner()
    prepare_process()
    torch.set_num_threads(n_threads)
    images = cache(lambda: data.to(device))  # inside the first training: what has no room fails it, with a message
    lock = threading.Lock()  # a user's thread may print while an event is sent

    def send(message: Message) -> None:
        with lock, _runner_is_there():
            runner.send(message)

    def receive() -> Order:
        with _runner_is_there():
            order: Order = runner.recv()
        return order

    with carried_output(send):
        goes_on = True
        while goes_on and isinstance(job := receive(), TrainingJob):
            goes_on = _train(job, images=images, device=device, send=send, receive=receive)


def _train(
    job: TrainingJob,
    *,
    images: Callable[[], TrainingData],
    device: torch.device,
    send: Callable[[Message], None],
    receive: Callable[[], Order],
) -> bool:
    """Trains a job to its end, or closes it at an epoch's end, with a checkpoint; False if nothing is to follow."""
    steps = _steps(job, images, device)
    event = next_event(job.key, steps, None)
    send(event)
    while isinstance(event, EpochEnded):
        answer = receive()
        if answer not in {"go", "stop"}:
            steps.close()
            return False
        event = next_event(job.key, steps, answer)
        send(event)
    return True


def _steps(job: TrainingJob, images: Callable[[], TrainingData], device: torch.device) -> Steps:
    return (yield from train(job, images(), device))


def _leave_signals_to_the_runner() -> None:
    """A terminal's Ctrl-C or end, and `timeout` or a cluster's SIGTERM, reach every process: the runner decides."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)


def _end_with_the_runner() -> None:
    """Ends this process as soon as the runner has died, also in the middle of an epoch, or stopped by SIGSTOP."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # what no thread of a stopped process could do

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _runner_is_there() -> Iterator[None]:
    """Ends this process at once where the pipe has no other end: another runner may have the training already."""
    try:
        yield
    except (EOFError, ConnectionError):
        os._exit(1)
