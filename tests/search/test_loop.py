"""The loop: what it passes on, and what it does when it is interrupted or a worker is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hpstudy.executors.protocol import Ended, EpochEnded, Failed, WorkerLost
from hpstudy.search.loop import run
from hpstudy.spec.config import TrialConfig
from hpstudy.training.job import EpochResult, Failure, Outcome, TrainingJob

OUTCOME = Outcome(stopped=False, predictions=None, train_accuracy=None, n_parameters=0)


def result(epoch: int) -> EpochResult:
    return EpochResult(epoch, 0.1, 1.0, 0.5, 1.0, 0.5, 0.01)


class Jobs:
    """A source of some jobs that keeps what it is told."""

    def __init__(self, config: TrialConfig, n: int, *, stop_at: int = 99) -> None:
        self.left = [TrainingJob(f"job {index}", "trial", config, "search", Path()) for index in range(n)]
        self.stop_at = stop_at
        self.epochs: list[tuple[str, int]] = []
        self.ends: list[tuple[str, object]] = []

    def next_jobs(self, n):
        taken, self.left = self.left[:n], self.left[n:]
        return taken

    def epoch_ended(self, key, result):
        self.epochs.append((key, result.epoch))
        return "stop" if result.epoch == self.stop_at else "go"

    def ended(self, key, end):
        self.ends.append((key, end))

    def restarting(self, key):
        pass

    def waits(self):
        return False


class Script:
    """An executor without torch: an epoch of each job a call, two jobs at once; some jobs end otherwise."""

    capacity = 2

    def __init__(self, *, special=None) -> None:
        self.special = special or {}
        self.running: dict[str, list] = {}
        self.started: list[str] = []
        self.most_at_once = 0

    def start(self, jobs):
        for job in jobs:
            self.running[job.key] = [job, 0, "go"]
            self.started.append(job.key)
        self.most_at_once = max(self.most_at_once, len(self.running))

    def events(self, timeout_seconds):
        events = []
        for key, (job, epoch, answer) in list(self.running.items()):
            if key in self.special:
                events.append(self.special[key])
                del self.running[key]
            elif answer == "stop" or epoch == job.config.epochs:
                events.append(Ended(key, replace(OUTCOME, stopped=answer == "stop")))
                del self.running[key]
            elif answer is not None:
                events.append(EpochEnded(key, result(epoch)))
                self.running[key][1:] = [epoch + 1, None]
        return events

    def answer(self, key, answer):
        self.running[key][2] = answer

    def close(self):
        self.running.clear()


def test_every_job_is_trained_once_and_no_more_at_once_than_there_is_room(config: TrialConfig) -> None:
    source, executor = Jobs(config, 5), Script()
    run(source, executor)
    assert executor.started == [f"job {index}" for index in range(5)]
    assert executor.most_at_once == 2
    assert sorted(source.epochs) == [(f"job {index}", epoch) for index in range(5) for epoch in range(3)]
    assert [key for key, _ in source.ends] == executor.started


def test_the_sources_stop_is_passed_on(config: TrialConfig) -> None:
    source = Jobs(config, 1, stop_at=0)
    run(source, Script())
    assert source.epochs == [("job 0", 0)]
    assert source.ends == [("job 0", replace(OUTCOME, stopped=True))]


def test_a_failure_goes_to_the_source_and_the_rest_goes_on(config: TrialConfig) -> None:
    failure = Failure("error", "ValueError: no", "")
    source = Jobs(config, 3)
    run(source, Script(special={"job 1": Failed("job 1", failure)}))
    assert dict(source.ends) == {"job 0": OUTCOME, "job 1": failure, "job 2": OUTCOME}


def test_a_lost_worker_is_tried_three_times(config: TrialConfig) -> None:
    source, executor = Jobs(config, 1), Script(special={"job 0": WorkerLost("job 0", "SIGKILL")})
    heard: list[tuple[str, str]] = []
    run(source, executor, lost=lambda key, cause: heard.append((key, cause)))
    assert executor.started == ["job 0"] * 3
    assert heard == [("job 0", "SIGKILL")] * 2
    assert source.ends == [("job 0", Failure("crashed", "its process died 3 times, the last time by SIGKILL", ""))]


def test_an_interruption_stores_the_epochs_under_way_and_starts_nothing(config: TrialConfig) -> None:
    source, executor = Jobs(config, 5), Script()
    run(source, executor, interrupted=lambda: bool(source.epochs))
    assert source.epochs == [("job 0", 0), ("job 1", 0)]
    assert source.ends == []
    assert executor.started == ["job 0", "job 1"]


def test_an_interrupted_training_without_epochs_left_ends(config: TrialConfig) -> None:
    source = Jobs(replace(config, epochs=1), 3)
    run(source, Script(), interrupted=lambda: bool(source.epochs))
    assert [key for key, _ in source.ends] == ["job 0", "job 1"]


def test_an_interrupted_training_that_is_told_to_stop_ends(config: TrialConfig) -> None:
    source = Jobs(config, 1, stop_at=0)
    run(source, Script(), interrupted=lambda: bool(source.epochs))
    assert source.ends == [("job 0", replace(OUTCOME, stopped=True))]


def test_the_loop_waits_for_what_others_train(config: TrialConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    class Shared(Jobs):
        """Two jobs more once another runner has been waited for three times."""

        n_waits = 0

        def waits(self):
            self.n_waits += 1
            if self.n_waits == 3:
                self.left = Jobs(config, 4).left[2:]
            return self.n_waits <= 3

    slept: list[float] = []
    monkeypatch.setattr("hpstudy.search.loop.time.sleep", slept.append)
    source, executor = Shared(config, 2), Script()
    run(source, executor)
    assert executor.started == ["job 0", "job 1", "job 2", "job 3"]
    assert slept == [1.0] * 3


def test_an_interrupted_loop_waits_for_nobody(config: TrialConfig) -> None:
    source = Jobs(config, 0)
    source.waits = lambda: True
    run(source, Script(), interrupted=lambda: True)


def test_what_the_source_raises_ends_the_loop(config: TrialConfig) -> None:
    class Broken(Jobs):
        def ended(self, key, end):
            raise RuntimeError("storage gone")

    with pytest.raises(RuntimeError, match="storage gone"):
        run(Broken(config, 2), Script())
