"""What the candidate predicts for the test set, kept for the report."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from hpstudy.artifacts import StudyFiles, TestPredictions, read_predictions, write_test_predictions
from hpstudy.datasets.images import LabelledImages
from hpstudy.errors import ArtifactError
from hpstudy.search.confirmation import ConfirmationPlan
from hpstudy.tables import CONFIRM, CONFIRM_SEED, CONFIRMS, PREDICTIONS_SHA256

_log = logging.getLogger(__name__)

N_SHOWN = 16
"""So many pictures that were classified rightly, and so many that were not, are kept for the report."""


def keep_test_predictions(
    files: StudyFiles, confirmation: Study, *, plan: ConfirmationPlan, test: LabelledImages
) -> None:
    """Keeps the candidate's predictions for the test set, with some of its pictures; nothing if no seed is complete.

    A seed whose own predictions are damaged is left out, with a warning: its accuracy is in the database.

    Args:
        files: The study's files.
        confirmation: Its Optuna study `NAME/confirm`.
        plan: Names the candidate.
        test: The test set, as the networks saw it.

    Raises:
        ArtifactError: They cannot be written.
    """
    complete = confirmation.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    of_candidate = [trial for trial in complete if trial.user_attrs.get(CONFIRMS) in plan.candidate.labels]
    by_seed = {int(trial.user_attrs[CONFIRM_SEED]): trial for trial in reversed(of_candidate)}
    found = [_readable(files, by_seed[seed]) for seed in sorted(by_seed)]
    predicted = [predictions for predictions in found if predictions is not None]
    if not predicted:
        return
    labels = test.labels.cpu().numpy()
    shown = choose_shown(labels, predicted[0])
    write_test_predictions(
        files.test_predictions(plan.candidate.label),
        TestPredictions(
            labels=labels,
            predicted=np.stack(predicted),
            class_names=test.class_names,
            shown=shown,
            images=test.images[shown.tolist()].cpu().numpy(),
        ),
    )


def _readable(files: StudyFiles, trial: FrozenTrial) -> NDArray[np.int64] | None:
    stored = str(trial.user_attrs.get(PREDICTIONS_SHA256, ""))  # an earlier hpstudy stored none
    try:
        return read_predictions(files.predictions(CONFIRM, trial.number), sha256=stored)
    except ArtifactError as error:
        _log.warning("the report's test predictions leave a seed out: %s", error)
        return None


def choose_shown(labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions of pictures to show: right ones, then wrong ones, each from the classes in turn.

    Args:
        labels: True classes, [N].
        predicted: Predicted classes, [N].

    Returns:
        At most `N_SHOWN` positions of each kind; within a class in the data set's order.
    """
    right = labels == predicted
    kinds = [_in_turn(labels, np.flatnonzero(kind)) for kind in (right, ~right)]
    return np.concatenate(kinds)


def _in_turn(labels: NDArray[np.int64], positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first of each class, then the second of each, and so on."""
    seen: dict[int, int] = {}
    rounds: list[tuple[int, int, int]] = []
    for position in positions.tolist():
        label = int(labels[position])
        rounds.append((seen.get(label, 0), label, position))
        seen[label] = seen.get(label, 0) + 1
    return np.array([position for _, _, position in sorted(rounds)[:N_SHOWN]], dtype=np.int64)
