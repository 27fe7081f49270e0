"""What the study's answer predicted for the test set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpstudy.artifacts import StudyFiles, TestPredictions, read_test_predictions
from hpstudy.results.study import StudyResults


def candidate_predictions(study: StudyResults, *, artifacts: Path) -> TestPredictions | None:
    """What the study's answer predicted for the test set; None where its confirmation has not ended.

    Args:
        study: The study.
        artifacts: The folder with the files of all studies.

    Raises:
        ArtifactError: The file is damaged.
    """
    if not study.artifacts or study.candidate is None:
        return None
    return read_test_predictions(StudyFiles(artifacts / study.artifacts).test_predictions(study.candidate))


def confusion_counts(predictions: TestPredictions) -> NDArray[np.int64]:
    """How often each class (row) was taken for each (column), summed over the seeds; int64 [classes, classes]."""
    n = len(predictions.class_names)
    true = np.broadcast_to(predictions.labels, predictions.predicted.shape)
    pairs = true.ravel() * n + predictions.predicted.ravel()
    return np.bincount(pairs, minlength=n * n).reshape(n, n).astype(np.int64)
