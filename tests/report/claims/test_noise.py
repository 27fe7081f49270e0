"""Trials of one configuration are shown as what they are: noise."""

from __future__ import annotations

from dataclasses import replace

from hpstudy.report.claims.associations import associations
from hpstudy.report.claims.findings import findings
from hpstudy.report.claims.limits import cannot_say
from hpstudy.report.claims.noise import seed_noise
from hpstudy.results.confirmed import full_name
from hpstudy.results.study import StudyResults
from tests.results.synthetic import make_results

ONE = {"learning_rate": 0.01, "optimizer": "adam", "momentum": float("nan"), "batch_size": 64, "dropout": 0.1 + 0.2}


def with_equals(*numbers: str) -> StudyResults:
    results = make_results(n_trials=12, n_pruned=0, n_failed=0)
    trials = results.trials
    for name, value in ONE.items():
        trials.loc[trials["label"].isin(numbers), name] = value
    trials.loc[trials["label"] == numbers[0], "dropout"] = 0.3  # which 0.1 + 0.2 is but for the last bit
    return replace(results, trials=trials)


def test_the_spread_of_one_configuration_is_told() -> None:
    results = with_equals("3", "5", "8")
    values = results.trials.set_index("label")["value"][["3", "5", "8"]]
    finding = seed_noise(results)
    assert finding is not None
    assert finding in findings(results).said
    for shown in ("3, 5 and 8", f"{100 * values.min():.2f}", f"{100 * values.max():.2f}"):
        assert shown in finding.text
    assert full_name(results, "5") == "trial 5 (= trials 3 and 8)"


def test_different_ones_are_none() -> None:
    results = make_results()
    assert seed_noise(results) is None
    assert full_name(results, "5") == "trial 5"


def test_a_sampler_that_learns_from_complete_trials_has_learnt_nothing_from_few() -> None:
    few = make_results(n_trials=12, n_pruned=8, n_failed=0)
    many = make_results(n_trials=12, n_pruned=2, n_failed=0)
    for results, expected in ((few, False), (many, True)):
        found = replace(results, identity=results.identity | {"sampler": {"name": "cmaes", "startup_trials": 1}})
        said = cannot_say(found, found=associations(found), confirmation=None)
        assert any("cmaes" in sentence for sentence in said) == expected
