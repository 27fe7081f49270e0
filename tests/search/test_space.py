"""The search space: order, conditions, and the combinations of a grid."""

from __future__ import annotations

from dataclasses import replace

import optuna
import pytest

from hpstudy.search.askers import n_search_trials
from hpstudy.search.space import first_values, grid, offering, sample
from hpstudy.spec.study import Choices, Component, Fixed, Range, Setting, StudySpec


@pytest.fixture
def spec(small_spec: StudySpec) -> StudySpec:
    settings = {
        "optimizer": Setting("optimizer", Choices(("sgd", "adam"))),
        "momentum": Setting("momentum", Range(0.0, 0.9, step=0.3), {"optimizer": ("sgd",)}),
        "batch_size": Setting("batch_size", Range(16, 48, step=16)),
        "cnn.blocks": Setting("cnn.blocks", Choices((1, 2)), {"architecture": ("cnn",)}),
    }
    return replace(small_spec, architectures=("lenet5", "cnn"), settings=settings, sampler=Component("grid"))


def test_the_grid_has_each_combination_that_exists_once(spec: StudySpec) -> None:
    combinations = list(grid(spec))
    # (4 momenta with sgd + adam) × 3 batches × (lenet5 + cnn with 2 blocks)
    assert len(combinations) == 5 * 3 * 3
    assert len({tuple(sorted(values.items())) for values in combinations}) == 45
    assert sorted({round(values["momentum"], 9) for values in combinations if "momentum" in values}) == [
        0,
        0.3,
        0.6,
        0.9,
    ]
    assert {values["batch_size"] for values in combinations} == {16, 32, 48}
    assert all(("cnn.blocks" in values) == (values["architecture"] == "cnn") for values in combinations)


def test_the_number_of_trials_is_that_of_the_configurations_where_that_is_smaller(spec: StudySpec) -> None:
    assert n_search_trials(replace(spec, trials=100)) == 45
    assert n_search_trials(replace(spec, trials=10)) == 10
    assert n_search_trials(replace(spec, trials=100, sampler=Component("random"))) == 45
    endless = spec.settings | {"dropout": Setting("dropout", Range(0.0, 0.5))}
    assert n_search_trials(replace(spec, trials=100, settings=endless)) == 100


def test_first_values_are_first_choices_and_lower_ends(spec: StudySpec) -> None:
    assert first_values(spec) == {"architecture": "lenet5", "optimizer": "sgd", "momentum": 0.0, "batch_size": 16}
    assert first_values(offering(spec, "cnn", trials=1))["cnn.blocks"] == 1


def test_sample_takes_what_a_trial_has_drawn_already(spec: StudySpec) -> None:
    fixed = {"architecture": "cnn", "optimizer": "sgd", "momentum": 0.6, "batch_size": 32, "cnn.blocks": 2}
    assert sample(spec, optuna.trial.FixedTrial(fixed)) == fixed
    only_adam = replace(spec, settings={**spec.settings, "optimizer": Setting("optimizer", Fixed("adam"))})
    values = sample(only_adam, optuna.trial.FixedTrial({"architecture": "lenet5", "batch_size": 16}))
    assert values == {"architecture": "lenet5", "optimizer": "adam", "batch_size": 16}
