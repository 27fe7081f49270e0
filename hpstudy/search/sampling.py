"""Samplers and pruners of Optuna, made from a study's choice of them."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler, BruteForceSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from hpstudy.spec.catalogue import PRUNERS, SAMPLERS, Row, by_name
from hpstudy.spec.seeds import derive_seed
from hpstudy.spec.study import Component, StudySpec

SEEDLESS_SEQUENCES = frozenset({"qmc"})
"""Samplers whose seed names one sequence that the trials share; a new seed would begin another one."""


class GridSampler(BruteForceSampler):
    """Every combination once, conditions included; the caller counts where the grid ends.

    Optuna's sampler stops the study there, which ask/tell does not allow.
    """

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Does nothing."""


def build_sampler(spec: StudySpec, *, number: int) -> BaseSampler:
    """The sampler of one trial.

    Each trial has a fresh one, seeded by the trial's number: a sampler's random state is not stored, so one seed
    for a whole run would repeat its draws when the study is resumed.

    Args:
        spec: Gives the sampler, its options and the study's seed.
        number: The trial's number.
    """
    row = by_name(SAMPLERS)[spec.sampler.name]
    shared = row.name in SEEDLESS_SEQUENCES
    seed = derive_seed(spec.seed, "sampler", 0 if shared else number)
    sampler_class = GridSampler if row.name == "grid" else _resolve(row)
    with warnings.catch_warnings():
        # Chosen knowingly: the samplers that Optuna calls experimental are old and pinned by tests.
        warnings.simplefilter("ignore", ExperimentalWarning)
        sampler: BaseSampler = sampler_class(**_arguments(row, spec.sampler), **_quiet(row), seed=seed)
    return sampler


def build_pruner(component: Component, *, epochs: int) -> BasePruner:
    """The pruner of a study.

    Args:
        component: Its name and options.
        epochs: Epochs of a whole trial, the most that hyperband gives; with `"auto"` it would prune nothing until
            one trial is complete.
    """
    row = by_name(PRUNERS)[component.name]
    arguments = _arguments(row, component)
    if row.name == "hyperband":
        arguments["max_resource"] = max(epochs, int(component.options["min_epochs"]))
    pruner: BasePruner = _resolve(row)(**arguments)
    return pruner


def _arguments(row: Row, component: Component) -> dict[str, Any]:
    names: Mapping[str, str] = {option.name: option.argument or option.name for option in row.options}
    return {names[name]: value for name, value in component.options.items()}


def _quiet(row: Row) -> dict[str, Any]:
    # A setting under a condition is always drawn independently: nothing to warn of.
    return {"warn_independent_sampling": False} if row.name in {"gp", "cmaes", "qmc"} else {}


def _resolve(row: Row) -> Any:  # noqa: ANN401  # a class named by the catalogue; tests check its signature
    module, _, name = row.target.partition(":")
    return getattr(importlib.import_module(module), name)
