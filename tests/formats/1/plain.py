"""The study of plain Optuna, in the same file as the others."""

import sys

import optuna


def objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", -3.0, 3.0)
    kind = trial.suggest_categorical("kind", ["round", "flat"])
    for step in range(3):
        trial.report(x**2 + (kind == "flat") + 1 / (step + 1), step)
        if trial.should_prune():
            raise optuna.TrialPruned
    return x**2 + (kind == "flat")


study = optuna.create_study(
    storage=sys.argv[1],
    study_name="plain",
    sampler=optuna.samplers.TPESampler(seed=1),
    pruner=optuna.pruners.MedianPruner(n_startup_trials=3),
)
study.set_metric_names(["loss"])
study.optimize(objective, n_trials=12)
