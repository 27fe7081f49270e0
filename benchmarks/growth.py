"""What orchestration costs a trial, and how that grows: trials that train nothing, in studies of any size.

    python -m benchmarks.growth [--sizes 100 1000 10000] [--trials 30] [--epochs 5]

A study is made up and written to a new SQLite file, and goes on with some more trials through the one loop; each of
their epochs takes no time at all. What is left is what `hpstudy run` does beside training: asking the sampler and the
pruner, and keeping everything. The first asking, with which Optuna reads the whole study, is told by itself.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import optuna

from hpstudy.artifacts import StudyFiles
from hpstudy.executors.protocol import Ended, EpochEnded, Event
from hpstudy.search.leases import NoOthers
from hpstudy.search.loop import run
from hpstudy.search.sources import search_source
from hpstudy.search.storage import open_storage
from hpstudy.search.studies import open_studies
from hpstudy.search.subject import subject_of
from hpstudy.search.trials import RunContext
from hpstudy.search.user_code import read_user_code
from hpstudy.training.job import Answer, EpochResult, Outcome, TrainingJob
from tests.results.big import big_study, write_study

METHODS = {"random, no pruner": ("random", "none"), "tpe, median": ("tpe", "median")}
PREDICTIONS = np.zeros(6000, dtype=np.int64)


class Instant:
    """An executor whose epochs take no time; how well a trial does follows from its learning rate."""

    capacity = 1
    threads = 1

    def __init__(self) -> None:
        self.began: list[float] = []
        self._job: TrainingJob | None = None
        self._n_epochs = 0
        self._answer: Answer = "go"

    def start(self, jobs: Sequence[TrainingJob]) -> None:
        """Takes a job, and notes when; none is left at the end."""
        self.began.append(time.perf_counter())
        for job in jobs:
            self._job = job
            self._n_epochs = 0
            self._answer = "go"

    def events(self, timeout_seconds: float) -> Sequence[Event]:
        """The next epoch, or the end."""
        if self._job is None:
            return []
        config, key = self._job.config, self._job.key
        if self._answer == "stop" or self._n_epochs == config.epochs:
            self._job = None
            stopped = self._answer == "stop"
            return [
                Ended(key, Outcome(stopped, PREDICTIONS[: 0 if stopped else None], None if stopped else 0.9, 61_706))
            ]
        self._n_epochs += 1
        accuracy = 0.9 - 0.05 * abs(np.log10(config.learning_rate) + 2) - 0.2 / self._n_epochs
        return [EpochEnded(key, EpochResult(self._n_epochs - 1, config.learning_rate, 0.3, 0.9, 0.3, accuracy, 1e-6))]

    def answer(self, key: str, answer: Answer) -> None:
        """Keeps it."""
        self._answer = answer

    def close(self) -> None:
        """Nothing to end."""


def milliseconds(
    n_before: int, *, n_trials: int, n_epochs: int, sampler: str, pruner: str
) -> tuple[float, list[float]]:
    """What asking for the first trial, and each of some whole trials, took in a study that has so many."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        spec = big_study(place, n_trials=n_before, n_epochs=n_epochs, sampler=sampler, pruner=pruner)
        url = write_study(place / "big.db", spec)
        spec = replace(spec, trials=n_before + n_trials)
        executor = Instant()
        with open_storage(url) as storage:
            studies = open_studies(spec, storage, checksums={})
            alone = NoOthers(place / "big.db")
            context = RunContext(spec.name, storage, run_id=1, code=read_user_code(subject_of(spec)), others=alone)
            source = search_source(spec, studies, files=StudyFiles(place / "artifacts"), context=context)
            opened = time.perf_counter()
            run(source, executor)
    # From job to job: a trial's training and end, and the asking for the next one. The first asking is told by itself.
    first = 1000 * (executor.began[0] - opened)
    others = [1000 * (end - begin) for begin, end in pairwise(executor.began)]
    return first, others


def main() -> None:
    """Prints a line a method and size."""
    parser = argparse.ArgumentParser(description="What orchestration costs a trial in studies of any size.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1_000, 10_000])
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=5)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    print(f"Milliseconds a trial of {arguments.epochs} epochs, median of {arguments.trials} (range)")
    print(f"Optuna {optuna.__version__}, Python {platform.python_version()}")
    for name, (sampler, pruner) in METHODS.items():
        for size in arguments.sizes:
            first, others = milliseconds(
                size, n_trials=arguments.trials, n_epochs=arguments.epochs, sampler=sampler, pruner=pruner
            )
            told = f"{statistics.median(others):5.0f} ({min(others):.0f} to {max(others):.0f})"
            print(f"{name:20} {size:6,} trials before   {told}   the first asking {first:.0f}", flush=True)


if __name__ == "__main__":
    main()
