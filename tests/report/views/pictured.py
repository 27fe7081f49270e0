"""Predictions for a test set, made up for tests of what shows them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpstudy.artifacts import TestPredictions

CLASSES = ("bag", "boot", "coat", "shirt")


def make_predictions(
    class_names: Sequence[str] = CLASSES, *, n: int = 400, n_seeds: int = 3, n_shown: int = 12, channels: int = 1
) -> TestPredictions:
    """Of `n` images a tenth is taken for the next class by every seed; every tenth image is among the wrong ones."""
    labels = np.arange(n) % len(class_names)
    wrong = np.arange(n) // len(class_names) % 10 == 0
    predicted = np.where(wrong, (labels + 1) % len(class_names), labels)
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (n_shown, channels, 8, 8)).astype(np.uint8)
    shown = np.arange(n_shown)
    return TestPredictions(labels, np.stack([predicted] * n_seeds), tuple(class_names), shown, images)
