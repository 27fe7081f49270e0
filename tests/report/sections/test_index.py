"""Several studies: whether they may be compared, and what their confirmed answers say against each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from hpstudy.report.drawing.figure import Absent
from hpstudy.report.sections.across import across
from hpstudy.report.sections.fairness import fairness
from hpstudy.report.sections.index_contents import build_index
from hpstudy.report.sections.table import Table
from hpstudy.results.study import StudyResults
from hpstudy.results.trials import StoredTrials, trial_frame
from tests.report.studies import foreign_study, full_study, second_study
from tests.results.synthetic import IDENTITY, RECORD, make_results


def test_equal_studies_pass_every_check() -> None:
    twin = replace(full_study(), name="twin")
    assert [check.name for check in fairness([full_study(), twin]) if not check.passed] == []
    assert build_index([full_study(), twin]).verdict == (
        "2 of 2 studies are confirmed on the test set, and they were made under equal conditions."
    )


def test_a_check_that_fails_says_which_study_has_what() -> None:
    checks = {check.name: check for check in fairness([full_study(), second_study()])}
    assert {name for name, check in checks.items() if not check.passed} == {
        "Sampled trials",
        "Epochs of a training",
        "Confirmation seeds",
    }
    assert checks["Sampled trials"].fact == "50 trials (full); 40 trials (second)"
    assert checks["Epochs of a training"].fact == "5 epochs (full); 8 epochs (second)"
    assert checks["Confirmation seeds"].fact == "3 seeds (full); 4 seeds (second)"
    assert checks["Split"].fact == "10 % for validation, drawn with study seed 1"


def test_other_files_of_the_same_data_set_are_other_data() -> None:
    other = make_results(
        "other", identity=IDENTITY | {"settings": {}, "data": {"train-images-idx3-ubyte.gz": "ffff0000"}}
    )
    checks = {check.name: check for check in fairness([full_study(), other])}
    assert not checks["Data"].passed
    assert checks["Data"].fact == ("fashion_mnist, files b0564c3e… (full); fashion_mnist, files ffff0000… (other)")


def of_files(study: StudyResults, **sums: str) -> StudyResults:
    """The study on a folder of pictures with these sums."""
    dataset = {"name": "image_folder", "share": 1.0}
    return replace(study, identity=study.identity | {"dataset": dataset, "data": sums})


def test_two_folders_of_pictures_are_not_compared_and_have_a_column_each() -> None:
    one, other = of_files(full_study(), train="aaaa1111ffff"), of_files(second_study(), train="bbbb2222ffff")
    contents = build_index([one, other])
    assert isinstance(contents.matrix, Table)
    assert [column.title for column in contents.matrix.columns[1:]] == [
        "image_folder, files aaaa1111…",
        "image_folder, files bbbb2222…",
    ]
    assert [cell.text for cell in contents.matrix.groups[0].rows[1].cells][1] == "–"
    assert contents.across.said[0].startswith("No two studies of the same data are both confirmed")
    same = build_index([one, of_files(second_study(), train="aaaa1111ffff")])
    assert isinstance(same.matrix, Table)
    assert [column.title for column in same.matrix.columns[1:]] == ["image_folder"]
    assert same.across.said[0].startswith("second reached the highest mean test accuracy on image_folder, 92.55 %")


def test_any_file_makes_other_data() -> None:
    one = of_files(full_study(), images="aaaa1111ffff", labels="cccc3333ffff")
    other = of_files(second_study(), images="aaaa1111ffff", labels="dddd4444ffff")
    assert not fairness([one, other])[0].passed


def test_every_division_of_a_machine_is_told() -> None:
    """The search ran on two workers, a later confirmation in one process: the last run alone would hide the first."""
    study = full_study()
    first, later = study.runs.iloc[[0]], study.runs.iloc[[0]].copy()
    later["record"] = [RECORD | {"workers": 2, "threads": 1}]
    other = replace(study, name="other", runs=pd.concat([later, first]))
    checks = {check.name: check for check in fairness([study, other])}
    machine = "cpu, Intel(R) Xeon(R) Processor"
    assert checks["Machine"].fact == (
        f"{machine}, 2 threads, torch 2.13.0 (full); "
        f"{machine}, 2 workers with 1 thread each or 2 threads, torch 2.13.0 (other)"
    )


def test_the_matrix_has_confirmed_accuracies_with_intervals() -> None:
    contents = build_index([full_study(), second_study(), make_results("unconfirmed"), foreign_study()])
    assert isinstance(contents.matrix, Table)
    rows = {row.cells[0].text: row.cells[1].text for row in contents.matrix.groups[0].rows}
    assert rows == {
        "lenet5": "90.50 % (89.26 % to 91.74 %), 3 seeds (full)\nnot confirmed: unconfirmed",
        "cnn": "92.55 % (91.88 % to 93.22 %), 4 seeds (second)",
    }
    assert contents.foreign == "Made by plain Optuna and not compared: optuna/../x y."
    assert contents.verdict.startswith("2 of 3 studies are confirmed on the test set; they differ in ")


def test_of_an_architecture_the_best_that_was_confirmed_stands_in_the_matrix() -> None:
    study = make_results("several")
    first, second, third = study.ranked["label"].iloc[:3]
    # The third was confirmed when it was the best of its architecture; then the search went on.
    confirmed = {first: [0.91, 0.92, 0.93], third: [0.80, 0.81, 0.82], second: [0.88, 0.89, 0.90]}
    results = make_results("several", confirmed=confirmed)
    trials = results.trials.assign(
        architecture=results.trials["label"].map({second: "cnn", third: "cnn"}).fillna("lenet5")
    )
    identity = results.identity | {"architecture": ["lenet5", "cnn"]}
    matrix = build_index([replace(results, trials=trials, identity=identity)]).matrix
    assert isinstance(matrix, Table)
    rows = {row.cells[0].text: row.cells[1].text for row in matrix.groups[0].rows}
    assert rows["cnn"].startswith("89.00 % (")
    assert rows["lenet5"].startswith("92.00 % (")


def test_a_study_whose_seeds_all_diverged_is_not_confirmed() -> None:
    diverged = make_results("other", confirmed={"best": [0.9, 0.91, 0.92]})
    seeds = diverged.confirmations.assign(test_accuracy=np.nan, state="pruned")
    contents = build_index([full_study(), replace(diverged, confirmations=seeds)])
    assert contents.verdict.startswith("1 of 2 studies is confirmed on the test set")


def test_without_a_confirmation_there_is_no_matrix() -> None:
    contents = build_index([make_results("one"), make_results("two")])
    assert isinstance(contents.matrix, Absent)
    assert contents.across.said == (
        "No two studies of the same data are both confirmed with at least three seeds: nothing is compared.",
    )
    assert build_index([make_results("one"), foreign_study()]).checks == ()


def test_answers_of_two_studies_are_compared_without_pairing() -> None:
    # Means 92.55 and 90.5, variances 0.1767 and 0.25 (points²): standard error sqrt(0.1767/4 + 0.25/3) = 0.357 with
    # 3.94 degrees of freedom (Welch), so 2.05 ± 2.79 · 0.357.
    found = across([full_study(), second_study()])
    assert found.said[0] == (
        "second reached the highest mean test accuracy on fashion_mnist, 92.55 % over 4 seeds, of 2 confirmed studies."
    )
    assert found.said[1] == (
        "second is above full (90.50 %) by 2.05 points "
        "(95 % interval +1.05 to +3.05 points, 4 and 3 seeds, not paired)."
    )


def test_a_small_difference_between_studies_is_not_claimed() -> None:
    near = make_results("near", confirmed={"best": [0.905, 0.909, 0.907]})
    said = across([full_study(), near]).said
    assert said[1].startswith(
        "near and full (90.50 %) are not distinguishable: they differ by 0.20 points (interval for all comparisons "
    )


def test_what_is_not_distinguishable_has_zero_inside_its_interval() -> None:
    # 0.30 ± 0.23 points, p = 0.021: by themselves two of them differ, of three pairs they cannot be told apart.
    accuracies = {"a": [0.9000, 0.9010, 0.9020], "b": [0.8990, 0.8980, 0.8970], "c": [0.8995, 0.8985, 0.9005]}
    studies = [make_results(name, confirmed={"best": found}) for name, found in accuracies.items()]
    said = across(studies).said
    assert said[2] == (
        "a and b (89.80 %) are not distinguishable: they differ by 0.30 points "
        "(interval for all comparisons −0.02 to +0.62 points, 3 and 3 seeds, not paired)."
    )


def test_seeds_that_are_all_alike_give_no_interval_but_one_that_differs_does() -> None:
    # The mean of 0.1 + 0.2 and the like is rounded, so that their standard deviation is not nothing.
    equal = make_results("equal", confirmed={"best": [0.7 + 0.2] * 3})
    other = make_results("other", confirmed={"best": [0.1 + 0.2] * 3})
    assert across([equal, other]).said[1] == (
        "equal and other (30.00 %) are not distinguishable: they differ by 60.00 points "
        "(no interval: the seeds are all alike, 3 and 3 seeds, not paired)."
    )
    # A standard error of 0.005 / √3 with 2 degrees of freedom: 0.5 ± 4.303 · 0.2887 points.
    assert (
        across([full_study(), equal])
        .said[1]
        .endswith("(interval for all comparisons −0.74 to +1.74 points, 3 and 3 seeds, not paired).")
    )


def test_a_study_without_any_trial_stands_beside_a_confirmed_one() -> None:
    made = make_results("empty")
    stored = StoredTrials({}, [], attributes={}, parameters={}, unfinished="interrupted")
    trials, settings = trial_frame(stored, epochs=made.epochs.iloc[:0])
    assert "architecture" not in trials
    empty = replace(made, trials=trials, settings=settings, epochs=made.epochs.iloc[:0], state="interrupted")
    contents = build_index([full_study(), empty])
    assert isinstance(contents.matrix, Table)
    assert contents.matrix.groups[0].rows[0].cells[1].text.endswith("\nnot confirmed: empty")


def test_two_seeds_are_too_few_to_compare() -> None:
    two = make_results("two", confirmed={"best": [0.99, 0.98]})
    found = across([full_study(), two])
    assert len(found.said) == 1
    assert found.cannot_say[0] == "two has no answer that is confirmed with at least three seeds."
