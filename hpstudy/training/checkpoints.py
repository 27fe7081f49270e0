"""Checkpoints: what a training needs to go on after a crash, in one file that is whole and its own, or is not used.

A file begins with the SHA-256 over the training's fingerprint and the content that follows, so that one sum tells a cut
end, an altered byte (torch.load does not notice one) and the checkpoint of another training. The content is what
torch.save writes, and is read as plain numbers: code in it is never run.

Random states are no part of it: every draw of an epoch derives from that epoch's seeds.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import StepLR

from hpstudy.architectures.sources import architecture_sources
from hpstudy.artifacts import written_whole
from hpstudy.datasets.images import TrainingData
from hpstudy.error_summary import summarize_error
from hpstudy.errors import ArtifactError
from hpstudy.regular_file import read_regular
from hpstudy.training.job import EpochResult, TrainingJob

_FORMAT = 1
_SUM_BYTES = hashlib.sha256().digest_size
_SHARE = 0.02
"""Of the training time: what writing may cost."""

_LONGEST = 10
"""A pause that slow writing lengthens becomes at most so many times as long: more would be lost in a crash."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingState:
    """A training between two epochs; its parts change as it goes on.

    Attributes:
        model: On the device.
        optimizer: Of the model's parameters.
        schedule: Of the optimizer's learning rate.
        curve: The result of every epoch so far.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: StepLR
    curve: list[EpochResult]


def fingerprint(job: TrainingJob, *, data: TrainingData, device: torch.device, engine: int) -> bytes:
    """What a training must have in common with a checkpoint to go on from it, as 32 bytes.

    That is all that decides its bits, so that a curve in two pieces is the one that a training in one piece gives:
    configuration, part, images, the user's code, engine, torch, device and threads.
    """
    known = {
        "format": _FORMAT,
        "engine": engine,
        "torch": torch.__version__,
        "device": device.type,
        "threads": torch.get_num_threads(),
        "part": job.part,
        "config": job.config.to_json(),
        "images": dict(data.train.checksums),
        "sources": architecture_sources([job.config.architecture], folder=job.study_folder),
    }
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).digest()


def write_checkpoint(path: Path, state: TrainingState, *, fingerprint: bytes) -> None:
    """Writes a training's state, whole or not at all; a checkpoint that was there is replaced.

    Args:
        path: Where to; its folder is made if needed.
        state: It is not changed. Its numbers are held in memory twice.
        fingerprint: The training's.

    Raises:
        ArtifactError: The disk is full, or the folder cannot be written to.
        Exception: Whatever the state of a user's architecture raises when it is written.
    """
    content = io.BytesIO()
    parts = {
        "model": state.model.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "schedule": state.schedule.state_dict(),
        "curve": [asdict(result) for result in state.curve],
    }
    torch.save(parts, content)
    with written_whole(path) as file:
        file.write(_checksum(content.getbuffer(), fingerprint=fingerprint))
        file.write(content.getbuffer())


def restore_checkpoint(path: Path, state: TrainingState, *, fingerprint: bytes) -> None:
    """Brings a training from its beginning to where its checkpoint was written.

    Args:
        path: What `write_checkpoint` wrote.
        state: Of a training that has not begun; after an error it may be half restored and is of no use.
        fingerprint: The training's.

    Raises:
        ArtifactError: The file cannot be read, is cut short or altered, is another training's, holds something else
            than plain numbers, or does not fit the model.
    """
    try:
        whole = read_regular(path)
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror or error})") from error
    content = memoryview(whole)[_SUM_BYTES:]
    if whole[:_SUM_BYTES] != _checksum(content, fingerprint=fingerprint):
        raise ArtifactError(f"{path}: is damaged, or was written with other settings, code, data, torch or threads")
    try:
        parts: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        state.model.load_state_dict(parts["model"])
        state.optimizer.load_state_dict(parts["optimizer"])
        state.schedule.load_state_dict(parts["schedule"])
        state.curve[:] = [EpochResult(**result) for result in parts["curve"]]
    except Exception as error:  # a forged file, or a user's network with a state that is no numbers: anything goes
        raise ArtifactError(f"{path}: does not fit this training ({type(error).__name__})") from error


class CheckpointWriter:
    """Writes a training's checkpoints: seldom enough to cost under 2 % of its time, and without failing it."""

    def __init__(
        self, job: TrainingJob, *, fingerprint: bytes, n_written: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begins to count the seconds.

        Args:
            job: The training; without a `checkpoint` nothing is written.
            fingerprint: Its fingerprint.
            n_written: Epochs that its file has.
            clock: Seconds, from any point in time.
        """
        self._job = job
        self._fingerprint = fingerprint
        self._n_written = n_written
        self._clock = clock
        self._began = clock()
        self._pause = job.checkpoint_seconds
        self._warned = False

    def epoch_ended(self, state: TrainingState) -> None:
        """Writes a checkpoint if the last one is long enough ago."""
        if self._clock() - self._began >= self._pause:
            self.write(state)

    def write(self, state: TrainingState) -> None:
        """Writes a checkpoint, unless the file has the last epoch, or no epoch is left to go on with."""
        if self._job.checkpoint is None or len(state.curve) in (self._n_written, self._job.config.epochs):
            return
        began = self._clock()
        try:
            write_checkpoint(self._job.checkpoint, state, fingerprint=self._fingerprint)
            self._n_written = len(state.curve)
        except Exception as error:  # noqa: BLE001  # a user's network may raise anything, and no training dies of this
            self._warn(error)
        self._began = self._clock()
        longest = _LONGEST * self._job.checkpoint_seconds
        self._pause = max(self._job.checkpoint_seconds, min((self._began - began) / _SHARE, longest))

    def _warn(self, error: Exception) -> None:
        """Says once that the training cannot be gone on with from here; it goes on as long as it is let."""
        if not self._warned:
            fact = str(error) if isinstance(error, ArtifactError) else summarize_error(error)
            _log.warning("%s has no new checkpoint, and trains on without: %s", self._job.label, fact)
        self._warned = True


def _checksum(content: memoryview, *, fingerprint: bytes) -> bytes:
    checksum = hashlib.sha256(fingerprint)
    checksum.update(content)
    return checksum.digest()
