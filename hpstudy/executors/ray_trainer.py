"""What runs in a Ray actor: it trains one job at a time, on a machine that has none of the study's files."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import ray
import torch
from ray import ObjectRef

from hpstudy import __version__
from hpstudy.datasets.images import TrainingData
from hpstudy.executors.output import Printed, carried_output
from hpstudy.executors.process import prepare_process
from hpstudy.executors.protocol import Ended, EpochEnded, Failed
from hpstudy.executors.ray_images import PackedData, unpack
from hpstudy.executors.ray_sources import Sources, unpack_sources
from hpstudy.executors.stepping import Steps, next_event
from hpstudy.training.job import Answer, TrainingJob
from hpstudy.training.train import ENGINE, train


@dataclass(frozen=True)
class Assignment:
    """A training, with all that it needs from the runner's machine.

    Attributes:
        job: The training; its paths are the runner's.
        images: Where the images lie in Ray's object store.
        sources: Files of the user's architecture.
        checkpoint: What the job's checkpoint file holds; None where there is none.
    """

    job: TrainingJob
    images: ObjectRef[PackedData]
    sources: Sources
    checkpoint: bytes | None


@dataclass(frozen=True)
class Step:
    """What one step of a training leaves.

    Attributes:
        event: What came of it.
        checkpoint: What the checkpoint file holds, where it has changed.
        weights: What the weights file holds, where the training has written one.
        printed: What the training has printed.
    """

    event: EpochEnded | Ended | Failed
    checkpoint: bytes | None
    weights: bytes | None
    printed: Sequence[Printed]


@dataclass(frozen=True)
class Description:
    """A machine of the cluster.

    Attributes:
        host: Its name.
        installed: Versions of what must be equal on all of them, beside Ray and Python, which Ray compares itself.
    """

    host: str
    installed: Mapping[str, str]


def describe() -> Description:
    """The machine that this process runs on."""
    # Builds of torch for processors and for GPUs are told apart after a plus, and may be mixed.
    versions = {"hpstudy": __version__, "torch": torch.__version__.partition("+")[0], "engine": str(ENGINE)}
    return Description(platform.node(), versions)


@dataclass(frozen=True)
class _Training:
    key: str
    steps: Steps


class Trainer:
    """Trains one job at a time."""

    def __init__(self, *, device: str, n_threads: int) -> None:
        """Prepares this process.

        Args:
            device: Where models are trained: `cpu` or `cuda`, the one that Ray has chosen.
            n_threads: torch's threads.
        """
        prepare_process()
        torch.set_num_threads(n_threads)
        self._device = torch.device(device)
        self._folder = TemporaryDirectory(prefix="hpstudy-")
        self._training: _Training | None = None
        self._images: tuple[ObjectRef[PackedData], TrainingData] | None = None
        self._seen: tuple[int, int] | None = None

    def describe(self) -> Description:
        """The machine that the actor runs on; the first thing that it is asked."""
        return describe()

    def begin(self, assignment: Assignment) -> Step:
        """Trains a job's first epoch, or gives again the first that its checkpoint has."""
        self._close()
        job = self._at_home(assignment)
        self._training = _Training(job.key, train(job, self._data(assignment.images), self._device))
        return self._step(self._training, None)

    def advance(self, answer: Answer) -> Step:
        """Answers the last epoch, and trains the next one if the answer is to go on."""
        if self._training is None:
            raise RuntimeError("no training is under way")
        return self._step(self._training, answer)

    def leave(self) -> bytes | None:
        """Ends the training under way, if there is one.

        Returns:
            What its checkpoint file holds, where that has changed.
        """
        self._close()
        left = self._new_checkpoint()
        self._folder.cleanup()
        return left

    def _close(self) -> None:
        """Ends the training under way, which then writes its checkpoint."""
        if self._training is not None:
            self._training.steps.close()

    def _step(self, training: _Training, answer: Answer | None) -> Step:
        printed: list[Printed] = []
        with carried_output(printed.append):
            event = next_event(training.key, training.steps, answer)
        weights = self._weights.read_bytes() if isinstance(event, Ended) and self._weights.exists() else None
        return Step(event, self._new_checkpoint(), weights, printed)

    def _at_home(self, assignment: Assignment) -> TrainingJob:
        """The job with paths of this machine, and the files there that it begins with."""
        job = assignment.job
        for path in (self._checkpoint, self._weights):
            path.unlink(missing_ok=True)
        if assignment.checkpoint is not None:
            self._checkpoint.write_bytes(assignment.checkpoint)
        self._seen = _version(self._checkpoint)
        return replace(
            job,
            study_folder=unpack_sources(
                assignment.sources, theirs=job.study_folder, own=Path(self._folder.name) / "study"
            ),
            weights=self._weights if job.weights else None,
            checkpoint=self._checkpoint if job.checkpoint else None,
        )

    def _data(self, reference: ObjectRef[PackedData]) -> TrainingData:
        """The images; they are taken out of the store, and onto the GPU, once."""
        if self._images is None or self._images[0] != reference:
            self._images = None  # before the others come: a GPU may not hold both
            self._images = (reference, unpack(ray.get(reference)).to(self._device))
        return self._images[1]

    def _new_checkpoint(self) -> bytes | None:
        version = _version(self._checkpoint)
        if version in (None, self._seen):
            return None
        self._seen = version
        return self._checkpoint.read_bytes()

    @property
    def _checkpoint(self) -> Path:
        return Path(self._folder.name) / "checkpoint"

    @property
    def _weights(self) -> Path:
        return Path(self._folder.name) / "weights"


def _version(file: Path) -> tuple[int, int] | None:
    """Tells a file that was replaced from the one before; None where there is none."""
    if not file.exists():
        return None
    found = file.stat()
    return found.st_ino, found.st_mtime_ns
