"""Associations in a search: groups, shifts, guards, and what trials stopped early change."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hpstudy.report.claims.associations import associations
from hpstudy.report.claims.expectation import expected_values
from hpstudy.report.claims.searched import associated
from hpstudy.report.claims.setting_tests import setting_test, trials_with_result
from hpstudy.report.claims.shift import hodges_lehmann, is_stable
from hpstudy.spec.study import Choices, Range
from tests.results.synthetic import make_results

DROPOUT = {"dropout": Range(0.0, 0.6)}


def study(values, settings, domains, *, states=None, **changes):
    """A study whose trials have these values and settings."""
    states = states or ["complete"] * len(values)
    frame = pd.DataFrame(
        {
            "trial_id": range(len(values)),
            "label": [str(number) for number in range(len(values))],
            "part": "search",
            "state": states,
            "reason": ["pruned after epoch 1" if state == "pruned" else "" for state in states],
            "value": [value if state == "complete" else math.nan for value, state in zip(values, states, strict=True)],
        }
        | settings
    )
    return replace(make_results(n_trials=5, n_pruned=0, n_failed=0), trials=frame, domains=domains, **changes)


def test_hodges_lehmann_by_hand() -> None:
    higher, lower = np.array([5.0, 6, 7, 8, 9, 10]), np.array([1.0, 2, 3, 4, 5, 6])
    found = hodges_lehmann(higher, lower, level=0.05)
    differences = np.sort((higher[:, None] - lower[None, :]).ravel())
    # 36 pairs; half of them less 1.96 · √(36 · 13 / 12) = 12.24 leaves 5.76, so the 5th from either end
    assert (found.middle, found.low, found.high) == (np.median(differences), differences[4], differences[-5])
    assert hodges_lehmann(higher[:2], lower[:2], level=0.05) is None
    assert hodges_lehmann(higher[:0], lower, level=0.05) is None


def test_hodges_lehmann_of_many_values_is_that_of_their_quantiles() -> None:
    generator = np.random.default_rng(0)
    higher, lower = generator.normal(1, 1, 4000), generator.normal(0, 1, 4000)
    found = hodges_lehmann(higher, lower, level=0.05)
    assert found.middle == pytest.approx(1, abs=0.05)
    assert found.high - found.low == pytest.approx(2 * 1.96 * math.sqrt(2 / 4000 * math.pi / 3), rel=0.1)


def test_a_majority_that_hangs_on_one_value_is_not_stable() -> None:
    # Without the 9, most of the pairs go the other way.
    assert is_stable(np.array([3.0, 4, 5]), np.array([0.0, 1, 2]))
    assert not is_stable(np.array([9.0, 1.2, 1.3]), np.array([1.0, 1.4, 1.5]))
    assert not is_stable(np.array([9.0]), np.array([0.0, 1.0]))


def test_a_range_is_told_by_its_outer_thirds() -> None:
    dropout = np.linspace(0.0, 0.58, 30)
    values = 0.95 - 0.1 * dropout + 0.001 * np.sin(np.arange(30))
    found = associations(study(values, {"dropout": dropout}, DROPOUT)).found
    assert [one.setting for one in found] == ["dropout"]
    better, worse = found[0].better, found[0].worse
    assert (better.words, worse.words) == ("up to 0.18", "of 0.4 or more")
    assert (better.n, worse.n) == (10, 10)
    assert list(better.values) == list(values[:10])
    assert found[0].shift.middle == pytest.approx(0.04, abs=0.001)
    assert found[0].adjusted_p == pytest.approx(stats.spearmanr(dropout, values).pvalue)


def test_choices_are_told_by_the_best_and_the_worst() -> None:
    generator = np.random.default_rng(1)
    optimizer = ["sgd", "adam", "rmsprop"] * 12
    means = {"sgd": 0.85, "adam": 0.9, "rmsprop": 0.88}
    values = np.array([means[name] for name in optimizer]) + generator.normal(0, 0.005, 36)
    domains = {"optimizer": Choices(("sgd", "adam", "rmsprop"))}
    one = associations(study(values, {"optimizer": optimizer}, domains)).found[0]
    assert (one.better.words, one.worse.words, one.better.n) == ("adam", "sgd", 12)
    groups = [values[np.array(optimizer) == name] for name in means]
    assert one.adjusted_p == pytest.approx(stats.kruskal(*groups).pvalue)
    assert one.shift == hodges_lehmann(groups[1], groups[0], level=0.05 / 3)


def test_adjusted_over_all_searched_settings() -> None:
    results = make_results(n_trials=50, effect=0.05, n_pruned=0, n_failed=0)
    trials = trials_with_result(results)
    tests = {name: setting_test(name, domain, trials) for name, domain in results.domains.items()}
    smallest = min(tests, key=lambda name: tests[name].p)
    found = {one.setting: one for one in associations(results).found}
    assert found[smallest].adjusted_p == pytest.approx(5 * tests[smallest].p)


def test_a_range_of_few_values_is_compared_as_choices() -> None:
    layers = [1, 2, 3] * 10
    values = [0.8 + 0.05 * (n == 2) + 0.0001 * place for place, n in enumerate(layers)]
    one = associations(study(values, {"layers": layers}, {"layers": Range(1, 3)})).found[0]
    assert (one.better.words, one.better.n) == ("2", 10)


def test_a_conditional_setting_is_tested_where_it_exists() -> None:
    momentum = np.where(np.arange(40) % 2 == 0, np.linspace(0, 0.9, 40), np.nan)
    values = np.where(np.isnan(momentum), 0.5, 0.8 + 0.1 * np.nan_to_num(momentum))
    found = associations(study(values, {"momentum": momentum}, {"momentum": Range(0.0, 0.95)})).found[0]
    assert found.better.n + found.worse.n == 14
    assert min(found.worse.values) >= 0.8


def test_less_than_half_a_point_is_not_said() -> None:
    dropout = np.linspace(0, 0.6, 60)
    values = 0.9 + 0.005 * dropout
    told = associations(study(values, {"dropout": dropout}, DROPOUT))
    assert told.found == ()
    assert [one.setting for one in told.nothing] == ["dropout"]
    raw = associations(study(values, {"dropout": dropout}, DROPOUT, identity={}))
    assert raw.found[0].shift.middle == pytest.approx(0.002, rel=0.1)


def test_smaller_is_better_turns_the_groups_and_keeps_the_size() -> None:
    dropout = np.linspace(0.0, 0.58, 30)
    loss = 0.3 + 0.5 * dropout + 0.001 * np.sin(np.arange(30))
    one = associations(study(loss, {"dropout": dropout}, DROPOUT, maximize=False, identity={})).found[0]
    assert one.better.words == "up to 0.18"
    assert one.shift.middle == pytest.approx(0.2, abs=0.005)


def test_too_few_or_constant_settings_are_untested_and_named() -> None:
    told = associations(study([0.9] * 9, {"dropout": np.linspace(0, 0.6, 9)}, DROPOUT))
    assert (told.untested, told.n_complete) == (("dropout",), 9)
    told = associations(study(np.linspace(0.8, 0.9, 30), {"dropout": [0.1] * 30}, DROPOUT))
    assert told.untested == ("dropout",)
    told = associations(study([0.9] * 30, {"dropout": np.linspace(0, 0.6, 30)}, DROPOUT))
    assert told.untested == ("dropout",)
    only_stopped = study([0.9] * 12, {"dropout": np.linspace(0, 0.6, 12)}, DROPOUT, states=["pruned"] * 12)
    assert associations(only_stopped).untested == ("dropout",)


def test_what_stopped_trials_were_on_the_way_to() -> None:
    trials = pd.DataFrame(
        {"trial_id": [1, 2, 3, 4, 5], "reason": ["", "", "pruned after epoch 1", "diverged in epoch 2", "pruned"]}
    )
    merit = np.array([0.90, 0.94, np.nan, np.nan, np.nan])
    rows = [(1, 0, 0.70), (1, 1, 0.90), (2, 0, 0.80), (2, 1, 0.94), (3, 0, 0.60), (4, 0, 0.99)]
    epochs = pd.DataFrame(rows, columns=["trial_id", "epoch", "val_accuracy"])
    # After epoch 0 the complete trials gained 0.20 and 0.14, in the middle 0.17.
    expected = expected_values(trials, merit, epochs=epochs)
    assert list(expected[:3]) == pytest.approx([0.90, 0.94, 0.77])
    assert expected[3] == expected[4] < 0.77
    unknown = expected_values(trials, merit, epochs=None)
    assert list(unknown[:2]) == [0.90, 0.94]
    assert len(set(unknown[2:])) == 1
    assert unknown[2] < 0.90


def test_where_one_choice_never_ends_only_that_is_said() -> None:
    optimizer = ["adam", "sgd"] * 15
    values = [0.9 + 0.0001 * place if name == "adam" else 0.5 for place, name in enumerate(optimizer)]
    states = ["complete" if name == "adam" else "pruned" for name in optimizer]
    domains = {"optimizer": Choices(("sgd", "adam"))}
    epochs = pd.DataFrame({"trial_id": range(30), "epoch": 0, "val_accuracy": np.array(values) - 0.1})
    results = study(values, {"optimizer": optimizer}, domains, states=states, epochs=epochs)
    told = associations(results)
    one = told.found[0]
    assert one.shift is None
    assert associated(results, told)[0].text == (
        "Trials with optimizer adam were ahead of trials with optimizer sgd at the epochs at which weak trials are "
        "stopped (adjusted p < 0.001); 15 of 15 and 0 of 15 ran to the end, too few to say by how much. Other settings "
        "varied too."
    )
    assert (len(one.better.values), one.better.n, len(one.worse.values), one.worse.n) == (15, 15, 0, 15)
    assert (told.n_complete, told.n_stopped) == (15, 15)


def test_what_would_have_shown_counts_the_trials_that_were_stopped() -> None:
    """Of 40 trials 30 are stopped, on the way to what the others reached; 2 more diverged."""
    generator = np.random.default_rng(0)
    values = generator.normal(0.9, 0.01, 42)
    states = ["complete"] * 10 + ["pruned"] * 32
    rows = [(trial, 0, value - 0.1) for trial, value in enumerate(values)]
    epochs = pd.DataFrame(rows, columns=["trial_id", "epoch", "val_accuracy"])
    made = study(values, {"bias": [True, False] * 21}, {"bias": Choices((True, False))}, states=states, epochs=epochs)
    reasons = made.trials["reason"].where(made.trials.index < 40, "diverged in epoch 1: the loss was not finite")
    (one,) = associations(replace(made, trials=made.trials.assign(reason=reasons))).nothing
    assert one.n == 42
    deviation = 1.4826 * np.median(np.abs(values[:40] - np.median(values[:40])))
    reach = stats.norm.ppf(1 - 0.025 / 2) + stats.norm.ppf(0.8)
    assert one.detectable == pytest.approx(reach * deviation * math.sqrt(2 / 21 * math.pi / 3))


def test_ten_thousand_trials_take_a_moment() -> None:
    generator = np.random.default_rng(0)
    dropout = generator.uniform(0, 0.6, 10_000)
    values = 0.9 - 0.1 * dropout + generator.normal(0, 0.02, 10_000)
    one = associations(study(values, {"dropout": dropout}, DROPOUT)).found[0]
    assert one.shift.middle == pytest.approx(0.04, abs=0.002)
