"""Whether a grid has been walked to its end, from what is stored."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hpstudy.results.grid import is_exhausted
from hpstudy.spec.identity import identity
from hpstudy.spec.study import Choices, Component, Fixed, Range, Setting, StudySpec
from tests.results.synthetic import make_results


@pytest.fixture
def spec(small_spec: StudySpec) -> StudySpec:
    """Ten combinations: four momenta with sgd, or adam; and two batches."""
    settings = {
        "optimizer": Setting("optimizer", Choices(("sgd", "adam"))),
        "momentum": Setting("momentum", Range(0.0, 0.9, step=0.3), {"optimizer": ("sgd",)}),
        "batch_size": Setting("batch_size", Choices((16, 32))),
        "dropout": Setting("dropout", Fixed(0.5), {"optimizer": ("sgd",)}),
    }
    return replace(small_spec, settings=settings, sampler=Component("grid"))


@pytest.mark.parametrize(("n_trials", "exhausted"), [(0, False), (9, False), (10, True), (12, True)])
def test_a_grid_is_exhausted_when_every_combination_has_a_trial(
    spec: StudySpec, n_trials: int, exhausted: bool
) -> None:
    results = make_results(n_trials=n_trials, n_pruned=0, n_failed=0, identity=identity(spec))
    assert is_exhausted(results) == exhausted


def test_each_architecture_counts(spec: StudySpec) -> None:
    two = identity(replace(spec, architectures=("lenet5", "cnn"), fair=True))
    assert not is_exhausted(make_results(n_trials=19, identity=two))
    assert is_exhausted(make_results(n_trials=20, identity=two))


def test_other_searches_are_never_exhausted(spec: StudySpec) -> None:
    random = identity(replace(spec, sampler=Component("random")))
    assert not is_exhausted(make_results(n_trials=100, identity=random))
    assert not is_exhausted(make_results(n_trials=3, identity={}))
