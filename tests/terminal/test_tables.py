"""Tables: what they say, at two widths, and that users' names are text."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import pandas as pd
import pytest
from rich.console import Console

from hpstudy.results.study import StudyResults
from hpstudy.terminal.summary import study_summary
from hpstudy.terminal.tables import study_list, trial_details, varying
from tests.results.synthetic import DOMAINS, make_results


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
        runs=pd.DataFrame({**times, "end_reason": ["finished"]}),
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
    assert "stopping weak trials early saved 10 of 56 epochs" in text
    assert "trial 3 failed: nets.py:3: ValueError: no" in text
    assert "Not confirmed: trial 1 has the best validation accuracy, 93.00 %, of 4 trials (2 complete)" in text
    assert "hpstudy run STUDY.yaml --trials 8" in text


def test_settings_are_words_where_columns_do_not_fit(results: StudyResults) -> None:
    text = printed(lambda console: study_summary(results, console=console), width=58)
    assert "settings" in text
    assert " ".join(text.split()).count("optimizer ") == 3  # once a trial in words, and among the named models
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 58


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


def test_the_list_of_studies(results: StudyResults) -> None:
    assert printed(study_list(pd.DataFrame())).startswith("No study yet.")
    row = {"study": "[red]x", "complete": 3, "pruned": 1, "failed": 0, "best": 0.5, "state": "finished"}
    text = printed(study_list(pd.DataFrame([{**row, "last_run": pd.NaT}])))
    assert text.splitlines()[1].split() == ["[red]x", "3", "1", "0", "50.00", "%", "finished", "–"]


def test_varying_counts_absent_as_a_value(results: StudyResults) -> None:
    assert varying(results.trials, results.settings) == ["optimizer", "learning_rate", "momentum"]
