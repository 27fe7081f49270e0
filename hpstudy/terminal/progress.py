"""Progress of a run: a live display on a real terminal, and everywhere one plain line as each training ends."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from hpstudy.numbers import about, duration, heading, percent, plural, value
from hpstudy.spec.config import setting_value
from hpstudy.tables import BASELINES, PART_SEPARATOR
from hpstudy.terminal.console import visible_output
from hpstudy.training.job import Answer, EpochResult, Failure, Outcome, Part, TrainingJob

_EVALUATED_ON: dict[Part, str] = {"search": "validation", "confirm": "test"}
"""What a training's accuracy is measured on."""


class StagePlan(Protocol):
    """What a stage of a run has before it; `search.plan.StagePlan` is one."""

    @property
    def study(self) -> str:
        """The study's name."""
        ...

    @property
    def stage(self) -> str:
        """`search` or `confirmation`."""
        ...

    @property
    def n_trials(self) -> int:
        """Trainings in all."""
        ...

    @property
    def n_ended(self) -> int:
        """Trainings that had ended before the run."""
        ...

    @property
    def n_interrupted(self) -> int:
        """Trainings that an earlier run left unfinished."""
        ...

    @property
    def best(self) -> float | None:
        """Validation accuracy of the best trial of the search so far."""
        ...


@dataclass
class _Shown:
    """A training under way: its job, its line of the display, when it began, and its last epoch."""

    job: TrainingJob
    task: TaskID
    began: float
    last: EpochResult | None = None
    answer: Answer = "go"


class RunProgress:
    """Shows a run; use it as a context manager around `run_study`.

    Attributes:
        searched: The settings that are named beside each training.
    """

    def __init__(self, console: Console, *, searched: Sequence[str]) -> None:
        self._console = console
        self.searched = searched
        # A file, a pipe and a notebook keep every movement of the cursor: there the lines are all.
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=28),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
            transient=True,
            disable=not console.is_interactive,
        )
        self._output = ExitStack()
        self._study = self._bars.add_task("", total=None, visible=False, note="")
        self._running: dict[str, _Shown] = {}
        self._best: float | None = None
        self._n_left = 0
        self._n_ended_now = 0
        self._began = time.monotonic()
        self._stage = "search"

    def __enter__(self) -> RunProgress:
        self._bars.start()
        self._output.enter_context(visible_output())  # the display takes the streams over, and reads escapes in them
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._output.close()
        self._bars.stop()

    def opened(self, plan: StagePlan) -> None:
        """Shows the bar of a stage of the study, and says where it begins."""
        self._stage = plan.stage
        self._began = time.monotonic()
        self._n_ended_now = 0
        self._n_left = max(plan.n_trials - plan.n_ended, 0)
        self._best = plan.best
        self._bars.update(
            self._study,
            description=_stage_name(plan),
            total=max(plan.n_trials, plan.n_ended),
            completed=plan.n_ended,
            visible=True,
            note="",
        )
        self._console.print(Text(f"{_stage_name(plan)} {_beginning(plan)}"))

    def started(self, job: TrainingJob) -> None:
        """Adds a line for the training."""
        task = self._bars.add_task(f"  {job.label}", total=job.config.epochs, note="")
        self._running[job.key] = _Shown(job, task, time.monotonic())

    def epoch_ended(self, key: str, result: EpochResult, answer: Answer) -> None:
        """Moves the training's bar."""
        shown = self._running[key]
        shown.last, shown.answer = result, answer
        self._bars.update(shown.task, completed=result.epoch + 1, note=_accuracy(shown.job, result))

    def ended(self, key: str, end: Outcome | Failure) -> None:
        """Prints the training's line, and moves the study's bar."""
        shown = self._running.pop(key)
        self._bars.remove_task(shown.task)
        self._n_ended_now += 1
        self._n_left = max(self._n_left - 1, 0)
        line = _line(shown, end, self.searched)
        if self._console.is_interactive:
            self._console.print(line, no_wrap=True, overflow="ellipsis")
        else:
            self._console.print(line, soft_wrap=True)  # elsewhere there is room for all of it
        if isinstance(end, Outcome) and not end.stopped and shown.last and _is_searched(shown.job):
            self._best = max(self._best or 0.0, shown.last.val_accuracy or 0.0)
        self._bars.update(self._study, advance=1, note=self._note())

    def lost(self, key: str, cause: str) -> None:
        """Says that a training's process has died."""
        line = f"{self._running[key].job.label}: its process died by {cause}; it is started again"
        self._console.print(Text(line, style="yellow"), soft_wrap=True)

    def stopping(self, signal_number: int) -> None:
        """Says what is still being finished, and how it is stopped at once."""
        what = _under_way(list(self._running.values()))  # a copy: this is called in a thread of its own
        again = "press Ctrl-C again" if signal_number == signal.SIGINT else "send the signal again"
        self._console.print(Text(f"finishing {what}; {again} to stop now", style="yellow"))

    def waiting(self, line: str) -> None:
        """Says that the database is waited for, or that it answers again."""
        self._console.print(Text(line, style="yellow"), soft_wrap=True)

    def _note(self) -> str:
        seconds = (time.monotonic() - self._began) / self._n_ended_now * self._n_left
        parts = [f"{about(seconds)} left"] if self._n_left else []
        if self._best is not None and self._stage == "search":
            parts.append(f"best so far {percent(self._best)}")
        return " · ".join(parts)


def _under_way(trainings: Sequence[_Shown]) -> str:
    """The epoch that is being trained, or how many are; the display has a line for each."""
    match trainings:
        case []:
            return "what is under way"
        case [shown]:
            epoch, epochs = shown.last.epoch + 2 if shown.last else 1, shown.job.config.epochs
            ends = epoch > epochs or shown.answer == "stop"
            return f"the end of {shown.job.label}" if ends else f"epoch {epoch}/{epochs} of {shown.job.label}"
        case _:
            return f"an epoch of each of {len(trainings)} trainings"


def _is_searched(job: TrainingJob) -> bool:
    return job.part == "search" and f"{PART_SEPARATOR}{BASELINES}#" not in job.key


def _stage_name(plan: StagePlan) -> str:
    return plan.study if plan.stage == "search" else f"{plan.study}, {plan.stage}"


def _accuracy(job: TrainingJob, result: EpochResult) -> str:
    """What is known of the accuracy after an epoch; a confirmation sees the test set after its last alone."""
    if result.val_accuracy is None:
        return f"train {percent(result.train_accuracy)}"
    return f"{_EVALUATED_ON[job.part]} {percent(result.val_accuracy)}"


def _beginning(plan: StagePlan) -> str:
    left = plan.n_trials - plan.n_ended
    if left <= 0:
        return f"has all of its {plan.n_trials} trainings; nothing to train"
    if not plan.n_ended + plan.n_interrupted:
        return f"begins: {plural(left, 'training')}"
    interrupted = f", {plan.n_interrupted} interrupted" if plan.n_interrupted else ""
    return f"goes on: {plan.n_ended} of {plan.n_trials} trainings have ended{interrupted}"


def _line(shown: _Shown, end: Outcome | Failure, searched: Sequence[str]) -> Text:
    seconds = duration(time.monotonic() - shown.began)
    seen = shown.last.val_accuracy if shown.last else None
    accuracy = "–" if seen is None else percent(seen)
    epochs = f"{shown.last.epoch + 1 if shown.last else 0}/{shown.job.config.epochs} epochs"
    state, style = _state(shown, end)
    values = {name: setting_value(shown.job.config, name) for name in searched}
    settings = ", ".join(f"{heading(name)} {value(held)}" for name, held in values.items() if held is not None)
    label = shown.job.label
    line = Text(label + " " * (1 + max(_label_width(shown.job) - cell_len(label), 0)))
    line.append(f"{state:<9}", style=style)
    if isinstance(end, Failure):
        line.append(f" {end.reason}: {end.message}")
        return line
    line.append(f"{'–' if state == 'diverged' else accuracy:>8}", style="bold" if state == "complete" else "")
    line.append(f"  {epochs:<13} {seconds:>10}  ")
    line.append(settings, style="dim")
    return line


def _label_width(job: TrainingJob) -> int:
    return 14 if job.part == "search" else 22


def _state(shown: _Shown, end: Outcome | Failure) -> tuple[str, str]:
    if isinstance(end, Failure):
        return "failed", "red"
    if shown.last and shown.last.diverged:
        return "diverged", "magenta"
    return ("pruned", "yellow") if shown.answer == "stop" else ("complete", "green")
