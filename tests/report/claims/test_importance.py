"""PED-ANOVA against Optuna's evaluator, and what a reader of the frame relies on."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from hpstudy.report.claims.importance import importance
from hpstudy.spec.study import Choices, Range
from tests.report.claims.simulation import Effect, Kind, simulate
from tests.results.synthetic import make_results


def optunas(results) -> dict[str, float]:
    """Optuna's importances of the same trials."""
    study = optuna.create_study(direction="maximize" if results.maximize else "minimize")
    for row in results.search.to_dict("records"):
        given = {name: row[name] for name in results.domains if row[name] == row[name]}
        distributions = {name: distribution(results.domains[name]) for name in given}
        params = {name: int(x) if isinstance(distributions[name], IntDistribution) else x for name, x in given.items()}
        state = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED}[row["state"]]
        value = row["value"] if state is TrialState.COMPLETE else None
        study.add_trial(create_trial(state=state, value=value, params=params, distributions=distributions))
    return optuna.importance.get_param_importances(study, evaluator=optuna.importance.PedAnovaImportanceEvaluator())


def distribution(domain):
    if isinstance(domain, Choices):
        return CategoricalDistribution(domain.values)
    if isinstance(domain.low, int):
        return IntDistribution(domain.low, domain.high, log=domain.log, step=domain.step or 1)
    return FloatDistribution(domain.low, domain.high, log=domain.log, step=domain.step)


@pytest.mark.parametrize(
    ("kind", "maximize"),
    [(Kind("wide"), True), (Kind("wide", adaptive=True), True), (Kind("narrow", heavy=True), False)],
)
def test_numbers_are_optunas(kind, maximize) -> None:
    """The two differ in sums of floats alone: Optuna adds logarithms, this adds probabilities."""
    for seed in range(5):
        effect = Effect("learning_rate", 0.01)
        results = simulate(kind, np.random.default_rng(seed), noise=0.01, effect=effect)
        results = replace(results, maximize=maximize)
        ours = importance(results)
        assert dict(zip(ours["setting"], ours["importance"], strict=True)) == pytest.approx(optunas(results), abs=1e-7)


def test_steps_and_logarithms_of_whole_numbers_are_optunas() -> None:
    generator = np.random.default_rng(0)
    results = make_results(n_trials=40, n_pruned=0, n_failed=0)
    domains = {
        "hidden": Range(16, 1024, log=True),
        "layers": Range(1, 9, step=2),
        "gamma": Range(0.5, 1.0, step=0.125),
        "bias": Choices((True, False)),
    }
    trials = results.trials.assign(
        hidden=np.exp(generator.uniform(np.log(16), np.log(1024), 40)).astype(int),
        layers=1 + 2 * generator.integers(5, size=40),
        gamma=0.5 + 0.125 * generator.integers(5, size=40),
        bias=generator.random(40) < 0.5,
    )
    results = replace(results, trials=trials, domains=domains)
    ours = importance(results)
    assert dict(zip(ours["setting"], ours["importance"], strict=True)) == pytest.approx(optunas(results), abs=1e-7)


def test_what_the_frame_holds() -> None:
    results = make_results(n_trials=60, effect=0.1, noise=0.002)
    frame = importance(results)
    assert list(frame.columns) == ["setting", "importance", "low", "high", "n"]
    assert frame["setting"][0] in {"optimizer", "dropout"}
    assert frame["importance"].sum() == pytest.approx(1)
    assert frame["importance"].is_monotonic_decreasing
    assert ((frame["low"] <= frame["importance"]) & (frame["importance"] <= frame["high"])).all()
    with_momentum = (results.ranked["optimizer"] == "sgd").sum()
    assert frame.set_index("setting")["n"]["momentum"] == with_momentum
    assert frame.set_index("setting")["n"]["dropout"] == 55
    assert frame.equals(importance(results))


def test_too_few_trials_have_no_importance() -> None:
    assert importance(make_results(n_trials=19, n_pruned=0, n_failed=0)) is None
    assert importance(make_results(n_trials=20, n_pruned=0, n_failed=0)) is not None
    assert importance(make_results(n_trials=30, domains={})) is None


def test_many_trials_have_no_interval() -> None:
    results = make_results(n_trials=30, n_pruned=0, n_failed=0)
    many = replace(results, trials=results.trials.loc[results.trials.index.repeat(40)].reset_index(drop=True))
    frame = importance(many)
    assert frame["importance"].sum() == pytest.approx(1)
    assert all(math.isnan(low) for low in frame["low"])


def test_trials_that_are_all_equal_make_nothing_important() -> None:
    results = make_results(n_trials=30, n_pruned=0, n_failed=0)
    frame = importance(replace(results, trials=results.trials.assign(value=0.9)))
    assert list(frame["importance"]) == [0.0] * 5
