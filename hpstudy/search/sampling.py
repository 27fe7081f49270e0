"""Samplers and pruners of Optuna, made from a study's choice of them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler, BruteForceSampler, QMCSampler, RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from hpstudy.search.pruners import EpochHalving, EpochHyperband, TrainedPercentile
from hpstudy.spec.catalogue import PRUNERS, SAMPLERS, by_name, resolve
from hpstudy.spec.rows import Row
from hpstudy.spec.seeds import derive_seed
from hpstudy.spec.study import Component, StudySpec
from hpstudy.tables import RULES


class GridSampler(BruteForceSampler):
    """Every combination once, conditions included; the caller counts where the grid ends.

    Optuna's sampler stops the study there, which ask/tell does not allow.
    """

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Does nothing."""


class SequenceSampler(QMCSampler):
    """The point of a quasi-random sequence that has a trial's number.

    Optuna's own counts in the storage how many points it gave: a trial that is drawn again after a crash would get the
    next one, and every later trial another than in a run that never stopped.
    """

    def __init__(self, *, number: int, **arguments: Any) -> None:  # noqa: ANN401  # Optuna's own
        super().__init__(**arguments)
        self._number = number

    def _find_sample_id(self, study: Study, search_space: dict[str, BaseDistribution]) -> int:
        return self._number


def build_sampler(spec: StudySpec, *, number: int, setting: str = "") -> BaseSampler:
    """The sampler of one trial, or of one setting of it.

    Each trial has a fresh one, seeded by the trial's number: a sampler's random state is not stored, so one seed
    for a whole run would repeat its draws when the study is resumed. What is drawn setting by setting has a seed for
    each, so that a draw does not depend on which others came before it in the same process.

    Args:
        spec: Gives the sampler, its options and the study's seed.
        number: The trial's number.
        setting: The setting that is drawn by itself; empty for those that are drawn together.
    """
    row = by_name(SAMPLERS)[spec.sampler.name]
    arguments: dict[str, Any] = {**_arguments(row, spec.sampler), **_quiet(row)}
    arguments["seed"] = derive_seed(spec.seed, f"sampler {setting}", number)
    if row.name == "qmc":
        # Its seed names the one sequence that all trials share; what is not in the sequence is drawn at random.
        arguments["independent_sampler"] = RandomSampler(arguments["seed"])
        arguments |= {"seed": derive_seed(spec.seed, "sequence"), "number": number}
    sampler_class = _OWN.get(row.name) or resolve(row.target)
    with warnings.catch_warnings():
        # Chosen knowingly: the samplers that Optuna calls experimental are old and pinned by tests.
        warnings.simplefilter("ignore", ExperimentalWarning)
        sampler: BaseSampler = sampler_class(**arguments)
    return sampler


_OWN: Mapping[str, type[BaseSampler]] = {"grid": GridSampler, "qmc": SequenceSampler}


def build_pruner(component: Component, *, epochs: int, rules: int = RULES) -> BasePruner:
    """The pruner of a study.

    Args:
        component: Its name and options.
        epochs: Epochs of a whole trial, the most that hyperband gives; with `"auto"` it would prune nothing until
            one trial is complete.
        rules: Those that the study began under, as in `tables.RULES`.
    """
    row = by_name(PRUNERS)[component.name]
    arguments = _arguments(row, component)
    pruner_class = _OWN_PRUNERS.get(row.name) or resolve(row.target)
    if rules == 1 and "min_epochs" in component.options:
        pruner_class = resolve(row.target)  # counts epochs from 0, and cuts at the step of this number
        arguments["min_resource"] = int(component.options["min_epochs"]) - 1
    if row.name == "hyperband":
        arguments["max_resource"] = max(epochs, arguments["min_resource"])
    pruner: BasePruner = pruner_class(**arguments)
    return pruner


_OWN_PRUNERS: Mapping[str, type[BasePruner]] = {
    "successive_halving": EpochHalving,
    "hyperband": EpochHyperband,
    "median": TrainedPercentile,
    "percentile": TrainedPercentile,
}


def _arguments(row: Row, component: Component) -> dict[str, Any]:
    names: Mapping[str, str] = {option.name: option.argument or option.name for option in row.options}
    return {names[name]: value for name, value in component.options.items()}


def _quiet(row: Row) -> dict[str, Any]:
    # A setting under a condition is always drawn independently: nothing to warn of.
    return {"warn_independent_sampling": False} if row.name in {"gp", "cmaes", "qmc"} else {}
