"""A study three ways: hpstudy, plain Optuna with the loop of PyTorch's examples, Ray Tune with ASHA and that loop.

    pip install -e '.[bench]'
    python -m benchmarks.study [--trials 20] [--epochs 8] [--share 0.25] [--repeats 3] [--data data]

All three train LeNet-5 on Fashion-MNIST with the same random settings, and keep what they find on disk. hpstudy is its
own command with `--workers auto`, once with the median pruner and once with the pruner that it has where a study names
none; plain Optuna trains one trial after another with all threads and the median pruner; Ray Tune trains as many trials
at once as there are cores, with a thread each, and ASHA as in PyTorch's tutorial of Ray Tune. Each is a process of its
own, timed from its start to its end, imports included; they take turns. What is compared beside the time is the best
last validation accuracy among the trials that had ended when hpstudy with the median pruner ended, and at each one's
own end.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import optuna
import torch

from benchmarks.loop import loop_epochs
from benchmarks.workers import spread
from hpstudy.datasets.images import TrainingData
from hpstudy.datasets.load import load_training_data
from hpstudy.results.configs import load_config
from hpstudy.results.load import load_results
from hpstudy.results.study import StudyResults
from hpstudy.spec.config import TrialConfig

STUDY = """
name: bench
dataset: {{name: fashion_mnist, share: {share}, normalize: {{mean: [0.5], std: [0.5]}}}}
architecture: lenet5
epochs: {n_epochs}
trials: {n_trials}
seed: {seed}
settings:
  learning_rate: {{low: 1e-4, high: 1e-1, log: true}}
  optimizer: [sgd, adam, adamw]
  momentum: {{low: 0.0, high: 0.95}}
  batch_size: [32, 64, 128]
  dropout: {{low: 0.0, high: 0.5}}
  weight_decay: {{low: 1e-6, high: 1e-2, log: true}}
  step_gamma: {{low: 0.5, high: 1.0}}
sampler: random
{pruner}
confirm: false
"""
STARTUP_TRIALS, WARMUP_EPOCHS = 5, 1
MEDIAN = f"pruner: {{name: median, startup_trials: {STARTUP_TRIALS}, warmup_epochs: {WARMUP_EPOCHS}}}"
OURS = {"hpstudy, median": MEDIAN, "hpstudy": ""}
"""Each way of hpstudy's own, with its line of the study file."""


@dataclass(frozen=True)
class Ended:
    """A trial that has ended: seconds since the side began, its last validation accuracy, and the epochs it had."""

    at: float
    accuracy: float
    n_epochs: int


@dataclass(frozen=True)
class Side:
    """What one way took: seconds in all, and its trials."""

    seconds: float
    trials: tuple[Ended, ...]

    @property
    def n_epochs(self) -> int:
        """Epochs that were trained."""
        return sum(trial.n_epochs for trial in self.trials)

    def best(self, *, seconds: float) -> float:
        """The best that was known by then; 0 where nothing was."""
        return max((trial.accuracy for trial in self.trials if trial.at <= seconds), default=0.0)


def hpstudy_side(folder: Path, *, data: Path) -> Side:
    """`hpstudy run` of the study in a folder."""
    place = ["--storage", _url(folder), "--artifacts", str(folder / "artifacts"), "--data", str(data)]  # no one else's
    command = [sys.executable, "-m", "hpstudy", "run", "bench.yaml", "--workers", "auto", *place]
    began, seconds = _timed(command, folder=folder)
    results = load_results(_url(folder), study="bench")
    trials = results.trials
    last = results.epochs.sort_values("epoch").groupby("trial_id")["val_accuracy"].last()  # a pruned one has no value
    accuracies = trials["trial_id"].map(last)
    rows = zip(trials["ended_at"].dt.tz_localize("UTC"), accuracies, trials["epochs"], strict=True)
    return Side(seconds, tuple(Ended(at.timestamp() - began, value, n_epochs) for at, value, n_epochs in rows))


def other_side(name: str, folder: Path, *, data: Path) -> Side:
    """Plain Optuna or Ray Tune on the settings that hpstudy has sampled in a folder."""
    command = [sys.executable, "-m", "benchmarks.study", "--side", name, "--folder", str(folder), "--data", str(data)]
    began, seconds = _timed(command, folder=Path.cwd())
    lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return Side(seconds, tuple(Ended(row["at"] - began, row["accuracy"], row["n_epochs"]) for row in rows))


def _timed(command: list[str], *, folder: Path) -> tuple[float, float]:
    """When a command began, and how long it took."""
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    began = time.time()
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return began, time.time() - began


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'hpstudy.db'}"


def note(folder: Path, name: str, *, at: float, accuracies: Sequence[float]) -> None:
    """Writes that a trial of a side has ended at a time of the clock."""
    line = json.dumps(asdict(Ended(float(at), accuracies[-1], len(accuracies))))
    with (folder / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def run_optuna(folder: Path, *, configs: list[TrialConfig], data: TrainingData) -> None:
    """One trial after another, as Optuna's PyTorch examples have it."""

    def objective(trial: optuna.Trial) -> float:
        accuracies: list[float] = []
        config = configs[trial.number]
        for epoch, accuracy in enumerate(accuracies_of(config, data)):
            accuracies.append(accuracy)
            trial.report(accuracy, epoch)
            if epoch + 1 < config.epochs and trial.should_prune():
                note(folder, "optuna", at=time.time(), accuracies=accuracies)
                raise optuna.TrialPruned
        note(folder, "optuna", at=time.time(), accuracies=accuracies)
        return accuracies[-1]

    pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=WARMUP_EPOCHS)
    study = optuna.create_study(storage=f"sqlite:///{folder / 'optuna.db'}", direction="maximize", pruner=pruner)
    study.optimize(objective, n_trials=len(configs))


def run_tune(folder: Path, *, configs: list[TrialConfig], data: TrainingData) -> None:
    """As many trials at once as there are cores, stopped by ASHA."""
    from ray import tune  # noqa: PLC0415  # an extra, which this side alone needs
    from ray.tune.schedulers import ASHAScheduler  # noqa: PLC0415  # the same

    def trainable(parameters: Mapping[str, Any], data: TrainingData) -> None:
        for accuracy in accuracies_of(configs[parameters["number"]], data):
            tune.report({"accuracy": accuracy})

    scheduler = ASHAScheduler(max_t=configs[0].epochs, grace_period=1, reduction_factor=2)
    found = tune.Tuner(
        tune.with_resources(tune.with_parameters(trainable, data=data), {"cpu": 1}),
        param_space={"number": tune.grid_search(list(range(len(configs))))},
        tune_config=tune.TuneConfig(metric="accuracy", mode="max", scheduler=scheduler),
        run_config=tune.RunConfig(storage_path=str(folder / "tune"), verbose=0),
    ).fit()
    for index in range(len(found)):  # it cannot be iterated over
        reports = found[index].metrics_dataframe
        assert reports is not None  # each trial has reported
        note(folder, "tune", at=reports["timestamp"].iloc[-1], accuracies=reports["accuracy"].tolist())


SIDES = {"optuna": run_optuna, "tune": run_tune}


def accuracies_of(config: TrialConfig, data: TrainingData) -> Iterator[float]:
    """The validation accuracy after each epoch of a trial."""
    return (accuracy for _seconds, accuracy in islice(loop_epochs(config, data), config.epochs))


def run_side(name: str, folder: Path, *, data: Path) -> None:
    """Trains the trials of the other sides, in a process of its own."""
    results = load_results(_url(folder), study="bench")
    configs = sampled_configs(results, folder)
    first = configs[0]
    images = load_training_data(
        first.dataset, folder=data, validation=first.validation, split_seed=first.seeds.split, part="search"
    )
    SIDES[name](folder, configs=configs, data=images)


def sampled_configs(results: StudyResults, folder: Path) -> list[TrialConfig]:
    """What hpstudy sampled, by number."""
    rows = results.search.sort_values("number")
    return [load_config(_url(folder), trial_id=int(trial_id)) for trial_id in rows["trial_id"]]


def compare(arguments: argparse.Namespace, *, seed: int) -> dict[str, Side]:
    """All of them, one after the other, on the settings of one study seed."""
    data = arguments.data.resolve()
    sizes = {"share": arguments.share, "n_epochs": arguments.epochs, "n_trials": arguments.trials}
    sides: dict[str, Side] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        for number, (name, pruner) in enumerate(OURS.items()):
            folder = Path(place) / str(number)
            folder.mkdir()
            text = STUDY.format(**sizes, seed=seed, pruner=pruner)
            (folder / "bench.yaml").write_text(text, encoding="utf-8")
            sides[name] = hpstudy_side(folder, data=data)
        sides["plain Optuna"] = other_side("optuna", folder, data=data)
        sides["Ray Tune, ASHA"] = other_side("tune", folder, data=data)
    return sides


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="A study by hpstudy, plain Optuna and Ray Tune.")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--share", type=float, default=0.25)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # a line a trial would stand between those of the table
        run_side(arguments.side, arguments.folder, data=arguments.data)
        return

    print(
        f"{arguments.trials} trials of LeNet-5 on {arguments.share:.0%} of Fashion-MNIST, {arguments.epochs} epochs, "
        f"{arguments.repeats} repeats in turn, {os.cpu_count()} cores, torch {torch.__version__}, "
        f"Optuna {optuna.__version__}, Python {platform.python_version()}"
    )
    repeats = [compare(arguments, seed=seed) for seed in range(1, arguments.repeats + 1)]
    print(
        f"side; seconds; {'; '.join(f'times those of {name}' for name in OURS)}; epochs; best validation accuracy when "
        f"{next(iter(OURS))} ended, and at its own end"
    )
    for name in repeats[0]:
        print(f"{name:15} {'   '.join(_cells(name, repeats))}")


def _cells(name: str, repeats: Sequence[Mapping[str, Side]]) -> Iterator[str]:
    """A side's figures over the repeats."""
    sides = [repeat[name] for repeat in repeats]
    yield spread([side.seconds for side in sides])
    for own in OURS:
        yield spread([repeat[name].seconds / repeat[own].seconds for repeat in repeats])
    yield spread([float(side.n_epochs) for side in sides])
    ours = [repeat[next(iter(OURS))].seconds for repeat in repeats]
    yield spread([100 * side.best(seconds=seconds) for side, seconds in zip(sides, ours, strict=True)])
    yield spread([100 * side.best(seconds=side.seconds) for side in sides])


if __name__ == "__main__":
    main()
