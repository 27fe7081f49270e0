"""Seeds: every random stream of a study derives from (study seed, purpose, number)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np


def derive_seed(study_seed: int, purpose: str, number: int = 0) -> int:
    """A 32-bit seed for one purpose, independent of the seeds of every other purpose and number.

    Args:
        study_seed: The study file's `seed`, at least 0.
        purpose: What the stream is for, for example `"split"` or `"weights"`.
        number: Which of the streams of that purpose: a trial's number, an epoch; at least 0.

    Returns:
        A number in [0, 2**32), from NumPy's SeedSequence, which is stable across NumPy versions.
    """
    words = [study_seed, zlib.crc32(purpose.encode()), number]
    return int(np.random.SeedSequence(words).generate_state(1)[0])


@dataclass(frozen=True)
class Seeds:
    """The seeds of one training.

    Attributes:
        split: Which images of the training set are the validation part (the same for every trial of a study).
        weights: Initial weights.
        batches: Order of the images and their augmentation.
        dropout: What dropout leaves out.
    """

    split: int
    weights: int
    batches: int
    dropout: int


def training_seeds(study_seed: int, purpose: str, number: int) -> Seeds:
    """The seeds of training `number` of a purpose: `"trial"`, `"baseline"` or `"confirm"`."""
    return Seeds(
        split=derive_seed(study_seed, "split"),
        weights=derive_seed(study_seed, f"{purpose} weights", number),
        batches=derive_seed(study_seed, f"{purpose} batches", number),
        dropout=derive_seed(study_seed, f"{purpose} dropout", number),
    )
