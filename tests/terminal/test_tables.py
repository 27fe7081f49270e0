"""Tables: what they say, at two widths, and that users' names are text."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import pandas as pd
import pytest
from rich.console import Console

from hpstudy.results.study import StudyResults
from hpstudy.spec.study import Choices
from hpstudy.terminal.summary import study_summary
from hpstudy.terminal.tables import trial_details, varying
from tests.results.synthetic import DOMAINS, IDENTITY, make_results


def printed(renderable, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    console.print(renderable(console) if callable(renderable) else renderable)
    return console.file.getvalue()


def trial(label: str, state: str = "complete", **values):
    row = {
        "trial_id": len(label) + sum(map(ord, label)),
        "label": label,
        "part": "search" if label.isdigit() else "baselines",
        "number": int(label) if label.isdigit() else 0,
        "state": state,
        "reason": "",
        "message": "",
        "value": 0.9,
        "train_accuracy": 0.95,
        "seconds": 61.0,
        "epochs_planned": 14,
        "epochs": 14,
        "optimizer": "adam",
        "learning_rate": 0.01,
        "batch_size": 64,
        "momentum": math.nan,
    }
    return row | values


def test_options_that_would_look_alike_have_their_architecture() -> None:
    wide = {"lenet5.width": [1, 2], "nets.py:tiny.width": [8, 9], "nets.py:tiny.depth": [3, 4]}
    made = make_results(n_trials=2, n_pruned=0, n_failed=0)
    results = replace(
        made,
        trials=made.trials.assign(**wide),
        settings=tuple(wide),
        domains={name: Choices(tuple(values)) for name, values in wide.items()},
    )
    text = printed(lambda console: study_summary(results, console=console), width=160)
    assert "width of lenet5  width of nets.py:tiny  depth" in text


@pytest.fixture
def results() -> StudyResults:
    trials = pd.DataFrame(
        [
            trial("[bold]model[/] 1", value=0.85),
            trial("0", value=0.91, learning_rate=0.0123456),
            trial("1", value=0.93, optimizer="sgd", momentum=0.5),
            trial("2", "pruned", value=math.nan, epochs=4, reason="pruned after epoch 4"),
            trial("3", "failed", value=math.nan, epochs=0, reason="error", message="nets.py:3: ValueError: no"),
        ]
    )
    epochs = pd.DataFrame(
        [
            [trials["trial_id"][2], 0, 0.01, 0.5, 0.8, 0.4, 0.85, 3.0],
            [trials["trial_id"][2], 1, 0.005, 0.3, 0.9, 0.3, 0.93, 3.0],
        ],
        columns=[
            "trial_id",
            "epoch",
            "learning_rate",
            "train_loss",
            "train_accuracy",
            "val_loss",
            "val_accuracy",
            "seconds",
        ],
    )
    times = {"started_at": [pd.Timestamp("2026-01-01 10:00")], "ended_at": [pd.Timestamp("2026-01-01 10:12:05")]}
    return make_results(
        "mine",
        n_trials=0,
        n_pruned=0,
        n_failed=0,
        description="Why?",
        trials=trials,
        epochs=epochs,
        runs=pd.DataFrame({**times, "end_reason": ["finished"], "command": ["hpstudy run mine.yaml"]}),
        settings=("optimizer", "learning_rate", "batch_size", "momentum"),
        domains={name: DOMAINS[name] for name in ("optimizer", "learning_rate", "momentum")},
    )


def test_the_summary_ranks_compares_and_counts(results: StudyResults) -> None:
    text = printed(lambda console: study_summary(results, console=console))
    lines = text.splitlines()
    assert lines[0] == "mine: Why?"
    board = lines.index(next(line for line in lines if line.startswith("Best 2 of 4 trials")))
    assert lines[board + 1].split() == [
        "trial", "validation", "train", "time", "optimizer", "learning", "rate", "momentum",
    ]  # fmt: skip
    assert lines[board + 2].split() == ["1", "93.00", "%", "95.00", "%", "1", "min", "1", "s", "sgd", "0.01", "0.5"]
    assert lines[board + 3].split()[-3:] == ["adam", "0.0123", "–"]
    models = next(line for line in lines if "[bold]model[/] 1" in line)
    assert models.split() == ["[bold]model[/]", "1", "trial", "1"]
    assert "4 trials: 2 complete, 1 pruned, 1 failed\n5 min 5 s of training in all\n" in text
    assert "stopping trials early saved 10 of 42 epochs" in text
    assert "trial 3 failed: nets.py:3: ValueError: no" in text
    assert "Not confirmed: trial 1 has the best validation accuracy, 93.00 %, of 4 trials (2 complete)" in text
    assert "hpstudy run STUDY.yaml --trials 8" in text


def test_settings_are_words_where_columns_do_not_fit(results: StudyResults) -> None:
    text = printed(lambda console: study_summary(results, console=console), width=58)
    assert "settings" in text
    assert " ".join(text.split()).count("optimizer ") == 3  # once a trial in words, and among the named models
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 58


def test_an_exhausted_grid_is_not_to_be_searched_on(results: StudyResults) -> None:
    written = {"optimizer": ["sgd", "adam"], "batch_size": [32, 64]}
    searched = results.trials["part"] == "search"
    every = results.trials.copy()
    every.loc[searched, ["optimizer", "batch_size"]] = [[name, size] for name in ("sgd", "adam") for size in (32, 64)]
    for trials, on in ((every, False), (every[:-1], True)):
        grid = replace(results, trials=trials, identity=IDENTITY | {"sampler": {"name": "grid"}, "settings": written})
        text = printed(lambda console, grid=grid: study_summary(grid, console=console), width=200)
        assert ("hpstudy run STUDY.yaml --trials" in text) == on


def test_a_study_of_plain_optuna_is_shown_for_what_it_is(results: StudyResults) -> None:
    trials = results.trials[1:].assign(reason="", message="", train_accuracy=math.nan).reset_index(drop=True)
    trials.loc[0:1, "value"] = [12.5, -math.inf]
    foreign = replace(
        results, name="my study", trials=trials, identity={}, objective="[b]log loss[/]", maximize=False, description=""
    )
    text = printed(lambda console: study_summary(foreign, console=console), width=140)
    lines = [line.split() for line in text.splitlines()]
    assert lines[0] == ["my", "study"]
    assert lines[3][:4] == ["trial", "[b]log", "loss[/]", "time"]
    assert [line[:2] for line in lines[4:6]] == [["1", "-inf"], ["0", "12.5"]]
    assert "4 trials: 2 complete, 1 pruned, 1 failed\n4 min 4 s in all" in text
    assert "hpstudy show 'my study' TRIAL  one trial: a number, or best" in text
    assert not {"%", "confirmed", "validation", "training", "hpstudy run", "trial 3 failed"} & {
        word for word in ("%", "confirmed", "validation", "training", "hpstudy run", "trial 3 failed") if word in text
    }
    one = printed(trial_details(foreign, trial=0))
    assert one.startswith("my study, trial 0: complete\n[b]log loss[/] 12.5, after 1 min 1 s\n")
    assert "poch" not in one


def test_nothing_is_cut_at_sixty_columns(results: StudyResults) -> None:
    long = results.trials.assign(optimizer="a_choice_with_a_name_of_more_than_sixty_letters_that_nobody_would_break")
    baselines = [trial(f"a long model name {number}") for number in range(4)]
    wide = replace(results, trials=pd.concat([long, pd.DataFrame(baselines)], ignore_index=True))
    for shown in (lambda console: study_summary(wide, console=console), trial_details(wide, trial=2)):
        text = printed(shown, width=60)
        assert "…" not in text
        assert max(len(line.rstrip()) for line in text.splitlines()) <= 60


def test_a_study_without_a_complete_trial_says_so(results: StudyResults) -> None:
    weak = results.trials[results.trials["state"] != "complete"].reset_index(drop=True)
    only = replace(results, state="interrupted", trials=weak, epochs=results.epochs[:0], runs=results.runs[:0])
    text = printed(lambda console: study_summary(only, console=console))
    assert "No trial is complete yet." in text


def test_a_trial_shows_its_settings_and_epochs(results: StudyResults) -> None:
    text = printed(trial_details(results, trial=2))
    assert text.startswith("mine, trial 1: complete\n")
    assert [line.split() for line in text.splitlines() if line.startswith("momentum")] == [["momentum", "0.5"]]
    assert text.splitlines()[-1].split() == ["2", "0.005", "0.3000", "90.00", "%", "0.3000", "93.00", "%", "3.0", "s"]
    failed = printed(trial_details(results, trial=4))
    assert failed.startswith("mine, trial 3: failed\nerror\nnets.py:3: ValueError: no\n")
    assert "No epoch is stored." in failed


def test_varying_counts_absent_as_a_value(results: StudyResults) -> None:
    assert varying(results.trials, results.settings) == ["optimizer", "learning_rate", "momentum"]
