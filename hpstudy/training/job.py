"""What travels to and from a training: `TrainingJob`, `EpochResult`, `Outcome`, `Failure`. No torch needed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hpstudy.spec.config import TrialConfig

Answer = Literal["go", "stop"]
"""What a training waits for after each epoch."""

Part = Literal["search", "confirm"]
"""Which part of the data a training sees: for the search a training and a validation part, for a confirmation the
whole training set and the test set."""

CHECKPOINT_SECONDS = 10.0
"""So much training may have to be done again after a crash, where epochs are shorter."""


@dataclass(frozen=True)
class TrainingJob:
    """One training to be done.

    Attributes:
        key: Tells the jobs of one run apart, for example `"lenet_fashion#12"`.
        label: What a person calls it: `trial 12`, or a baseline's name.
        config: Everything that decides the training.
        part: Which data it sees.
        study_folder: Where the study file lies: a user's `file.py:name` is found beside it.
        weights: Where the last weights are written once all epochs are trained; None keeps none.
        checkpoint: Where the training keeps what it needs to go on after a crash, while it runs; None keeps none.
        checkpoint_seconds: At least so long between two checkpoints; with 0 every epoch may have one.
    """

    key: str
    label: str
    config: TrialConfig
    part: Part
    study_folder: Path
    weights: Path | None = None
    checkpoint: Path | None = None
    checkpoint_seconds: float = CHECKPOINT_SECONDS


@dataclass(frozen=True)
class EpochResult:
    """What one epoch of a training gave.

    Attributes:
        epoch: From 0.
        learning_rate: That the epoch's steps used.
        train_loss: Mean cross-entropy over the epoch as trained, in nats; not finite where training diverged.
        train_accuracy: Share of images classified rightly, over the epoch as trained, in [0, 1].
        val_loss: Mean cross-entropy on the part evaluated, without dropout; None for an epoch of a confirmation that is
            not its last: the test set is evaluated once a training.
        val_accuracy: Accuracy there, in [0, 1]; None with the loss.
        seconds: Wall time of training and evaluation together.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    seconds: float

    @property
    def diverged(self) -> bool:
        """Whether a loss is NaN or infinite."""
        return not all(math.isfinite(loss) for loss in (self.train_loss, self.val_loss) if loss is not None)


@dataclass(frozen=True)
class Outcome:
    """What a training leaves when it ends by itself or is stopped.

    Attributes:
        stopped: Whether it was told to stop before its last epoch.
        predictions: Predicted class of each image of the part evaluated, int64 [N], after the last epoch; empty for a
            stopped training.
        train_accuracy: Accuracy on the training part as it stands at the end, without dropout and augmentation; None
            for a stopped training.
        n_parameters: Weights of the model, trained and fixed.
        weights_sha256: Of the file at the job's `weights`; None where none was written.
    """

    stopped: bool
    predictions: NDArray[np.int64]
    train_accuracy: float | None
    n_parameters: int
    weights_sha256: str | None = None


@dataclass(frozen=True)
class Failure:
    """Why a training could not be done.

    Attributes:
        reason: `out_of_memory`; `crashed` where its process died again and again; `disk` where its weights could not be
            written, which is no fault of its settings; `removed` from the study file before it could be trained;
            `error` for any other exception.
        message: One line: the exception and, where it was raised in a file that is not hpstudy's or a library's,
            that place.
        traceback: The whole of it, for `hpstudy show`.
    """

    reason: Literal["error", "out_of_memory", "crashed", "disk", "removed"]
    message: str
    traceback: str
