"""Samplers and pruners compared: the best validation accuracy that each has found after so many epochs of training.

    python -m benchmarks.search [--seeds 40] [--trials 50] [--methods halving] [--rules 1]

Nothing is trained. `curves.csv` has the learning curves of every configuration of `curves.yaml`; a study that samples
ranges is asked for its trials, and told the curve of the configuration nearest to each. It is asked, and its trials are
pruned, by what `hpstudy run` uses. The table was made with

    hpstudy run benchmarks/curves.yaml --workers auto
    python -m benchmarks.search --record sqlite:///hpstudy.db
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import optuna
import pandas as pd
from numpy.typing import NDArray
from optuna.trial import Trial, TrialState

from hpstudy.results.load import load_results
from hpstudy.search.askers import SearchAsker
from hpstudy.search.sampling import build_pruner
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.load import load_study
from hpstudy.spec.study import StudySpec
from hpstudy.tables import RULES

CURVES = Path(__file__).with_name("curves.csv")
SETTINGS = ["learning_rate", "optimizer", "batch_size", "dropout", "augment"]
N_EPOCHS = 14
BUDGETS = (100, 200, 300, 400, 700)

STUDY = """
name: curves
dataset: fashion_mnist
architecture: lenet5
epochs: {n_epochs}
trials: {n_trials}
seed: {seed}
settings:
  learning_rate: {{low: 1e-4, high: 1e-1, log: true}}
  optimizer: [sgd, adamw, rmsprop]
  momentum: 0.9
  batch_size: [64, 256]
  dropout: {{low: 0.0, high: 0.5}}
  step_gamma: 0.8
  augment: [none, flip]
sampler: {sampler}
pruner: {pruner}
"""

MEDIAN = "{{name: median, startup_trials: {}, warmup_epochs: {}}}"
QUARTER = "{{name: percentile, percentile: 25, startup_trials: {}, warmup_epochs: {}}}"
HYPERBAND = "{{name: hyperband, min_epochs: 2, reduction_factor: {}}}"
HALVING = "{{name: successive_halving, min_epochs: {}, reduction_factor: {}}}"
METHODS = {
    "random, no pruner": ("random", "none"),
    "tpe, no pruner": ("tpe", "none"),
    "tpe of 20 random trials, no pruner": ("{name: tpe, startup_trials: 20}", "none"),
    "tpe, median, startup 5, warm-up 3": ("tpe", MEDIAN.format(5, 3)),
    "tpe, median, startup 5, warm-up 1": ("tpe", MEDIAN.format(5, 1)),
    "tpe, best quarter, startup 5, warm-up 3": ("tpe", QUARTER.format(5, 3)),
    "tpe, best quarter, startup 3, warm-up 1": ("tpe", QUARTER.format(3, 1)),
    "tpe, hyperband, factor 3": ("tpe", HYPERBAND.format(3)),
    "tpe, hyperband, factor 4": ("tpe", HYPERBAND.format(4)),
    "tpe, halving from epoch 1, factor 4": ("tpe", HALVING.format(1, 4)),
    "tpe, halving from epoch 2, factor 2": ("tpe", HALVING.format(2, 2)),
    "tpe, halving from epoch 2, factor 3": ("tpe", HALVING.format(2, 3)),
    "tpe, halving from epoch 2, factor 4": ("tpe", HALVING.format(2, 4)),
    "tpe, halving from epoch 4, factor 4": ("tpe", HALVING.format(4, 4)),
    "random, halving from epoch 2, factor 4": ("random", HALVING.format(2, 4)),
}
"""Sampler and pruner as a study file has them."""


class Curves:
    """The recorded learning curves."""

    def __init__(self, table: pd.DataFrame) -> None:
        settings = table[SETTINGS].itertuples(index=False, name=None)
        self._rows = {setting: row for row, setting in enumerate(settings)}
        self._rates = np.sort(table["learning_rate"].unique())
        self._dropouts = np.sort(table["dropout"].unique())
        self._accuracies: NDArray[np.float64] = table.drop(columns=SETTINGS).to_numpy()

    def of(self, config: TrialConfig) -> NDArray[np.float64]:
        """The validation accuracies, [epochs], of the configuration nearest to this one."""
        rate = self._rates[np.abs(np.log(self._rates / config.learning_rate)).argmin()]
        dropout = self._dropouts[np.abs(self._dropouts - (config.dropout or 0.0)).argmin()]
        accuracies: NDArray[np.float64] = self._accuracies[
            self._rows[rate, config.optimizer, config.batch_size, dropout, config.augment]
        ]
        return accuracies

    @property
    def best(self) -> float:
        """The best that can be found."""
        return float(self._accuracies[:, -1].max())


def record(url: str) -> None:
    """Keeps the curves of a study of `curves.yaml`."""
    results = load_results(url, study="curves")
    accuracies = results.epochs.pivot(index="trial_id", columns="epoch", values="val_accuracy")
    table = results.search.set_index("trial_id")[SETTINGS].join(accuracies)
    table.sort_values(SETTINGS).to_csv(CURVES, index=False, float_format="%.6g")


def spec_of(sampler: str, pruner: str, *, seed: int, n_trials: int) -> StudySpec:
    """The study of a method."""
    text = STUDY.format(sampler=sampler, pruner=pruner, seed=seed, n_trials=n_trials, n_epochs=N_EPOCHS)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "curves.yaml"
        file.write_text(text, encoding="utf-8")
        return load_study(file)


def search(spec: StudySpec, curves: Curves, *, rules: int) -> list[tuple[int, float]]:
    """Runs a study over the table; (epochs spent so far, best value so far) after each of its trials."""
    pruner = build_pruner(spec.pruner, epochs=spec.epochs, rules=rules)
    study = optuna.create_study(study_name=spec.name, direction="maximize", pruner=pruner)
    asker = SearchAsker(spec)
    spent: list[int] = []
    values: list[float] = []
    while (trial := asker.ask(study)) is not None:
        seen = _train(trial, curves.of(asker.configure(trial)))
        spent.append(len(seen))
        complete = len(seen) == spec.epochs
        values.append(seen[-1] if complete else 0.0)
        study.tell(trial, seen[-1] if complete else None, TrialState.COMPLETE if complete else TrialState.PRUNED)
    return list(zip(accumulate(spent), accumulate(values, max), strict=True))


def _train(trial: Trial, curve: NDArray[np.float64]) -> Sequence[float]:
    """The part of a curve that a trial is trained for."""
    accuracies = list(map(float, curve))
    for epoch, accuracy in enumerate(accuracies):
        trial.report(accuracy, epoch)
        if epoch + 1 < len(accuracies) and trial.should_prune():
            return accuracies[: epoch + 1]
    return accuracies


def best_after(path: Sequence[tuple[int, float]], n_epochs: int) -> float:
    """The best value of a search once it had spent so many epochs; a search that has ended by then keeps its last."""
    return max((best for spent, best in path if spent <= n_epochs), default=0.0)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Samplers and pruners on recorded learning curves.")
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--rules", type=int, default=RULES, help="1: as studies prune that began before rules 2")
    parser.add_argument("--methods", default="", help="those alone whose names hold this text")
    parser.add_argument("--record", metavar="STORAGE", help="keep the curves of a study of curves.yaml")
    arguments = parser.parse_args()
    if arguments.record:
        record(arguments.record)
        return

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    curves = Curves(pd.read_csv(CURVES))
    print(f"Points of validation accuracy below the best of the table ({curves.best:.2%}) after so many epochs:")
    print(f"median and upper quartile of {arguments.seeds} studies of {arguments.trials} trials")
    print(f"Optuna {optuna.__version__}, Python {platform.python_version()}")
    print(f"{'':40}" + "".join(f"{budget:>14}" for budget in BUDGETS) + "   epochs in all")
    chosen = {name: method for name, method in METHODS.items() if arguments.methods in name}
    for name, (sampler, pruner) in chosen.items():
        paths = [
            search(spec_of(sampler, pruner, seed=seed, n_trials=arguments.trials), curves, rules=arguments.rules)
            for seed in range(1, arguments.seeds + 1)
        ]
        cells = []
        for budget in BUDGETS:
            missing = [100 * (curves.best - best_after(path, budget)) for path in paths]
            median, upper = np.quantile(missing, [0.5, 0.75])
            cells.append(f"{median:8.2f} {upper:5.2f}")
        n_epochs = [path[-1][0] for path in paths]
        print(
            f"{name:40}{''.join(cells)}   {np.median(n_epochs):4.0f} ({min(n_epochs)} to {max(n_epochs)})", flush=True
        )


if __name__ == "__main__":
    main()
