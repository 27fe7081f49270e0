"""The numbers behind the figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hpstudy.report.drawing.chart import joined, numbers
from hpstudy.report.drawing.labels import shown
from hpstudy.report.drawing.png import png_bytes
from hpstudy.report.drawing.traces import escaped, rounded
from hpstudy.report.views.clock import work
from hpstudy.report.views.comparison import costs
from hpstudy.report.views.confirmed import confirmed_view
from hpstudy.report.views.confusion import confused_pairs, confusion, confusion_view
from hpstudy.report.views.contour import contour_data, top_two
from hpstudy.report.views.curves import all_curves, chosen_curves, learning_curves
from hpstudy.report.views.importances import importance_view
from hpstudy.report.views.network import Box, network_boxes
from hpstudy.report.views.parallel import parallel_data
from hpstudy.report.views.pictures import predictions_view
from hpstudy.report.views.progress import best_so_far, best_so_far_view, timeline_view
from hpstudy.report.views.pruning import pruning, pruning_view
from hpstudy.report.views.scales import choice_text, clipped, positions, sampled, shares
from hpstudy.report.views.slices import jitter, slice_data, slice_view
from hpstudy.results.answer import count_layers
from hpstudy.results.study import StudyResults
from hpstudy.spec.study import Choices, Range
from tests.report.views.pictured import make_predictions
from tests.results.synthetic import make_results

START = pd.Timestamp("2026-03-01 10:00")


def with_values(values: list[float], **columns: list[Any]) -> StudyResults:
    """A study whose sampled trials, all complete, have these values and settings."""
    made = make_results(n_trials=len(values), n_pruned=0, n_failed=0)
    return replace(made, trials=made.trials.assign(value=values, **columns))


def trained(*spans: tuple[float, float]) -> StudyResults:
    """A study whose trials ended so many minutes after the start, each after so many minutes of epochs."""
    ends = [START + pd.Timedelta(minutes=end) for end, _ in spans]
    return with_values([0.9] * len(spans), ended_at=ends, seconds=[60 * length for _, length in spans])


def test_chosen_curves_begin_with_the_best_trial_then_the_baselines() -> None:
    results = make_results(baselines={"b": 0.8, "a": 0.7})
    curves = chosen_curves(results)
    best = results.ranked["label"].iloc[0]
    assert list(dict.fromkeys(curves["configuration"])) == [f"best (trial {best})", "b", "a"]
    assert len(curves) == 15
    assert curves.groupby("configuration")["val_accuracy"].last()["b"] == 0.8


def test_the_title_of_the_learning_curves_has_the_gap_of_the_last_weights() -> None:
    last = float(make_results(n_trials=1, n_pruned=0, n_failed=0).ranked["value"].iloc[0])
    results = with_values([last], train_accuracy=[last + 0.037])
    assert learning_curves(results).title == "Best (trial 0) ends with training accuracy 3.7 points above validation"
    unknown = learning_curves(with_values([0.9], train_accuracy=[math.nan]))
    assert unknown.title.startswith("Best (trial 0) has validation accuracy ")


def test_curves_of_many_trials_have_bands_of_quantiles() -> None:
    chart = all_curves(make_results(n_trials=400, n_pruned=0, n_failed=0)).chart
    wide, middle = chart.panels[0].marks[:2]
    values = make_results(n_trials=400, n_pruned=0, n_failed=0).search["value"]
    assert wide.y[4] == pytest.approx(100 * values.quantile(0.05))
    assert middle.y[5] == pytest.approx(100 * values.quantile(0.75))
    assert len(all_curves(make_results(n_trials=300, n_pruned=0, n_failed=0)).chart.panels[0].marks) == 2


def test_the_best_so_far_goes_by_the_end_of_trials() -> None:
    ends = [START + pd.Timedelta(minutes=minutes) for minutes in (3, 1, 2)]
    frame = best_so_far(with_values([0.9, 0.7, 0.8], ended_at=ends, seconds=[60.0, 60.0, 60.0]))
    assert frame["label"].tolist() == ["1", "2", "0"]
    assert frame["place"].tolist() == [1, 2, 3]
    assert frame["best"].tolist() == [70.0, 80.0, 90.0]
    assert frame["hours"].tolist() == pytest.approx([1 / 60, 2 / 60, 3 / 60])


def test_the_best_so_far_falls_where_smaller_is_better() -> None:
    made = replace(with_values([3.0, 5.0, math.inf, 2.0]), maximize=False, identity={}, objective="loss")
    assert best_so_far(made)["best"].tolist() == [3.0, 3.0, 2.0]


def test_the_best_has_its_place_also_where_it_is_infinite() -> None:
    ends = [START + pd.Timedelta(minutes=minutes) for minutes in (3, 1, 2)]
    results = with_values([0.9, math.inf, 0.8], ended_at=ends, seconds=[60.0] * 3)
    assert best_so_far_view(results).title == "The best trial, 1, was number 1 of 3 to end"


def test_trainings_that_overlap_lie_in_lanes_of_their_own() -> None:
    frame = work(trained((10, 10), (12, 8), (20, 9.9), (21, 2))).frame
    assert frame["label"].tolist() == ["trial 0", "trial 1", "trial 2", "trial 3"]
    assert frame["lane"].tolist() == [0, 1, 0, 1]
    assert (60 * frame["start"]).tolist() == pytest.approx([0, 4, 10.1, 19])


@pytest.mark.parametrize(("each", "unit", "end"), [(10, "minutes", 30), (50, "hours", 2.5)])
def test_the_timeline_counts_minutes_below_two_hours(each: float, unit: str, end: float) -> None:
    view = timeline_view(trained((each, each), (2 * each, each), (3 * each, each)))
    panel = view.chart.panels[0]
    assert view.title == f"3 trainings took {'30 min 0 s' if unit == 'minutes' else '2 h 30 min'} on 1 worker"
    assert (panel.x.title, panel.x.high) == (f"{unit} of work", pytest.approx(1.01 * end))
    (bars,) = panel.marks
    assert (bars.start + bars.length).max() == pytest.approx(end)


def test_pauses_are_left_out_of_the_hours_of_work() -> None:
    done = work(trained((10, 10), (20, 10), (200, 10), (210, 9)))
    assert done.pauses == (pytest.approx((20 / 60, 170 / 60)),)
    assert (60 * done.frame["end"]).tolist() == pytest.approx([10, 20, 30, 40])


def two_runs(results: StudyResults, *, stopped: float | None, began: float) -> StudyResults:
    """A study whose first run ended, or was killed, and whose second began, so many minutes after the start."""
    ends = [pd.NaT if stopped is None else START + pd.Timedelta(minutes=stopped), START + pd.Timedelta(hours=9)]
    starts = [START, START + pd.Timedelta(minutes=began)]
    runs = pd.concat([results.runs, results.runs], ignore_index=True)
    return replace(results, runs=runs.assign(started_at=starts, ended_at=ends))


def test_the_time_between_two_runs_is_a_pause_too() -> None:
    results = trained((10, 10), (20, 10), (40, 10))
    assert work(results).pauses == ()
    done = work(two_runs(results, stopped=22, began=29))
    assert done.pauses == (pytest.approx((22 / 60, 7 / 60)),)
    assert (60 * done.frame["end"]).tolist() == pytest.approx([10, 20, 33])
    assert work(two_runs(results, stopped=None, began=29)).pauses == ()


def test_a_training_that_was_continued_is_drawn_without_the_pause_in_it() -> None:
    # Ten minutes of the third were trained before the stop, three after it.
    done = work(two_runs(trained((10, 10), (20, 10), (53, 13)), stopped=30, began=50))
    assert done.pauses == (pytest.approx((30 / 60, 20 / 60)),)
    assert (60 * done.frame["start"]).tolist() == pytest.approx([0, 10, 20])
    assert (60 * done.frame["end"]).tolist() == pytest.approx([10, 20, 33])
    assert done.frame["lane"].tolist() == [0, 0, 0]


def test_a_foreign_trial_is_as_long_as_it_took() -> None:
    starts = [START, START + pd.Timedelta(minutes=6)]
    ends = [START + pd.Timedelta(minutes=6), START + pd.Timedelta(minutes=9)]
    frame = work(with_values([0.1, 0.2], started_at=starts, ended_at=ends, seconds=[0.0, 0.0])).frame
    assert (60 * (frame["end"] - frame["start"])).tolist() == pytest.approx([6, 3])


def test_confirmations_and_baselines_are_part_of_the_timeline() -> None:
    kinds = work(make_results(baselines={"b": 0.8}, confirmed={"best": (0.9, 0.91)})).frame["kind"]
    assert kinds.value_counts().to_dict() == {
        "complete": 25,
        "pruned": 4,
        "confirmation": 2,
        "baseline": 1,
        "failed": 1,
    }


def test_pruning_counts_trials_by_their_epochs() -> None:
    results = make_results(n_trials=10, n_pruned=3, n_failed=1)
    trials = results.trials.copy()
    trials.loc[6, ["reason", "epochs"]] = ["diverged in epoch 2: the loss was not finite", 2]
    results = replace(results, trials=trials)
    assert pruning(results).to_dict("records") == [
        {"epochs": 0, "complete": 0, "pruned": 0, "diverged": 0, "failed": 1},
        {"epochs": 2, "complete": 0, "pruned": 0, "diverged": 1, "failed": 0},
        {"epochs": 3, "complete": 0, "pruned": 2, "diverged": 0, "failed": 0},
        {"epochs": 5, "complete": 6, "pruned": 0, "diverged": 0, "failed": 0},
    ]
    # Two trials of five epochs less three, and one less two and the one that diverged.
    assert pruning_view(results).title == "Pruning saved 6 of 45 epochs (13 %)"


def test_a_slice_has_the_trials_best_first_with_their_place_in_the_range() -> None:
    results = with_values([0.8, 0.9, 0.7], learning_rate=[1e-4, 1e-2, 1e-1])
    frame = slice_data(results, "learning_rate")
    assert frame["label"].tolist() == ["1", "0", "2"]
    assert frame["share"].tolist() == pytest.approx([2 / 3, 0, 1])
    assert frame["value"].tolist() == [90.0, 80.0, 70.0]


def test_a_slice_says_that_the_best_lies_at_an_edge() -> None:
    low = slice_view(with_values([0.9, 0.8], dropout=[0.005, 0.3]), "dropout")
    assert low.title == "The best trial has dropout = 0.005, at the lower edge of the range searched"
    assert "edge" not in slice_view(with_values([0.9, 0.8], dropout=[0.05, 0.3]), "dropout").title
    assert low.alt.endswith(
        "Medians: lower third of the range 90.00 % (n = 1), middle third of the range 80.00 % (n = 1)."
    )


def test_a_slice_of_choices_has_their_medians() -> None:
    results = with_values([0.9, 0.8, 0.7, 0.6], optimizer=["sgd", "adam", "adam", "adam"])
    assert slice_view(results, "optimizer").alt == (
        "The best trial has optimizer = sgd; it reached 90.00 %. Medians: sgd 90.00 % (n = 1), adam 70.00 % (n = 3)."
    )


def test_a_setting_that_the_best_trial_lacks_is_not_said_to_be_its() -> None:
    results = with_values([0.9, 0.8, 0.7], momentum=[math.nan, 0.5, 0.6])
    assert slice_view(results, "momentum").title == "The best of 2 trials with momentum has momentum = 0.5"


def test_far_worse_values_are_drawn_at_the_edge() -> None:
    results = with_values([0.9, 0.91, 0.92, 0.93, 0.1])
    found = clipped(results, numbers([90, 91, 92, 93, 10, math.nan]))
    assert found.far.tolist() == [False, False, False, False, True, False]
    assert found.axis.low == pytest.approx(90 - 0.06 * 3)
    assert found.axis.low < found.values[4] < 90
    down = clipped(replace(results, maximize=False), numbers([1, 2, 3, 4, 1000]))
    assert down.far.tolist() == [False, False, False, False, True]
    assert "1 trial with a far worse value is drawn as a triangle" in slice_view(results, "dropout").caption


def test_equal_values_have_an_axis() -> None:
    axis = clipped(with_values([0.5]), numbers([50.0, 50.0])).axis
    assert axis.low == 49
    assert axis.high == 51


def test_positions_of_ranges_and_choices() -> None:
    assert positions([32.0, 64, math.nan, 7], Choices((32, 64))).tolist() == pytest.approx(
        [0, 1, math.nan, math.nan], nan_ok=True
    )
    assert positions([True, None, "none"], Choices((True, None, "none"))).tolist() == [0, 1, 2]
    assert shares(numbers([1e-3]), Range(1e-4, 1e-2, log=True)).tolist() == pytest.approx([0.5])
    assert shares(numbers([0, 1, 2]), Choices(("a", "b", "c"))).tolist() == [0, 0.5, 1]
    assert [choice_text(value) for value in (True, 32.0, None, math.nan, 0.25, "a")] == [
        "true",
        "32",
        "–",
        "–",
        "0.25",
        "a",
    ]


def test_a_sample_keeps_the_ends_and_what_it_must() -> None:
    assert sampled(5, keep=[0], most=10).tolist() == [0, 1, 2, 3, 4]
    assert sampled(100, keep=[7], most=4).tolist() == [0, 7, 33, 66, 99]


def test_jitter_is_bounded_and_the_same_each_time() -> None:
    assert np.abs(jitter(1000)).max() <= 0.28
    assert jitter(3).tolist() == pytest.approx([-0.28, 0.0661, -0.1478], abs=1e-3)


def test_parallel_axes_have_a_gap_where_a_setting_is_not_set() -> None:
    results = with_values([0.8, 0.9], momentum=[math.nan, 0.475], optimizer=["adam", "sgd"])
    settings, heights, values = parallel_data(results)
    assert settings == ["learning_rate", "optimizer", "momentum", "batch_size", "dropout"]
    assert heights[0, 1:3].tolist() == [0, 0.5]
    assert heights[1, 1] == 0.5
    assert math.isnan(heights[1, 2])
    assert values.tolist() == [90.0, 80.0]


def test_a_contour_is_linear_between_the_trials_and_empty_outside() -> None:
    generator = np.random.default_rng(0)
    dropout, rate = generator.uniform(0, 0.6, 60), 10 ** generator.uniform(-4, -1, 60)
    plane = 0.5 + 0.1 * dropout / 0.6 + 0.2 * (np.log10(rate) + 4) / 3
    results = with_values(plane.tolist(), dropout=dropout.tolist(), learning_rate=rate.tolist())
    frame, surface = contour_data(results, "dropout", "learning_rate")
    assert len(frame) == 60
    grid = np.linspace(0, 1, 60)
    expected = 100 * (0.5 + 0.1 * grid[None, :] + 0.2 * grid[:, None])
    known = ~np.isnan(surface)
    assert 0.7 < known.mean() < 1
    assert np.abs(surface - expected)[known].max() < 1e-9


def test_the_contour_takes_the_most_important_ranges_that_enough_trials_have() -> None:
    results = make_results(n_trials=30)
    assert top_two(results, None) == ("learning_rate", "dropout")
    importance = pd.DataFrame({"setting": ["momentum", "dropout", "learning_rate"], "importance": [0.7, 0.2, 0.1]})
    assert top_two(results, importance) == ("dropout", "learning_rate")


def test_confirmed_accuracies_name_the_candidate_first() -> None:
    results = make_results(baselines={"b": 0.8}, confirmed={"best": (0.90, 0.92), "b": (0.95, float("nan"))})
    view = confirmed_view(results)
    # 0.91 ± 12.706 × 0.014142 / √2
    label = results.candidate
    assert view.title == f"Candidate: trial {label}: mean test accuracy 91.00 % (95 % interval 78.29 % to 103.71 %)"
    assert view.alt.endswith("; b (1 of 2 diverged): mean test accuracy 95.00 %.")
    assert "n = 1 to 2 seeds a configuration" in view.caption


def test_importance_is_shown_in_its_order() -> None:
    frame = pd.DataFrame(
        {
            "setting": ["a_b", "c"],
            "importance": [0.2, 0.8],
            "low": [0.1, math.nan],
            "high": [0.3, math.nan],
            "n": [20, 20],
        }
    )
    view = importance_view(make_results(), frame)
    assert view.title == "C ranks first in importance (80 %), but not clearly"
    assert view.alt == "Importance of each setting: c: 80 %; a b: 20 % (10 to 30 %)."


@pytest.mark.parametrize(
    ("low", "title"),
    [
        (0.4, "C matters most for being among the best trials (80 % of the importance)"),
        (0.3, "C ranks first in importance (80 %), but not clearly"),
    ],
)
def test_a_first_place_is_claimed_where_the_intervals_are_apart(low: float, title: str) -> None:
    columns = {"setting": ["c", "d"], "importance": [0.8, 0.2], "low": [low, 0.1], "high": [0.9, 0.3], "n": [20, 20]}
    assert importance_view(make_results(), pd.DataFrame(columns)).title == title
    nothing = pd.DataFrame(columns).assign(importance=0.0)
    assert importance_view(make_results(), nothing).title == "In no setting do the best trials differ from the others"


def test_a_confusion_matrix_counts_all_seeds() -> None:
    matrix = confusion(make_predictions(n=400, n_seeds=3))
    assert matrix.counts.sum() == 1200
    assert matrix.counts.tolist() == [[270, 30, 0, 0], [0, 270, 30, 0], [0, 0, 270, 30], [30, 0, 0, 270]]
    assert matrix.accuracy == 0.9
    assert confused_pairs(matrix)[0] == (0, 1, 0.1)
    assert len(confused_pairs(matrix)) == 4
    assert confusion_view(make_predictions()).title == (
        "10.0 % of “bag” are taken for “boot”, the largest share of a class"
    )


def test_the_largest_share_of_a_class_need_not_be_the_most_frequent_error() -> None:
    # Of 90 bags 9 are taken for boots, of 10 coats 2 for shirts.
    labels = np.repeat([0, 2], [90, 10])
    predicted = np.where(np.arange(100) < 9, 1, np.where(np.arange(100) >= 98, 3, labels))
    found = replace(make_predictions(n=100, n_seeds=1), labels=labels, predicted=predicted[None, :])
    assert confusion_view(found).title == "20.0 % of “coat” are taken for “shirt”, the largest share of a class"
    assert confusion_view(found).alt.endswith(
        "The largest shares of a class that are taken for another: “coat” for “shirt” 20.0 %; “bag” for “boot” 10.0 %."
    )


def test_twelve_pictures_that_are_right_and_twelve_that_are_wrong_are_shown() -> None:
    # As a confirmation keeps them: 16 that are right, then 16 that are wrong.
    made = make_predictions(n=40, n_seeds=1, n_shown=32)
    predicted = np.where(np.arange(40) < 16, made.labels, (made.labels + 1) % 4)
    made = replace(made, predicted=predicted[None, :])
    view = predictions_view(made)
    assert view.title == "Test pictures that were classified rightly and wrongly"
    assert view.alt.startswith("Grid of 24 test pictures, 12 right and 12 wrong. Wrong: ")
    drawn = view.chart.panels[0].marks[0].images
    kept = [*range(12), *range(16, 28)]
    np.testing.assert_array_equal(drawn, made.images[kept])
    few = replace(made, shown=made.shown[10:], images=made.images[10:])
    assert predictions_view(few).alt.startswith("Grid of 18 test pictures, 6 right and 12 wrong.")


def test_of_a_hundred_classes_the_most_confused_are_drawn() -> None:
    view = confusion_view(make_predictions([f"class {place}" for place in range(100)], n=2000))
    assert "Drawn are the 25 of 100 classes with the most errors." in view.caption
    assert view.chart.panels[0].marks[0].values.shape == (25, 25)
    assert len(view.chart.panels[0].marks) == 2


def test_a_network_is_drawn_by_what_changes_the_shape() -> None:
    layers = [
        {"name": str(place), "kind": kind, "output_shape": shape, "parameters": count}
        for place, (kind, shape, count) in enumerate(
            [
                ("Conv2d", [8, 28, 28], 80),
                ("BatchNorm2d", [8, 28, 28], 16),
                ("ReLU", [8, 28, 28], 0),
                ("Conv2d", [8, 28, 28], 584),
                ("MaxPool2d", [8, 14, 14], 0),
                ("Conv2d", [8, 14, 14], 584),
                ("Conv2d", [8, 14, 14], 584),
                ("Flatten", [1568], 0),
                ("Linear", [10], 15690),
            ]
        )
    ]
    assert network_boxes(layers, (1, 28, 28)) == (
        Box("input", (1, 28, 28), 0),
        Box("Conv2d ×2", (8, 28, 28), 680),
        Box("MaxPool2d", (8, 14, 14), 0),
        Box("Conv2d ×2", (8, 14, 14), 1168),
        Box("Flatten", (1568,), 0),
        Box("Linear", (10,), 15690),
    )


def layer(name: str, kind: str, shape: Sequence[int], parameters: int = 0) -> dict[str, Any]:
    return {"name": name, "kind": kind, "output_shape": shape, "parameters": parameters}


def block(name: str) -> list[dict[str, Any]]:
    """Two branches side by side, which are joined to eight channels."""
    return [
        layer(name, "Inception", [8, 6, 6]),
        layer(f"{name}.branch1", "Conv2d", [3, 6, 6], 30),
        layer(f"{name}.branch2.0", "Conv2d", [2, 6, 6], 4),
        layer(f"{name}.branch2.1", "Conv2d", [5, 6, 6], 50),
    ]


def test_a_block_is_one_box_whatever_its_branches_give() -> None:
    layers = [
        layer("conv", "Conv2d", [8, 6, 6], 70),
        *block("mix1"),
        *block("mix2"),
        layer("pool", "MaxPool2d", [8, 3, 3]),
        layer("linear", "Linear", [10], 730),
    ]
    assert network_boxes(layers, (1, 6, 6)) == (
        Box("input", (1, 6, 6), 0),
        Box("Conv2d", (8, 6, 6), 70),
        Box("Inception ×2", (8, 6, 6), 168),
        Box("MaxPool2d", (8, 3, 3), 0),
        Box("Linear", (10,), 730),
    )
    assert count_layers(layers) == 9


def test_a_block_that_is_called_twice_has_its_parameters_once() -> None:
    again = [{**row, "parameters": 0} for row in block("mix")]
    boxes = network_boxes([*block("mix"), layer("pool", "MaxPool2d", [8, 3, 3]), *again], ())
    assert [box.parameters for box in boxes] == [84, 0, 0]


def test_a_block_that_holds_most_of_the_network_is_opened() -> None:
    within = [{**row, "name": f"body.{row['name']}"} for row in (*block("mix"), layer("pool", "MaxPool2d", [8, 3, 3]))]
    head = [layer("norm", "BatchNorm1d", [10], 20), layer("linear", "Linear", [10], 730)]
    drawn = [
        Box("input", (1, 6, 6), 0),
        Box("Inception", (8, 6, 6), 84),
        Box("MaxPool2d", (8, 3, 3), 0),
        Box("BatchNorm1d", (10,), 20),
        Box("Linear", (10,), 730),
    ]
    assert network_boxes([layer("body", "Body", [8, 3, 3]), *within, *head], (1, 6, 6)) == tuple(drawn)
    scaled = network_boxes([layer("body", "Body", [8, 3, 3], 5), *within, *head], (1, 6, 6))
    assert scaled == (drawn[0], Box("Body", (8, 3, 3), 5), *drawn[1:])


def test_costs_are_those_of_the_confirmed_candidate_else_of_the_best_trial() -> None:
    confirmed = make_results("a", confirmed={"best": (0.90, 0.92)})
    searched, foreign = make_results("b"), make_results("c", identity={})
    one, other = costs([confirmed, searched, foreign])
    assert (one.study, one.accuracy, one.confirmed) == ("a", pytest.approx(0.91), True)
    assert (other.study, other.accuracy, other.confirmed) == ("b", searched.ranked["value"].iloc[0], False)
    assert one.interval is not None
    assert other.interval is None
    assert one.minutes == pytest.approx(50 / 60)


def test_numbers_in_a_plot_have_five_digits() -> None:
    assert rounded(numbers([1 / 3, 91.04166, 2.0, math.nan, math.inf, 1e-9 / 3])) == [
        0.33333,
        91.042,
        2,
        None,
        None,
        3.3333e-10,
    ]
    assert joined([numbers([1, 2]), numbers([3])]).tolist() == pytest.approx([1, 2, math.nan, 3], nan_ok=True)


def test_labels_are_one_printable_line() -> None:
    assert shown("a\nb\u2028c\x00") == "a b c"
    assert shown("a" * 40, limit=5) == "aaaa…"
    assert [shown("学习率很大", limit=limit) for limit in (10, 9, 8)] == ["学习率很大", "学习率很…", "学习率…"]
    assert escaped("<b>&amp;") == "&lt;b&gt;&amp;amp;"


def test_small_pictures_are_sound_png() -> None:
    import io  # noqa: PLC0415

    from PIL import Image  # noqa: PLC0415

    for channels in (1, 3):
        image = np.random.default_rng(0).integers(0, 256, (channels, 5, 7)).astype(np.uint8)
        with Image.open(io.BytesIO(png_bytes(image))) as read:
            pixels = np.asarray(read).reshape(5, 7, channels)
        assert (pixels == image.transpose(1, 2, 0)).all()
