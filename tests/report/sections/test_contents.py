"""What a report says: its numbers, and one sentence for every view that a study cannot give."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hpstudy.numbers import value
from hpstudy.report.drawing.figure import Absent, Figure
from hpstudy.report.sections.comparison import Comparison
from hpstudy.report.sections.contents import Contents, build_contents
from hpstudy.report.sections.leaderboard import SHOWN, Leaderboard
from hpstudy.report.sections.mistakes import class_scores
from hpstudy.report.sections.places import figure_numbers, placed
from hpstudy.report.sections.search_summary import planned_trials, saved_by_pruning
from hpstudy.report.sections.table import Table
from hpstudy.results.predictions import confusion_counts
from hpstudy.results.study import StudyResults
from tests.report.studies import foreign_study, full_study, predictions, sparse_studies
from tests.results.synthetic import RECORD, make_results


@pytest.fixture(scope="module")
def full() -> Contents:
    return build_contents(full_study(), predictions=predictions())


def cells(table: Table) -> dict[str, list[str]]:
    """Each row's texts by the row's name."""
    return {row.cells[0].text: [cell.text for cell in row.cells[1:]] for group in table.groups for row in group.rows}


def test_the_head_says_what_was_studied_and_what_came_of_it(full: Contents) -> None:
    assert full.head.verdict == (
        "Trial 14: 90.50 % test accuracy on average over 3 fresh seeds (95 % interval 89.26 % to 91.74 %)."
    )
    assert dict(full.head.facts) == {
        "Data": "fashion_mnist: 54,000 training and 6,000 validation images, 3 classes",
        "Architecture": "lenet5",
        "State": "finished",
        "Trials": "50 sampled: 37 complete, 12 pruned, 1 failed",
        "Named models": "2",
        "Trained": "276 epochs, 46 min 0 s of training in 3 h 0 min of runs",
        "Device": "cpu, Intel(R) Xeon(R) Processor, 2 threads",
    }


def test_the_comparison_puts_the_candidate_first_and_holds_all_models_against_it(full: Contents) -> None:
    assert isinstance(full.comparison, Comparison)
    table = full.comparison.table
    assert [column.title for column in table.columns] == ["", "trial 14", "plain", "trial 3", "second"]
    found = cells(table)
    assert found["Test accuracy, mean"] == ["90.50 %", "88.23 %", "90.25 %", "–"]
    # 0.900, 0.910, 0.905: deviation 0.005, t(2) = 4.303, so ± 1.242 points.
    assert found["95 % interval"][0] == "89.26 % to 91.74 %"
    assert found["Seeds"] == ["3", "3", "2; 1 diverged", "–"]
    # Differences −2.0, −2.5 and −2.3 points: deviation 0.2517, ± 0.625.
    assert found["Difference to the candidate, points"] == ["–", "−2.27", "−0.25", "–"]
    assert found["its 95 % interval"][1] == "−2.89 to −1.64"
    assert found["Verdict"] == ["candidate", "lower", "too few seeds to tell", "–"]
    assert found["Train–test gap, points"] == ["+2.50", "+4.77", "+2.75", "–"]
    assert found["Validation accuracy"][1:] == ["87.00 %", found["Validation accuracy"][2], "86.00 %"]
    assert [group.title for group in table.groups] == [
        "On the test set, fresh seeds",
        "On the validation part",
        "Settings that differ",
    ]
    differing = [row.cells[0].text for row in table.groups[2].rows]
    assert set(differing) & {name for name, _ in full.comparison.shared} == set()
    assert dict(full.comparison.shared)["Architecture"] == "lenet5"


def test_prose_and_table_have_the_same_digits(full: Contents) -> None:
    assert isinstance(full.comparison, Comparison)
    mean = cells(full.comparison.table)["Test accuracy, mean"][0]
    assert mean in full.head.verdict
    assert mean in full.findings.said[0].text
    pruning = full.figures["pruning"]
    assert isinstance(pruning, Figure)
    saved = saved_by_pruning(full_study().search)
    assert saved == "24 of 245 epochs, in 12 trials stopped early"
    assert saved.partition(",")[0] in pruning.title


def test_without_a_confirmation_the_best_trial_stands_beside_the_baselines() -> None:
    contents = build_contents(make_results(baselines={"plain": 0.87}), predictions=None)
    assert isinstance(contents.comparison, Comparison)
    assert contents.comparison.table.caption == "2 models side by side, by validation accuracy alone"
    assert "Test accuracy, mean" not in cells(contents.comparison.table)
    assert contents.head.verdict.startswith("Not confirmed: ")
    assert contents.mistakes.classes == Absent(
        "classes", "Mistakes by class", "The test set has not been opened: nothing is confirmed."
    )


def test_the_leaderboard_has_every_trial_and_the_reason_of_those_that_ended_early(full: Contents) -> None:
    assert isinstance(full.leaderboard, Leaderboard)
    rows = [[cell.text for cell in row.cells] for row in full.leaderboard.table.groups[0].rows]
    assert len(rows) == full.leaderboard.n_trials == 50
    assert [row[1] for row in rows] == ["complete"] * 37 + ["pruned"] * 12 + ["failed"]
    values = [float(row[2].removesuffix(" %")) for row in rows[:37]]
    assert values == sorted(values, reverse=True)
    assert rows[37][-1] == "pruned after epoch 3"
    assert rows[37][-3] == "3 of 5"
    assert rows[-1][-1] == "error: nets.py:3: ValueError: no"


def test_a_large_study_shows_its_best_trials_and_has_all_in_the_file() -> None:
    contents = build_contents(make_results(n_trials=350), predictions=None)
    assert isinstance(contents.leaderboard, Leaderboard)
    assert len(contents.leaderboard.table.groups[0].rows) == SHOWN == 200
    assert "The 200 best of 350 are shown; the CSV file has all." in contents.leaderboard.beyond
    assert len(list(csv.reader(io.StringIO(contents.leaderboard.csv)))) == 351


def test_the_file_of_trials_has_every_digit_and_no_formula() -> None:
    study = full_study()
    study = replace(study, trials=study.trials.assign(message="=HYPERLINK(1)", reason="-1+1"))
    contents = build_contents(study, predictions=None)
    assert isinstance(contents.leaderboard, Leaderboard)
    rows = list(csv.DictReader(io.StringIO(contents.leaderboard.csv)))
    assert [row["label"] for row in rows[:3]] == ["plain", "second", "14"]
    best = study.trials[study.trials["label"] == "14"].iloc[0]
    assert float(rows[2]["value"]) == best["value"]
    assert float(rows[2]["learning_rate"]) == best["learning_rate"]
    assert rows[2]["momentum"] == ""
    assert (rows[0]["message"], rows[0]["reason"]) == ("'=HYPERLINK(1)", "'-1+1")


def test_classes_have_precision_recall_and_f1(full: Contents) -> None:
    # Of twelve boots two are taken for bags, by each of two seeds; all else is right.
    counts = confusion_counts(predictions())
    np.testing.assert_array_equal(counts, [[24, 0, 0], [4, 20, 0], [0, 0, 24]])
    np.testing.assert_allclose(class_scores(counts)[0], [24 / 28, 1, 48 / 52])
    assert isinstance(full.mistakes.classes, Table)
    assert cells(full.mistakes.classes) == {
        "bag": ["85.71 %", "100.00 %", "92.31 %", "12"],
        "boot": ["100.00 %", "83.33 %", "90.91 %", "12"],
        "shirt": ["100.00 %", "100.00 %", "100.00 %", "12"],
    }
    assert full.mistakes.pairs == ("“boot” was taken for “bag” in 16.67 % of its images (4 of 24 predictions).",)
    assert full.mistakes.balance == ""


def test_unbalanced_classes_get_macro_f1() -> None:
    contents = build_contents(full_study(), predictions=predictions(unbalanced=True))
    # F1: 96/100, 40/44 and 1; accuracy 92 of 96.
    assert "macro-F1, the mean of F1 over classes, is 95.64 % where accuracy is 95.83 %" in contents.mistakes.balance


def test_the_best_model_is_told_with_its_layers_and_its_speed(full: Contents) -> None:
    told = dict(full.model.facts)
    assert told["From"] == "trial 14 of full"
    assert told["Size"] == "61,706 parameters, 183,854 multiply–adds an image, 3 layers"
    assert told["Speed"].startswith("5,400 training images a second on cpu: 10 s for an epoch of 54,000 images")
    assert isinstance(full.model.layers, Table)
    assert cells(full.model.layers)["conv1"] == ["Conv2d", "6×28×28", "156", "122,304"]
    assert "⌊(n − k + 2p) / s⌋ + 1" in full.model.layers.note


def with_models(study: StudyResults, **models: int) -> StudyResults:
    """The study with a run for each of the models, which recorded it under its key with so many parameters."""
    layer = {"name": "fc", "kind": "Linear", "output_shape": [10], "mult_adds": 0}
    records = [
        RECORD | {"models": {key.lstrip("_"): {"n_parameters": n, "layers": [layer | {"parameters": n}]}}}
        for key, n in models.items()
    ]
    return replace(study, runs=pd.concat([study.runs.assign(record=[record]) for record in records]))


def test_the_layers_are_those_of_the_answer_and_of_no_later_best_trial() -> None:
    study = replace(full_study(), candidate="3")
    contents = build_contents(with_models(study, _3=700, _14=900), predictions=None)
    told = dict(contents.model.facts)
    assert told["From"] == "trial 3 of full"
    assert told["Size"].startswith("700 parameters, ")
    network = contents.figures["network"]
    assert isinstance(network, Figure)
    assert "700" in network.title
    unknown = build_contents(with_models(study, best=900), predictions=None)
    assert isinstance(unknown.model.layers, Absent)
    assert isinstance(unknown.figures["network"], Absent)


def test_a_search_that_was_stopped_is_not_repeated_by_its_command() -> None:
    study = full_study()
    n_ended = len(study.search)
    stopped = (
        f"The search was stopped after {n_ended} of {n_ended + 5} trials: the commands as they stand train all of "
        f"them, and with --trials {n_ended} as many as are reported here."
    )
    for planned, text in ((n_ended, ""), (n_ended + 5, stopped)):
        runs = study.runs.assign(command=f"hpstudy run a.yaml --trials {planned}")
        assert build_contents(replace(study, runs=runs), predictions=None).reproduction.unfinished == text


def test_no_number_of_trials_is_named_that_a_command_refuses() -> None:
    study = full_study()
    fair = study.identity | {"fair": True, "architecture": ["lenet5", "cnn", "resnet-mini"]}
    runs = study.runs.assign(command="hpstudy run a.yaml --trials 90")
    begun = make_results(n_trials=0, n_pruned=0, n_failed=0, baselines={"plain": 0.8})
    for stopped in (replace(study, runs=runs, identity=fair), replace(begun, runs=runs)):
        text = build_contents(stopped, predictions=None).reproduction.unfinished
        assert text == (
            f"The search was stopped after {len(stopped.search)} of 90 trials: the commands as they stand train all "
            "of them."
        )


def test_a_study_can_be_repeated_from_what_is_told() -> None:
    study = full_study()
    first = study.runs.assign(
        command="hpstudy run a.yaml --storage postgresql+psycopg://u:s3cret@h/db", study_file="a: 1"
    )
    record = RECORD | {"threads": 1, "workers": 2, "test_data": {"t10k-images-idx3-ubyte.gz": "ab" * 32}}
    second = study.runs.assign(record=[record], command="hpstudy confirm full", run_id=2)
    idle = {
        "record": [record | {"git": {"commit": "f" * 40, "clean": True}}],
        "command": "hpstudy confirm full --top 2",
        "run_id": 3,
    }
    late = {name: study.runs[name] + pd.Timedelta(days=1) for name in ("started_at", "ended_at")}
    runs = pd.concat([first, second, study.runs.assign(**idle, **late)], ignore_index=True)
    told = build_contents(replace(study, runs=runs), predictions=None).reproduction
    assert told.commands == ("hpstudy run a.yaml --storage postgresql+psycopg://***@h/db", "hpstudy confirm full")
    assert told.differences.startswith("The runs differ in threads: ")
    assert dict(told.facts)["Device"] == ("cpu, Intel(R) Xeon(R) Processor, 2 threads or 2 workers with 1 thread each")
    assert dict(told.facts)["Confirmation"] == "seeds 1, 2 and 3, the same for each configuration"
    assert dict(told.facts)["Commit"] == "0123456789abcdef0123456789abcdef01234567 (clean)"
    assert isinstance(told.checksums, Table)
    assert len(cells(told.checksums)["train-images-idx3-ubyte.gz"][0]) == 64
    assert cells(told.checksums)["t10k-images-idx3-ubyte.gz"] == ["ab" * 32]


def test_failures_are_told_by_reason(full: Contents) -> None:
    assert isinstance(full.failures, Table)
    assert full.failures.caption == "2 trainings failed or diverged"
    assert cells(full.failures) == {
        "error": ["1", "49", "nets.py:3: ValueError: no"],
        "diverged: the loss was not finite": ["1", "3, seed 3", "–"],
    }


def test_every_finding_leads_to_something_that_is_there(full: Contents) -> None:
    numbers = figure_numbers(placed(full.figures))
    assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))
    assert {finding.figure for finding in full.findings.said} <= set(numbers) | {"comparison", "leaderboard"}


@pytest.mark.parametrize("name", sorted(sparse_studies()))
def test_a_study_that_lacks_something_says_why(name: str) -> None:
    contents = build_contents(sparse_studies()[name], predictions=None)
    absent = [view for view in contents.figures.values() if isinstance(view, Absent)]
    sections = (contents.comparison, contents.leaderboard, contents.space, contents.failures, contents.model.layers)
    absent += [view for view in (*sections, contents.mistakes.classes) if isinstance(view, Absent)]
    assert absent
    for view in absent:
        assert view.title[0].isupper()
        assert view.reason[0].isupper()
        assert view.reason.endswith(".")
        assert "nan" not in view.reason.lower().split()
    assert contents.head.verdict.endswith(".")


def test_a_foreign_study_has_no_accuracies() -> None:
    contents = build_contents(foreign_study(), predictions=None)
    assert isinstance(contents.leaderboard, Leaderboard)
    assert [column.title for column in contents.leaderboard.table.columns][:3] == ["Trial", "State", "value"]
    texts = [cell.text for row in contents.leaderboard.table.groups[0].rows for cell in row.cells]
    assert not any("%" in text for text in texts)
    first = contents.leaderboard.table.groups[0].rows[0].cells[2].text
    assert first == value(foreign_study().ranked["value"].min())
    assert "%" not in contents.head.verdict


def test_how_many_trials_were_planned() -> None:
    runs = make_results().runs

    def planned(runs: pd.DataFrame) -> int | None:
        return planned_trials(replace(make_results(), runs=runs))

    assert planned(runs.assign(study_file="")) is None
    assert planned(runs.assign(study_file="name: x\ntrials: 50\n")) == 50
    assert planned(runs.assign(study_file="name: x\n")) == 50  # as a file without the number means
    assert planned(runs.assign(study_file="trials: 50", command="hpstudy run a.yaml --trials 20")) == 20
    run = runs.assign(study_file="trials: 12", command="hpstudy run a.yaml --trials 50")
    confirm = runs.assign(study_file="trials: 12", command="hpstudy confirm a --seeds 5")
    assert planned(pd.concat([run, confirm])) == 50
    assert planned(confirm) is None
    grid = make_results(n_trials=12).identity | {"sampler": {"name": "grid"}, "settings": {"dropout": [0.0, 0.5]}}
    both = make_results(n_trials=2)
    walked = both.trials.assign(dropout=[0.0, 0.5])
    assert planned_trials(replace(both, trials=walked, runs=run, identity=grid)) == 2
