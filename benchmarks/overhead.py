"""What orchestration costs: the share of a study's time that is not training.

Runs a study of LeNet-5 on Fashion-MNIST with TPE, after two random trials, and successive halving into a new SQLite
file, and takes the time inside the executor away from the whole. What is left is Optuna's ask, suggest, report, prune
and tell, hpstudy's own tables, and the loop.

    python -m benchmarks.overhead [--trials 8] [--epochs 4] [--data data]
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import optuna
import torch

from hpstudy.artifacts import StudyFiles
from hpstudy.executors.data import data_on
from hpstudy.executors.local import LocalExecutor
from hpstudy.executors.protocol import Event
from hpstudy.search.leases import NoOthers
from hpstudy.search.loop import run
from hpstudy.search.sources import search_source
from hpstudy.search.storage import open_storage
from hpstudy.search.studies import open_studies
from hpstudy.search.subject import subject_of
from hpstudy.search.trials import RunContext
from hpstudy.search.user_code import read_user_code
from hpstudy.spec.load import load_study
from hpstudy.spec.study import Component

CPU = torch.device("cpu")
STUDY = Path(__file__).parents[1] / "studies" / "lenet_fashion.yaml"


class Timed(LocalExecutor):
    """The executor of this process, which keeps the time that it has trained."""

    seconds = 0.0

    def events(self, timeout_seconds: float) -> Sequence[Event]:
        """Trains an epoch."""
        started = time.perf_counter()
        events = super().events(timeout_seconds)
        self.seconds += time.perf_counter() - started
        return events


def main() -> None:
    """Prints the shares."""
    parser = argparse.ArgumentParser(description="The share of a study's time that is not training.")
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--data", type=Path, default=Path("data"))
    arguments = parser.parse_args()

    spec = load_study(STUDY, overrides={"trials": arguments.trials, "epochs": arguments.epochs})
    spec = replace(spec, baselines=(), sampler=Component("tpe", {"startup_trials": 2}))  # few trials, and yet TPE's
    executor = Timed(load_data=data_on(CPU, folder=arguments.data), device=CPU)
    with tempfile.TemporaryDirectory() as folder, open_storage(f"sqlite:///{folder}/overhead.db") as storage:
        studies = open_studies(spec, storage, checksums={})
        others = NoOthers(Path(folder) / "overhead.db")
        context = RunContext(spec.name, storage, run_id=0, code=read_user_code(subject_of(spec)), others=others)
        source = search_source(spec, studies, files=StudyFiles(Path(folder) / "artifacts"), context=context)
        started = time.perf_counter()
        run(source, executor)
        whole = time.perf_counter() - started
        trials = studies[spec.name].get_trials(deepcopy=False)

    n_epochs = sum(len(trial.intermediate_values) for trial in trials)
    rest = whole - executor.seconds
    print(
        f"{len(trials)} trials, {n_epochs} epochs, {torch.get_num_threads()} threads, torch {torch.__version__}, "
        f"Optuna {optuna.__version__}, Python {platform.python_version()}"
    )
    print(f"training       {executor.seconds:7.1f} s")
    share = f"{1000 * rest / n_epochs:.0f} ms an epoch, {100 * rest / whole:.2f} % of the time"
    print(f"orchestration  {rest:7.2f} s   {share}")


if __name__ == "__main__":
    main()
