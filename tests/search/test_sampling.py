"""Samplers and pruners: options, seeds, and what a resumed study must not repeat."""

from __future__ import annotations

from dataclasses import replace

import optuna
import pytest
from optuna.trial import TrialState

from hpstudy.search.sampling import build_pruner, build_sampler
from hpstudy.search.space import sample
from hpstudy.spec.catalogue import PRUNERS, SAMPLERS
from hpstudy.spec.study import Choices, Component, Fixed, Range, Setting, StudySpec

SAMPLER_OPTIONS = {
    "tpe": {"startup_trials": 3},
    "gp": {"startup_trials": 3},
    "cmaes": {"startup_trials": 1},
    "qmc": {"sequence": "halton"},
}


def component(name: str) -> Component:
    return Component(name, SAMPLER_OPTIONS.get(name, {}))


@pytest.fixture
def spec(small_spec: StudySpec) -> StudySpec:
    """Two numbers, a choice, and a number under a condition."""
    settings = {
        "learning_rate": Setting("learning_rate", Range(0.001, 1.0, log=True)),
        "dropout": Setting("dropout", Range(0.0, 0.5)),
        "optimizer": Setting("optimizer", Choices(("sgd", "adam"))),
        "momentum": Setting("momentum", Range(0.0, 0.9), {"optimizer": ("sgd",)}),
        "batch_size": Setting("batch_size", Fixed(64)),
    }
    return replace(small_spec, settings=settings)


def drawn(spec: StudySpec, n: int, study: optuna.Study | None = None) -> list[dict]:
    """The settings of the next trials of a study; the value is a function of the settings."""
    study = study or optuna.create_study(direction="maximize")
    configurations = []
    for _ in range(n):
        study.sampler = build_sampler(spec, number=len(study.trials))
        trial = study.ask()
        number = trial.number

        def prepare(name: str, number: int = number) -> None:
            study.sampler = build_sampler(spec, number=number, setting=name)

        values = sample(spec, trial, prepare=prepare)
        study.tell(trial, -abs(float(values["learning_rate"]) - 0.1) - float(values["dropout"]))
        configurations.append(values)
    return configurations


@pytest.mark.parametrize("name", [row.name for row in SAMPLERS if row.name != "grid"])
def test_each_sampler_keeps_to_the_space_and_repeats_itself_only_from_the_same_seed(spec: StudySpec, name: str) -> None:
    spec = replace(spec, sampler=component(name))
    first = drawn(spec, 8)
    for values in first:
        assert 0.001 <= values["learning_rate"] <= 1.0
        assert 0.0 <= values["dropout"] <= 0.5
        assert ("momentum" in values) == (values["optimizer"] == "sgd")
        assert values["batch_size"] == 64
    assert len({tuple(sorted(values.items())) for values in first}) == 8
    momenta = [values["momentum"] for values in first if "momentum" in values]
    assert len(set(momenta)) == len(momenta) > 1
    assert drawn(spec, 8) == first
    assert drawn(replace(spec, seed=2), 8) != first


@pytest.mark.parametrize("name", [row.name for row in SAMPLERS if row.name != "grid"])
def test_a_resumed_study_goes_on_where_it_was(spec: StudySpec, name: str) -> None:
    spec = replace(spec, sampler=component(name))
    study = optuna.create_study(direction="maximize")
    assert drawn(spec, 4, study) + drawn(spec, 4, study) == drawn(spec, 8)


def test_options_reach_optuna(spec: StudySpec) -> None:
    tpe = build_sampler(replace(spec, sampler=Component("tpe", {"startup_trials": 17})), number=0)
    assert tpe._n_startup_trials == 17
    halton = build_sampler(replace(spec, sampler=component("qmc")), number=3)
    assert halton._qmc_type == "halton"


PRUNER_OPTIONS = {
    "median": {"startup_trials": 1, "warmup_epochs": 2},
    "percentile": {"percentile": 50.0, "startup_trials": 1, "warmup_epochs": 2},
    "hyperband": {"min_epochs": 3, "reduction_factor": 3},
    "successive_halving": {"min_epochs": 3, "reduction_factor": 3},
    "none": {},
}


def cuts(component: Component, *, epochs: int, rules: int) -> set[int]:
    """The whole epochs after which a pruner stops some of many trials, which rise until an epoch of their own."""
    pruner = build_pruner(component, epochs=epochs, rules=rules)
    study = optuna.create_study(direction="maximize", pruner=pruner, study_name="pruned")
    first, after = component.options.get("startup_trials", 1), set()
    for number in range(40):
        trial = study.ask()
        weak_from = number % epochs if number >= first else epochs  # so that each epoch is the first to be weak of some
        for epoch in range(epochs):
            trial.report(epoch + 0.01 * number if epoch < weak_from else weak_from - 0.5 - 0.01 * number, epoch)
            if trial.should_prune():
                after.add(epoch + 1)
                study.tell(trial, state=TrialState.PRUNED)
                break
        else:
            study.tell(trial, 0.9)
    return after - {epochs}  # the loop asks no pruner after the last epoch


@pytest.mark.parametrize(
    ("name", "options", "rules", "after"),
    [
        ("successive_halving", {"min_epochs": 2, "reduction_factor": 2}, 2, {2, 4, 8}),
        ("successive_halving", {"min_epochs": 2, "reduction_factor": 4}, 2, {2, 8}),
        ("successive_halving", {"min_epochs": 3, "reduction_factor": 3}, 2, {3, 9}),
        ("successive_halving", {"min_epochs": 1, "reduction_factor": 3}, 2, {1, 3, 9}),
        ("hyperband", {"min_epochs": 2, "reduction_factor": 2}, 2, {2, 4, 8}),
        ("hyperband", {"min_epochs": 3, "reduction_factor": 2}, 2, {3, 6}),
        ("successive_halving", {"min_epochs": 2, "reduction_factor": 2}, 1, {2, 3, 5, 9}),
        ("hyperband", {"min_epochs": 2, "reduction_factor": 2}, 1, {2, 3, 5, 9}),
        ("median", {"startup_trials": 1, "warmup_epochs": 3}, 2, {4, 5, 6, 7, 8, 9, 10, 11}),
        ("percentile", {"percentile": 50.0, "startup_trials": 1, "warmup_epochs": 9}, 2, {10, 11}),
        ("none", {}, 2, set()),
    ],
)
def test_a_pruner_cuts_after_whole_epochs(name: str, options: dict, rules: int, after: set[int]) -> None:
    assert cuts(Component(name, options), epochs=12, rules=rules) == after


@pytest.mark.parametrize(("n_repeats", "stopped"), [(0, True), (3, False)])
def test_a_pruner_begins_after_trials_that_were_trained(n_repeats: int, stopped: bool) -> None:
    pruner = build_pruner(Component("median", {"startup_trials": 3, "warmup_epochs": 0}), epochs=9)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    for place in range(3):
        trial = study.ask()
        trial.report(0.9, 0)
        if place < n_repeats:
            trial.set_user_attr("repeats", 7)
        study.tell(trial, 0.9)
    weak = study.ask()
    weak.report(0.1, 0)
    assert weak.should_prune() == stopped


@pytest.mark.parametrize("name", [row.name for row in PRUNERS])
def test_each_pruner_stops_the_hopeless_but_none(name: str) -> None:
    pruner = build_pruner(Component(name, PRUNER_OPTIONS[name]), epochs=9)
    study = optuna.create_study(direction="maximize", pruner=pruner, study_name="pruned")
    stopped = []
    for quality in [0.9] * 6 + [0.1] * 6:
        trial = study.ask()
        for epoch in range(9):
            trial.report(quality + 0.001 * epoch, epoch)
            if trial.should_prune():
                stopped.append((trial.number, epoch))
                study.tell(trial, state=TrialState.PRUNED)
                break
        else:
            study.tell(trial, quality)
    weak = [epoch for number, epoch in stopped if number >= 6]
    if name == "none":
        assert stopped == []
    elif name in {"median", "percentile"}:
        assert weak == [2] * 6  # the first epoch after the warm-up
    elif name == "hyperband":
        assert min(weak) == 2  # after three epochs; brackets with a later first cut let their trials go on
    else:
        assert weak == [2] * 6  # after three epochs
