"""Optuna's pruners as a study file has them: they count whole epochs from 1, and trainings alone."""

from __future__ import annotations

import copy

from optuna.pruners import HyperbandPruner, PercentilePruner, SuccessiveHalvingPruner
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from hpstudy.search.repeats import without_repeats


class EpochHalving(SuccessiveHalvingPruner):
    """Successive halving that cuts after `min_resource` × `reduction_factor`^k whole epochs, for k from 0.

    Trials report the epochs from 0, and Optuna compares these numbers with its resources: it would cut an epoch later
    than after so many.
    """

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial ends here."""
        return super().prune(study, _counted_from_one(trial))


class EpochHyperband(HyperbandPruner):
    """Hyperband whose brackets are such halvings; bracket b makes its first cut `reduction_factor`^b times later.

    A subclass: Optuna's samplers look whether a study's pruner is a `HyperbandPruner`.
    """

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial ends here."""
        return super().prune(study, _counted_from_one(trial))


class TrainedPercentile(PercentilePruner):
    """A percentile of the complete trials, which begins once so many have been *trained*.

    A repeat is complete too, and has no curve: Optuna would begin with fewer curves than asked for.
    """

    def __init__(self, percentile: float = 50.0, *, n_startup_trials: int, n_warmup_steps: int) -> None:
        super().__init__(percentile, n_startup_trials, n_warmup_steps)
        self._n_trained = n_startup_trials

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial ends here."""
        complete = without_repeats(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))
        return len(complete) >= self._n_trained and super().prune(study, trial)


def _counted_from_one(trial: FrozenTrial) -> FrozenTrial:
    """The trial with its epochs counted from 1; what is stored stays as it is."""
    counted = copy.copy(trial)
    counted.intermediate_values = {step + 1: value for step, value in trial.intermediate_values.items()}
    return counted
