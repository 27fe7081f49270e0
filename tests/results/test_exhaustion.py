"""Whether a search has come to its end, from what is stored."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle, islice

import pandas as pd
import pytest

from hpstudy.results.exhaustion import is_exhausted, repeats_text
from hpstudy.results.study import StudyResults
from hpstudy.search.space import grid
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


def walked(spec: StudySpec, n_trials: int, **changes: object) -> StudyResults:
    """The results of so many trials, which have had the combinations of the space in their order."""
    results = make_results(n_trials=n_trials, n_pruned=0, n_failed=0, identity=identity(spec), **changes)
    values = pd.DataFrame(list(islice(cycle(grid(spec)), n_trials)), columns=["architecture", *spec.settings])
    return replace(results, trials=results.trials.drop(columns=values.columns, errors="ignore").join(values))


@pytest.mark.parametrize(("n_trials", "exhausted"), [(0, False), (9, False), (10, True), (12, True)])
def test_a_space_is_exhausted_when_every_combination_has_a_trial(
    spec: StudySpec, n_trials: int, exhausted: bool
) -> None:
    assert is_exhausted(walked(spec, n_trials)) == exhausted
    assert is_exhausted(walked(replace(spec, sampler=Component("random")), n_trials)) == exhausted


def test_trials_of_one_configuration_do_not_exhaust_it(spec: StudySpec) -> None:
    results = walked(spec, 12)
    assert not is_exhausted(replace(results, trials=results.trials.assign(batch_size=16)))


def test_each_architecture_counts(spec: StudySpec) -> None:
    two = replace(spec, architectures=("lenet5", "cnn"), fair=True)
    assert not is_exhausted(walked(two, 19))
    assert is_exhausted(walked(two, 20))


def test_so_is_one_whose_sampler_draws_nothing_new(spec: StudySpec) -> None:
    endless = replace(spec, settings={"dropout": Setting("dropout", Range(0.0, 0.5))})
    repeats = {str(number): "0" for number in range(3, 103)}
    assert is_exhausted(walked_freely(endless, repeats=repeats))
    assert "100 draws" in repeats_text(walked_freely(endless, repeats=repeats))
    repeats.popitem()
    assert not is_exhausted(walked_freely(endless, repeats=repeats))


def walked_freely(spec: StudySpec, *, repeats: dict[str, str]) -> StudyResults:
    return make_results(n_trials=3, identity=identity(spec), repeats=repeats)


def test_other_searches_are_never_exhausted(spec: StudySpec) -> None:
    endless = replace(spec, settings={"dropout": Setting("dropout", Range(0.0, 0.5))})
    assert not is_exhausted(make_results(n_trials=100, identity=identity(endless)))
    assert not is_exhausted(make_results(n_trials=3, identity={}))
