"""The findings of whole studies, sentence by sentence."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest

from hpstudy.artifacts import TestPredictions
from hpstudy.numbers import percent, points
from hpstudy.report.claims.controlled import comparisons, effects
from hpstudy.report.claims.findings import findings
from hpstudy.report.claims.notes import divergence, edges, most_confused, over_fitting, tie, when_best
from hpstudy.results.confirmed import confirmed
from hpstudy.spec.study import Range
from tests.results.synthetic import RECORD, make_results

CANDIDATE = [0.912, 0.915, 0.909, 0.918, 0.911]
WEAK = [0.805, 0.811, 0.807, 0.808, 0.806]
NEAR = [0.911, 0.916, 0.908, 0.919, 0.910]
BETTER = [0.922, 0.926, 0.919, 0.927, 0.922]


def test_a_complete_study_says_three_to_eight_things() -> None:
    results = make_results(
        n_trials=50,
        effect=0.05,
        baselines={"model 1": 0.8, "model 2": 0.9},
        confirmed={"best": CANDIDATE, "model 1": WEAK, "model 2": NEAR},
    )
    found = findings(results, predictions=predictions())
    assert 3 <= len(found.said) <= 8
    kinds = [finding.kind for finding in found.said]
    assert kinds[:3] == ["controlled", "controlled", "nothing"]
    assert {"association", "nothing"} <= set(kinds)
    assert len(found.cannot_say) >= 4
    best = percent(results.ranked["value"].iloc[0])
    assert found.said[0].text == (
        f"The study's answer, trial {results.candidate}, had {best} on the validation images; trained afresh on the "
        "whole training set it gave 91.30 % on the test set (95 % interval 90.86 % to 91.74 %; 5 seeds)."
    )


def test_comparisons_have_the_numbers_of_the_table() -> None:
    results = make_results(
        baselines={"model 1": 0.8, "model 2": 0.9, "model 3": 0.9},
        confirmed={"best": CANDIDATE, "model 1": WEAK, "model 2": NEAR, "model 3": BETTER},
    )
    found = confirmed(results)
    below, above, equal = comparisons(results, found)
    name = f"trial {results.candidate}"
    # The differences to model 1 are 10.7, 10.4, 10.2, 11.0 and 10.5 points: mean 10.56, s 0.3050, ± 0.3787
    assert below.text == (
        f"On the same seeds {name} scored higher than model 1 by 10.56 points (10.18 to 10.94; 5 seeds) "
        "(paired differences, 95 % intervals, claims adjusted after Holm)."
    )
    assert above.text.startswith(f"On the same seeds {name} scored lower than model 3 by 1.02 points (")
    assert "It stays the study's answer" in above.text
    difference = found.others[1].difference
    assert points(difference.test.mean) in equal.text
    assert equal.text.startswith(
        f"Not distinguishable from {name} on the test set: model 2 (−0.02 points, interval for all "
    )
    assert [finding.kind for finding in (below, above, equal)] == ["controlled", "controlled", "nothing"]


def test_the_effect_of_a_single_change() -> None:
    results = make_results(
        baselines={"model 2": 0.9, "model 3": 0.89, "model 4": 0.9},
        confirmed={"best": CANDIDATE, "model 2": CANDIDATE, "model 3": WEAK, "model 4": NEAR},
    )
    trials = results.trials.copy()
    trials.loc[trials["part"] == "baselines", ["learning_rate", "dropout"]] = [0.01, 0.0]
    trials.loc[trials["label"] == "model 3", "dropout"] = 0.5
    trials.loc[trials["label"] == "model 4", ["dropout", "batch_size"]] = [0.5, 128]
    results = replace(results, trials=trials)
    first, second = effects(results, confirmed(results))
    assert first.text.startswith(
        "Changing only dropout from 0 to 0.5 (model 2 to model 3) lowered the test accuracy: −10.56 points ("
    )
    assert second.text.startswith(
        "Changing only batch size from 64 to 128 (model 3 to model 4) raised the test accuracy: +10.54 points ("
    )
    assert (first.kind, second.kind) == ("controlled", "controlled")


def test_a_single_change_that_cannot_be_told() -> None:
    results = make_results(
        baselines={"model 2": 0.9, "model 3": 0.89}, confirmed={"best": WEAK, "model 2": CANDIDATE, "model 3": NEAR}
    )
    trials = results.trials.copy()
    trials.loc[trials["part"] == "baselines", ["learning_rate", "dropout"]] = [0.01, 0.0]
    trials.loc[trials["label"] == "model 3", "dropout"] = 0.5
    results = replace(results, trials=trials)
    (only,) = effects(results, confirmed(results))
    assert "made no distinguishable difference: −0.02 points (interval for all comparisons −0.16 to +0.12" in only.text
    assert only.kind == "nothing"


def test_names_with_commas_are_quoted_among_others() -> None:
    results = make_results(
        baselines={"published, fast": 0.8, "published": 0.8},
        confirmed={"best": CANDIDATE, "published, fast": WEAK, "published": WEAK},
    )
    (below,) = comparisons(results, confirmed(results))
    assert "scored higher than “published, fast” by 10.56 points (10.18 to 10.94; 5 seeds) and than published by" in (
        below.text
    )


def test_unconfirmed_is_said_first() -> None:
    found = findings(make_results(n_trials=30))
    assert "Nothing is confirmed yet" in found.said[0].text
    assert found.cannot_say[0].endswith("they are not confirmed on the test set.")


def test_a_study_without_a_complete_trial() -> None:
    for results in (make_results(n_trials=1, n_pruned=0), make_results(n_trials=5, n_pruned=4)):
        found = findings(results)
        assert [finding.text for finding in found.said] == ["No trial is complete, so nothing has been found."]
        assert found.cannot_say == ()


def test_one_complete_trial() -> None:
    found = findings(make_results(n_trials=1, n_pruned=0, n_failed=0))
    assert found.said[0].text.startswith("Trial 0 is the best of 1 trial (1 complete)")
    assert "Anything on learning rate, optimizer, momentum, batch size and dropout" in found.cannot_say[-1]


def test_a_study_that_is_not_hpstudys_has_no_percent_and_no_confirmation() -> None:
    results = make_results(n_trials=60, effect=0.1, identity={}, objective="loss", maximize=False)
    results = replace(results, runs=results.runs.iloc[:0], epochs=results.epochs.iloc[:0])
    found = findings(results)
    texts = [finding.text for finding in found.said] + list(found.cannot_say)
    assert not any(word in text for text in texts for word in ("accura", "confirm", "points", "validation", "test set"))
    assert " %" not in " ".join(texts).replace("95 % interval", "")
    associated = [finding.text for finding in found.said if finding.kind == "association"]
    assert any("had a lower loss than" in text for text in associated)
    assert found.said[0].text.startswith(f"Trial {results.ranked['label'].iloc[0]} is the best of 60 trials")


def test_findings_are_quick() -> None:
    results = make_results(n_trials=50, effect=0.05, confirmed={"best": CANDIDATE})
    findings(results)
    seconds = []
    for _ in range(5):
        start = time.process_time()
        findings(results)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.2  # 0.05 on the machine that it was written on


def test_over_fitting_compares_training_and_validation() -> None:
    results = make_results(baselines={"model 1": 0.80, "model 2": 0.92}, noise=0.001)
    best = results.ranked.iloc[0]
    text = over_fitting(results).text
    gap = points(0.93 - best["value"])
    assert text.startswith(
        f"Over-fitting: trial {best['label']} has 93.00 % on the training and {percent(best['value'])} on the "
        f"validation images, {gap} between them"
    )
    assert text.endswith("the gap goes from +1.00 points (model 2) to +13.00 points (model 1).")
    equal = replace(results, trials=results.trials.assign(train_accuracy=results.trials["value"] + 0.01))
    assert over_fitting(equal).text.startswith("Little over-fitting: ")
    unknown = replace(results, trials=results.trials.assign(train_accuracy=math.nan))
    assert over_fitting(unknown) is None


def test_over_fitting_says_where_the_validation_loss_turned() -> None:
    results = make_results()
    best = int(results.ranked["trial_id"].iloc[0])
    epochs = results.epochs.copy()
    epochs.loc[epochs["trial_id"] == best, "val_loss"] = [0.5, 0.4, 0.3, 0.35, 0.36]
    text = over_fitting(replace(results, epochs=epochs)).text
    assert "; its validation loss was lowest after epoch 3 of 5 and rose by 0.0600 after it." in text
    epochs.loc[epochs["trial_id"] == best, "val_loss"] = [0.5, 0.4, 0.3, 0.302, 0.301]
    assert "validation loss" not in over_fitting(replace(results, epochs=epochs)).text


def test_a_tie_is_what_the_validation_images_cannot_tell() -> None:
    results = make_results(n_trials=12, n_pruned=0, n_failed=0)
    values = [0.9, 0.899, 0.898, 0.89, *[0.8] * 8]
    seconds = [100.0, 90, 60, 10, *[10.0] * 8]
    sizes = [64, 64, 64, 128, *[64] * 8]
    results = replace(results, trials=results.trials.assign(value=values, seconds=seconds, batch_size=sizes))
    # 1.96 · √(2 · 0.9 · 0.1 / 6000) = 1.07 points
    assert tie(results).text == (
        "3 further trials lie within 1.07 points of the best, trial 0: 6,000 validation images do not tell them apart. "
        "The cheapest of them is trial 3: 89.00 % after 10 s of training against 1 min 40 s."
    )
    unknown = replace(results, runs=results.runs.assign(record=[{"device": "cpu"}]))
    assert tie(unknown) is None
    none_near = replace(results, trials=results.trials.assign(value=[0.9, *[0.8] * 11]))
    assert tie(none_near) is None


def test_best_trials_at_the_end_of_a_range() -> None:
    results = make_results(n_trials=20, n_pruned=0, n_failed=0)
    rates = np.append([0.09, 0.08, 0.07, 0.001, 0.002], np.full(15, 0.001))
    trials = results.trials.assign(value=np.linspace(0.95, 0.8, 20), learning_rate=rates, dropout=0.01, momentum=np.nan)
    found = edges(replace(results, trials=trials))
    assert found.text == (
        "The best trials lie at the upper end of learning rate (0.09 in the best trial, range 0.0001 to 0.1). "
        "Better values may lie beyond."
    )
    assert found.figure == "slice-learning_rate"
    middle = trials.assign(learning_rate=0.003, dropout=0.3)
    assert edges(replace(results, trials=middle)) is None


def test_divergence_names_the_region() -> None:
    results = make_results(n_trials=40, n_pruned=0, n_failed=0)
    rates = np.geomspace(1.1e-4, 1e-1, 40)  # 14 of them are 0.01 or more
    diverged = np.arange(40) >= 34
    trials = results.trials.assign(
        learning_rate=rates,
        state=np.where(diverged, "pruned", "complete"),
        reason=np.where(diverged, "diverged in epoch 1: the loss was not finite", ""),
        value=np.where(diverged, np.nan, results.trials["value"]),
    )
    text = divergence(replace(results, trials=trials)).text
    # The upper third of the range in its logarithm begins at 0.01.
    assert text == (
        "6 trials of 40 diverged (the loss was not finite): 6 of the 14 with learning rate of 0.01 or more, "
        "0 elsewhere."
    )
    few = trials.assign(reason=np.where(np.arange(40) == 39, trials["reason"], ""))
    assert divergence(replace(results, trials=few)).text.startswith("1 trial of 40 diverged")
    assert divergence(results) is None


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (3, "The best trial, 3, came early: the 36 trials after it found nothing better."),
        (20, None),
        (38, "The best trial, 38, is among the last of 40: more trials may well find better ones."),
    ],
)
def test_when_the_best_was_found(place, text) -> None:
    results = make_results(n_trials=40, n_pruned=0, n_failed=0, baselines={"model 1": 0.8})
    values = results.trials["value"].where(results.trials["label"] != str(place), 0.99)
    found = when_best(replace(results, trials=results.trials.assign(value=values)))
    assert (found and found.text) == text


def predictions(**changes) -> TestPredictions:
    fields = {
        "labels": np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2]),
        "predicted": np.array([[0, 0, 1, 1, 1, 1, 1, 0, 2, 2], [0, 0, 0, 1, 1, 1, 1, 1, 2, 0]]),
        "class_names": ("shirt", "T-shirt", "bag"),
        "shown": np.array([0]),
        "images": np.zeros((1, 1, 2, 2), dtype=np.uint8),
    }
    return TestPredictions(**(fields | changes))


def test_most_confused_pair() -> None:
    # Over both seeds 3 of 8 shirts go for T-shirts, 1 of 8 T-shirts for shirts, 1 bag for a shirt: 5 errors.
    assert most_confused(predictions()).text == (
        "Most confused: “shirt” and “T-shirt”. Of the test images of “shirt”, 37.50 % were taken for “T-shirt”, the "
        "other way round 12.50 %; together 80.00 % of all errors (2 seeds)."
    )
    assert most_confused(None) is None
    right = predictions(predicted=predictions().labels[None, :])
    assert most_confused(right).text == "No test image was classified wrongly."


def test_edge_of_a_range_that_ends_at_nothing_is_no_edge() -> None:
    results = make_results(n_trials=20, n_pruned=0, n_failed=0, domains={"dropout": Range(0.0, 0.6)})
    trials = results.trials.assign(dropout=np.linspace(0, 0.6, 20), value=np.linspace(0.95, 0.8, 20))
    assert edges(replace(results, trials=trials)) is None


@pytest.mark.parametrize(
    ("name", "domain", "end", "said"),
    [
        ("step_gamma", Range(0.5, 1.0), "high", False),  # 1 is the last that is legal
        ("step_gamma", Range(0.5, 0.9), "high", True),
        ("momentum", Range(0.0, 0.95), "high", True),  # 1 is not legal, but 0.99 is
        ("cnn.blocks", Range(1, 12), "low", False),
        ("cnn.blocks", Range(2, 12), "low", True),
        ("nets.py:mine.share", Range(0.0, 1.0), "high", True),  # of which nothing is known
        ("nets.py:mine.share", Range(0.0, 1.0), "low", False),
    ],
)
def test_beyond_the_last_legal_value_nothing_better_lies(name, domain, end, said) -> None:
    results = make_results(n_trials=20, n_pruned=0, n_failed=0, domains={name: domain})
    away = np.linspace(0, 1, 20) ** 2  # the best trials lie at the end
    positions = 1 - away if end == "high" else away
    values = domain.low + positions * (domain.high - domain.low)
    trials = results.trials.assign(**{name: values, "value": np.linspace(0.95, 0.8, 20)})
    assert (edges(replace(results, trials=trials)) is not None) == said


def test_no_comparison_tells_a_difference_below_the_one_that_is_named() -> None:
    # Three comparisons; the least spread tells differences that the most spread does not.
    results = make_results(
        baselines={"model 1": 0.8, "model 2": 0.9, "model 3": 0.9},
        confirmed={"best": CANDIDATE, "model 1": WEAK, "model 2": NEAR, "model 3": BETTER},
    )
    intervals = [other.difference.adjusted_interval for other in confirmed(results).others]
    smallest, largest = (choose((high - low) / 2 for low, high in intervals) for choose in (min, max))
    claimed = [
        abs(other.difference.test.mean) for other in confirmed(results).others if other.difference.distinguishable
    ]
    assert min(claimed) > smallest
    assert findings(results).cannot_say[0] == (
        f"Whether differences below about {100 * smallest:.2f} to {100 * largest:.2f} points, by comparison, are real: "
        "5 seeds do not show them."
    )


@pytest.mark.parametrize("names", [[], ["nets.py:Net"]])
def test_a_network_that_ignores_seeds_is_a_limit(names: list[str]) -> None:
    results = make_results()
    runs = results.runs.assign(record=[{**record, "equal_weights": names} for record in results.runs["record"]])
    limits = findings(replace(results, runs=runs)).cannot_say
    assert sum("nets.py:Net" in limit for limit in limits) == len(names)


def test_only_a_sampler_that_has_learnt_tries_again_what_began_well() -> None:
    text = "the sampler (tpe) tried again what began well"
    results = make_results(n_trials=12, n_pruned=0, n_failed=0)
    of_ten, of_twelve = (
        replace(results, identity=results.identity | {"sampler": {"name": "tpe", "startup_trials": n_random}})
        for n_random in (10, 12)
    )
    assert any(text in limit for limit in findings(of_ten).cannot_say)
    assert not any(text in limit for limit in findings(of_twelve).cannot_say)


def test_a_comparison_of_two_seeds_has_no_part_in_the_limits() -> None:
    short = [0.4, 0.9, math.nan, math.nan, math.nan]
    results = make_results(baselines={"model 2": 0.9}, confirmed={"best": CANDIDATE, "model 2": NEAR, "0": short})
    near = next(one for one in confirmed(results).others if one.label == "model 2")
    width = sum(abs(end) for end in near.difference.adjusted_interval) / 2
    assert findings(results).cannot_say[0] == (
        f"Whether differences below about {100 * width:.2f} points are real: 5 seeds do not show them."
    )


def test_limits_name_what_was_stopped_and_how_few_seeds() -> None:
    two = make_results(confirmed={"best": CANDIDATE[:2], "0": NEAR[:2]})
    said = findings(two).cannot_say
    assert said[0] == "Which of the confirmed configurations is better: 2 seeds are too few, 3 the least."
    assert any(text.startswith("What 4 trials would have reached in the end") for text in said)
    assert RECORD["images"]["validation"] == 6_000
