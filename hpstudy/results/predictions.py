"""What the study's answer predicted for the test set."""

from __future__ import annotations

from pathlib import Path

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
