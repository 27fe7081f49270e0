"""Progress: the lines of a run without a terminal, and what a signal says."""

from __future__ import annotations

import io
import math
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from hpstudy.spec.config import TrialConfig
from hpstudy.terminal.progress import RunProgress
from hpstudy.training.job import EpochResult, Failure, Outcome, Part, TrainingJob


@dataclass(frozen=True)
class StagePlan:
    study: str = "mine"
    stage: str = "search"
    n_trials: int = 3
    n_ended: int = 0
    n_interrupted: int = 0
    best: float | None = None


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def plain(*, width: int = 80) -> Console:
    return Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)


def result(epoch: int, accuracy: float = 0.875, loss: float = 1.0) -> EpochResult:
    return EpochResult(epoch, 0.1, loss, 0.5, loss, accuracy, 1.0)


def job(config: TrialConfig, number: int) -> TrainingJob:
    return TrainingJob(f"mine#{number}", f"trial {number}", config, "search", Path())


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (StagePlan(), "mine begins: 3 trainings"),
        (StagePlan(n_ended=2), "mine goes on: 2 of 3 trainings have ended"),
        (StagePlan(n_interrupted=1), "mine goes on: 0 of 3 trainings have ended, 1 interrupted"),
        (StagePlan(n_ended=3), "mine has all of its 3 trainings; nothing to train"),
        (StagePlan(stage="confirmation", n_ended=1), "mine, confirmation goes on: 1 of 3 trainings have ended"),
        (StagePlan(n_ended=5), "mine has all of its 3 trainings; nothing to train"),
    ],
)
def test_the_first_line_says_where_a_run_begins(plan: StagePlan, line: str) -> None:
    console = plain()
    with RunProgress(
        console, searched=("optimizer", "learning_rate", "momentum", "batch_size", "dropout", "cnn.blocks")
    ) as progress:
        progress.opened(plan)
    assert console.file.getvalue() == f"{line}\n"


def test_each_end_has_its_line(config: TrialConfig) -> None:
    console = plain()
    stopped = Outcome(stopped=True, predictions=None, train_accuracy=None, n_parameters=0)
    with RunProgress(
        console, searched=("optimizer", "learning_rate", "momentum", "batch_size", "dropout", "cnn.blocks")
    ) as progress:
        progress.opened(StagePlan(n_trials=4))
        for number, (epochs, answer, end) in enumerate(
            [
                ([result(0), result(1), result(2)], "go", replace(stopped, stopped=False)),
                ([result(0, 0.25)], "stop", stopped),
                ([result(0, 0.1, math.nan)], "stop", stopped),
                ([], "go", Failure("error", "nets.py:3: ValueError: [red]no", "")),
            ]
        ):
            progress.started(job(config, number))
            for epoch in epochs:
                progress.epoch_ended(f"mine#{number}", epoch, answer)
            progress.ended(f"mine#{number}", end)
    lines = console.file.getvalue().splitlines()[1:]
    assert [line.split()[:4] for line in lines[:2]] == [
        ["trial", "0", "complete", "87.50"],
        ["trial", "1", "pruned", "25.00"],
    ]
    assert lines[0].endswith("optimizer sgd, learning rate 0.1, momentum 0.9, batch size 16, dropout 0, blocks 1")
    assert "3/3 epochs" in lines[0]
    assert "1/3 epochs" in lines[1]
    assert lines[2].split()[2:4] == ["diverged", "–"]
    assert lines[3] == "trial 3        failed    error: nets.py:3: ValueError: [red]no"


def test_lines_of_wide_letters_are_aligned(config: TrialConfig) -> None:
    console = plain(width=100)
    with RunProgress(console, searched=()) as progress:
        for number, label in enumerate(("plain", "模型 一", "a name of more letters than there is room for")):
            progress.started(replace(job(config, number), label=label))
            progress.epoch_ended(f"mine#{number}", result(0), "go")
            progress.ended(
                f"mine#{number}", Outcome(stopped=False, predictions=None, train_accuracy=None, n_parameters=0)
            )
    before = [line.partition("complete")[0] for line in console.file.getvalue().splitlines()]
    assert [cell_len(part) for part in before[:2]] == [15, 15]
    assert before[2] == "a name of more letters than there is room for "


def test_a_signal_is_answered_with_what_is_being_finished(config: TrialConfig) -> None:
    console = plain(width=100)
    with RunProgress(
        console, searched=("optimizer", "learning_rate", "momentum", "batch_size", "dropout", "cnn.blocks")
    ) as progress:
        progress.opened(StagePlan())
        progress.started(job(config, 0))
        progress.stopping(signal.SIGINT)
        progress.epoch_ended("mine#0", result(0), "go")
        progress.stopping(signal.SIGTERM)
    assert console.file.getvalue().splitlines()[1:] == [
        "finishing epoch 1/3 of trial 0; press Ctrl-C again to stop now",
        "finishing epoch 2/3 of trial 0; send the signal again to stop now",
    ]


def test_after_the_last_epoch_it_is_the_end_that_is_being_finished(config: TrialConfig) -> None:
    console = plain(width=100)
    with RunProgress(console, searched=()) as progress:
        progress.opened(StagePlan())
        progress.started(job(config, 0))
        for epoch in range(3):
            progress.epoch_ended("mine#0", result(epoch), "go")
        progress.stopping(signal.SIGINT)
        progress.started(job(config, 1))
        progress.ended("mine#0", Failure("error", "no", ""))
        progress.epoch_ended("mine#1", result(0), "stop")
        progress.stopping(signal.SIGINT)
    told = [line for line in console.file.getvalue().splitlines() if line.startswith("finishing")]
    assert told == [f"finishing the end of trial {n}; press Ctrl-C again to stop now" for n in (0, 1)]


def test_of_several_trainings_a_signal_tells_the_number(config: TrialConfig) -> None:
    console = plain()
    with RunProgress(console, searched=()) as progress:
        progress.opened(StagePlan())
        progress.started(job(config, 0))
        progress.started(job(config, 1))
        progress.stopping(signal.SIGINT)
    told = console.file.getvalue().splitlines()[1:]
    assert told == ["finishing an epoch of each of 2 trainings; press Ctrl-C again to stop now"]


def test_a_lost_worker_is_told(config: TrialConfig) -> None:
    console = plain()
    with RunProgress(console, searched=()) as progress:
        progress.opened(StagePlan())
        progress.started(job(config, 2))
        progress.lost("mine#2", "SIGKILL")
    assert console.file.getvalue().splitlines()[1:] == ["trial 2: its process died by SIGKILL; it is started again"]


def test_a_confirmation_shows_no_accuracy_before_its_last_epoch(config: TrialConfig) -> None:
    console = plain()
    with RunProgress(console, searched=()) as progress:
        progress.opened(StagePlan(stage="confirmation"))
        confirmed = replace(job(config, 12), part="confirm", label="trial 12, seed 1")
        progress.started(confirmed)
        progress.epoch_ended(confirmed.key, replace(result(0), val_loss=None, val_accuracy=None), "go")
        progress.epoch_ended(confirmed.key, result(1, 0.8125), "go")
        progress.ended(confirmed.key, Outcome(False, None, 0.9, 10))
    line = console.file.getvalue().splitlines()[-1]
    assert line.startswith("trial 12, seed 1       complete  81.25 %  2/3 epochs")


@pytest.mark.parametrize(("part", "known"), [("search", ["validation", "validation"]), ("confirm", ["train", "test"])])
def test_the_display_says_what_an_accuracy_was_measured_on(config: TrialConfig, part: Part, known: list[str]) -> None:
    console = Console(file=Terminal(), width=100, force_interactive=True, force_terminal=True, color_system=None)
    first = result(0, 0.25) if part == "search" else replace(result(0), val_loss=None, val_accuracy=None)
    with RunProgress(console, searched=()) as progress:
        progress.opened(StagePlan())
        progress.started(replace(job(config, 0), part=part))
        for epoch, name in zip((first, result(1, 0.8125)), known, strict=True):
            progress.epoch_ended("mine#0", epoch, "go")
            before = len(console.file.getvalue())
            progress._bars.refresh()
            shown = console.file.getvalue()[before:]
            assert {word for word in ("train", "validation", "test") if f" {word} " in shown} == {name}
    assert " 81.25 %" in shown
