"""The confirmed comparison and the headline, on made-up confirmations with known numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest
from scipy import stats

from hpstudy.results.confirmed import compare, confirmed, headline
from tests.results.synthetic import make_results

CANDIDATE = [0.912, 0.915, 0.909, 0.918, 0.911]
WEAK = [0.805, 0.811, 0.807, 0.808, 0.806]
NEAR = [0.911, 0.916, 0.908, 0.919, 0.910]
BASELINES = {"model 1": 0.80, "model 2": 0.91}


def study(**confirmations):
    return make_results(baselines=BASELINES, confirmed={"best": CANDIDATE} | confirmations)


def test_candidate_first_with_mean_and_interval() -> None:
    found = confirmed(study(**{"model 1": WEAK}))
    assert [one.label for one in found.configurations] == [found.candidate.label, "model 1"]
    assert found.candidate.mean == pytest.approx(0.913)
    assert found.candidate.interval == pytest.approx((0.9086101, 0.9173899), abs=1e-7)
    assert found.candidate.difference is None
    assert found.others[0].n_complete == 5


def test_differences_are_paired_and_adjusted_over_all_comparisons() -> None:
    found = confirmed(study(**{"model 1": WEAK, "model 2": NEAR}))
    weak, near = (one.difference for one in found.others)
    p_weak, p_near = (stats.ttest_rel(other, CANDIDATE).pvalue for other in (WEAK, NEAR))
    assert weak.test.mean == pytest.approx(-0.1056)
    assert (weak.test.p, near.test.p) == (pytest.approx(p_weak), pytest.approx(p_near))
    assert (weak.adjusted_p, near.adjusted_p) == (pytest.approx(2 * p_weak), pytest.approx(p_near))
    assert (weak.distinguishable, near.distinguishable) == (True, False)
    assert weak.adjusted_interval[1] < 0
    assert near.adjusted_interval[0] < 0 < near.adjusted_interval[1]


def test_single_changes_belong_to_the_family() -> None:
    results = study(**{"model 1": WEAK, "model 2": NEAR})
    trials = results.trials.copy()
    trials.loc[trials["part"] == "baselines", ["learning_rate", "dropout"]] = [0.01, 0.0]
    trials.loc[trials["label"] == "model 2", "dropout"] = 0.5
    found = confirmed(replace(results, trials=trials))
    ((change, by),) = found.changes
    assert (change.before, change.after, change.setting, change.values) == ("model 1", "model 2", "dropout", (0.0, 0.5))
    p_weak, p_near = (stats.ttest_rel(other, CANDIDATE).pvalue for other in (WEAK, NEAR))
    p_change = stats.ttest_rel(NEAR, WEAK).pvalue
    first, second = sorted((p_weak, p_change))
    assert found.n_compared == 3
    assert by.test.mean == pytest.approx(0.1054)
    assert sorted((by.adjusted_p, found.others[0].difference.adjusted_p)) == pytest.approx([3 * first, 2 * second])
    assert found.others[1].difference.adjusted_p == pytest.approx(p_near)


def test_a_pair_that_comes_twice_counts_once() -> None:
    found = confirmed(study(**{"model 1": WEAK, "model 2": NEAR}))
    weak, near = found.others
    one, other, again = compare([(weak, found.candidate), (near, found.candidate), (found.candidate, weak)])
    assert one.adjusted_p == again.adjusted_p == pytest.approx(2 * one.test.p)
    assert again.test.mean == -one.test.mean
    assert other.adjusted_p == pytest.approx(other.test.p)


def test_a_better_mean_elsewhere_is_shown_and_not_promoted() -> None:
    better = [accuracy + 0.01 for accuracy in NEAR]
    results = study(**{"model 2": better})
    found = confirmed(results)
    assert found.others[0].difference.test.mean > 0
    assert found.candidate.label == results.candidate
    assert "91.30 %" in headline(results)


def test_what_the_interval_alone_leaves_out_may_still_not_be_distinguishable() -> None:
    lower = [a - d for a, d in zip(CANDIDATE, [0.001, 0.004, 0.0035, 0.0005, 0.0025], strict=True)]
    alone = confirmed(study(**{"model 1": lower})).others[0].difference
    others = {f"{label}": NEAR for label in ("0", "1", "2", "3")}
    among = confirmed(study(**{"model 1": lower} | others)).others[0].difference
    assert alone.distinguishable
    assert among.interval == alone.interval
    assert among.interval[1] < 0 < among.adjusted_interval[1]
    assert not among.distinguishable


def test_two_pairs_never_make_a_claim() -> None:
    results = make_results(confirmed={"best": [0.92, 0.93, math.nan], "0": [0.70, 0.7101, 0.71]})
    found = confirmed(results)
    assert (found.candidate.n_complete, found.candidate.n_diverged, found.candidate.n_seeds) == (2, 1, 3)
    difference = found.others[0].difference
    assert difference.test.n == 2
    assert difference.test.p < 0.01
    assert not difference.distinguishable
    assert math.isnan(difference.adjusted_p)
    assert found.others[0].mean == pytest.approx((0.70 + 0.7101 + 0.71) / 3)


def test_one_seed_has_a_mean_and_no_interval() -> None:
    results = make_results(confirmed={"best": [0.91], "0": [0.90]})
    found = confirmed(results)
    assert (found.candidate.mean, found.candidate.interval) == (0.91, None)
    assert found.others[0].difference.interval is None
    assert "91.00 % test accuracy over 1 fresh seed, too few for an interval." in headline(results)


def test_equal_results_are_no_difference() -> None:
    difference = confirmed(make_results(confirmed={"best": NEAR, "0": NEAR})).others[0].difference
    assert (difference.test.p, difference.interval, difference.distinguishable) == (1.0, (0.0, 0.0), False)


def test_a_candidate_that_diverged_on_all_seeds() -> None:
    results = make_results(confirmed={"best": [math.nan] * 3, "0": [0.90, 0.91, 0.92]})
    found = confirmed(results)
    assert (found.candidate.n_diverged, found.candidate.interval) == (3, None)
    assert math.isnan(found.candidate.mean)
    assert found.others[0].difference is None
    name = f"trial {results.candidate}"
    assert headline(results) == f"Not confirmed: of 3 seeds of {name} none has given a result; 3 of 3 diverged."


def test_a_seed_trained_twice_counts_once() -> None:
    results = make_results(confirmed={"best": [0.91, 0.92, 0.93]})
    again = results.confirmations.iloc[[0]].assign(number=99, state="failed", reason="error", test_accuracy=math.nan)
    twice = replace(results, confirmations=pd.concat([results.confirmations, again], ignore_index=True))
    found = confirmed(twice).candidate
    assert (found.accuracies, found.n_failed) == ({1: 0.91, 2: 0.92, 3: 0.93}, 0)


def test_states_are_counted() -> None:
    results = make_results(confirmed={"best": [0.91, 0.92, math.nan, math.nan]})
    states = results.confirmations["state"].copy()
    states.iloc[0], states.iloc[3] = "running", "failed"
    found = confirmed(replace(results, confirmations=results.confirmations.assign(state=states))).candidate
    assert (found.n_complete, found.n_diverged, found.n_failed, found.n_unfinished) == (1, 1, 1, 1)


def test_no_confirmation() -> None:
    results = make_results(n_trials=30)
    best = results.ranked.iloc[0]
    assert confirmed(results) is None
    assert headline(results) == (
        f"Not confirmed: trial {best['label']} has the best validation accuracy, {100 * best['value']:.2f} %, of "
        "30 trials (25 complete); the best of many is a lucky one."
    )
    assert headline(make_results(n_trials=1, n_pruned=0)) == "Not confirmed: of 1 trial none is complete."


def test_headline_of_a_confirmed_study() -> None:
    results = make_results(confirmed={"best": [*CANDIDATE, math.nan]})
    assert headline(results) == (
        f"Trial {results.candidate}: 91.30 % test accuracy on average over 5 fresh seeds "
        "(95 % interval 90.86 % to 91.74 %); 1 of 6 diverged."
    )


def test_headline_says_that_the_search_went_on() -> None:
    results = make_results(confirmed={"0": CANDIDATE})
    assert f"its best is now trial {results.ranked['label'].iloc[0]}, which is not" in headline(results)


def test_headline_of_a_study_that_is_not_hpstudys() -> None:
    results = make_results(objective="loss", maximize=False, identity={})
    best = results.ranked.iloc[0]
    assert headline(results) == (
        f"Trial {best['label']} has the smallest loss, {best['value']:.3g}, of 30 trials (25 complete)."
    )


def test_compare_gives_none_without_common_seeds() -> None:
    found = confirmed(make_results(confirmed={"best": [0.91, math.nan], "0": [math.nan, 0.9]}))
    assert compare([(found.candidate, found.others[0])]) == [None]
