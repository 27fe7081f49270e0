"""Studies made up for tests of what reads `StudyResults`: every number follows from a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from hpstudy.results.study import StudyResults
from hpstudy.spec.study import Choices, Domain, Range

DOMAINS: dict[str, Domain] = {
    "learning_rate": Range(1e-4, 1e-1, log=True),
    "optimizer": Choices(("sgd", "adam", "adamw")),
    "momentum": Range(0.0, 0.95),
    "batch_size": Choices((32, 64, 128)),
    "dropout": Range(0.0, 0.6),
}
EPOCHS = 5
START = pd.Timestamp("2026-03-01 10:00:00")


def _layer(name: str, kind: str, shape: list[int], parameters: int, mult_adds: int) -> dict[str, Any]:
    counted = {"parameters": parameters, "mult_adds": mult_adds}
    return {"name": name, "kind": kind, "output_shape": shape, **counted}


IDENTITY = {
    "dataset": {"name": "fashion_mnist", "share": 1.0},
    "architecture": ["lenet5"],
    "epochs": EPOCHS,
    "seed": 1,
    "validation": 0.1,
    "sampler": {"name": "tpe", "startup_trials": 10},
    "pruner": {"name": "median", "startup_trials": 5, "warmup_epochs": 3},
    "fair": False,
    "source": {},
    "data": {"train-images-idx3-ubyte.gz": "b0564c3eedab"},
}
RECORD = {
    "versions": {"python": "3.11.7", "torch": "2.13.0", "torchvision": "0.28.0", "optuna": "5.0.0", "hpstudy": "0.1.0"},
    "device": "cpu",
    "processor": "Intel(R) Xeon(R) Processor",
    "engine": 1,
    "threads": 2,
    "platform": "Linux",
    "host": "vm",
    "git": {"commit": "0123456789abcdef0123456789abcdef01234567", "clean": True},
    "data": {"train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7"},
    "architecture_sources": {},
    "images": {"train": 54_000, "validation": 6_000, "input_shape": [1, 28, 28], "classes": ["bag", "boot", "shirt"]},
}
MODEL = {
    "n_parameters": 61_706,
    "layers": [
        {"name": "conv1", "kind": "Conv2d", "output_shape": [6, 28, 28], "parameters": 156, "mult_adds": 122304},
        {"name": "pool1", "kind": "AvgPool2d", "output_shape": [6, 14, 14], "parameters": 0, "mult_adds": 0},
        {"name": "fc", "kind": "Linear", "output_shape": [10], "parameters": 61550, "mult_adds": 61550},
    ],
}


def make_results(  # what a test may want to say
    name: str = "synthetic",
    *,
    n_trials: int = 30,
    effect: float = 0.0,
    noise: float = 0.01,
    n_pruned: int = 4,
    n_failed: int = 1,
    baselines: Mapping[str, float] | None = None,
    confirmed: Mapping[str, Sequence[float]] | None = None,
    description: str = "Which settings?",
    seed: int = 0,
    **changes: Any,
) -> StudyResults:
    """A study of LeNet-5 with the settings of `DOMAINS`.

    Args:
        name: Its name.
        n_trials: Sampled trials in all.
        effect: Accuracy that is added to trials with Adam, linearly lost over the range of dropout.
        noise: Standard deviation of each trial's accuracy around 0.88.
        n_pruned: Of these, stopped after three epochs.
        n_failed: Of these, failed before the first.
        baselines: Name to validation accuracy.
        confirmed: Label in `trials` (or `"best"`) to the test accuracy of each seed; the first is the candidate.
        description: Its question.
        seed: Of every number.
        changes: Fields of `StudyResults` that are to be others.
    """
    generator = np.random.default_rng(seed)
    rows = [_sampled(number, generator, effect=effect, noise=noise) for number in range(n_trials)]
    for row in rows[n_trials - n_pruned - n_failed : n_trials - n_failed]:
        row |= {"state": "pruned", "reason": "pruned after epoch 3", "value": np.nan, "epochs": 3}
        row |= {"train_accuracy": np.nan}
    for row in rows[n_trials - n_failed :]:
        row |= {"state": "failed", "reason": "error", "message": "nets.py:3: ValueError: no", "value": np.nan}
        row |= {"epochs": 0, "train_accuracy": np.nan}
    named = [_named(place, label, value) for place, (label, value) in enumerate((baselines or {}).items())]
    columns = list(_sampled(0, np.random.default_rng(0), effect=0, noise=0))
    trials = pd.DataFrame([*named, *rows], columns=columns)
    trials["trial_id"] = range(1, len(trials) + 1)
    trials["ended_at"] = START + pd.to_timedelta(60 * trials["trial_id"], unit="s")
    trials["started_at"] = trials["ended_at"] - pd.Timedelta(seconds=50)
    trials["seconds"] = 10.0 * trials["epochs"]
    searched = trials[trials["part"] == "search"]["value"].dropna()
    best = trials.loc[searched.idxmax(), "label"] if len(searched) else ""
    chosen = {best if label == "best" else label: tests for label, tests in (confirmed or {}).items()}
    confirmations = _confirmations(chosen, first_id=len(trials) + 1)
    epochs = pd.concat([_epochs(trials, "value", generator), _epochs(confirmations, "test_accuracy", generator)])
    fields: dict[str, Any] = {
        "name": name,
        "description": description,
        "state": "finished",
        "objective": "validation accuracy",
        "maximize": True,
        "trials": trials,
        "epochs": epochs.reset_index(drop=True),
        "confirmations": confirmations,
        "candidate": next(iter(chosen), None),
        "former_candidates": (),
        "runs": _runs(name, answer=next(iter(chosen), best)),
        "settings": ("architecture", *DOMAINS),
        "domains": DOMAINS,
        "identity": IDENTITY | {"settings": {"dropout": {"low": 0.0, "high": 0.6}}},
        "artifacts": "",
    }
    return StudyResults(**(fields | changes))


def _sampled(number: int, generator: np.random.Generator, *, effect: float, noise: float) -> dict[str, Any]:
    optimizer = str(generator.choice(["sgd", "adam", "adamw"]))
    dropout = float(generator.uniform(0, 0.6))
    gained = effect * (optimizer == "adam") - effect * dropout / 0.6
    return {
        **_common(str(number), "search", number),
        "value": 0.88 + gained + generator.normal(0, noise),
        "architecture": "lenet5",
        "learning_rate": float(10 ** generator.uniform(-4, -1)),
        "optimizer": optimizer,
        "momentum": float(generator.uniform(0, 0.95)) if optimizer == "sgd" else np.nan,
        "batch_size": int(generator.choice([32, 64, 128])),
        "dropout": dropout,
    }


def _named(place: int, label: str, value: float) -> dict[str, Any]:
    apart = 1e-9 * place  # so that no two are one configuration, though nothing shows it
    settings = {"architecture": "lenet5", "optimizer": "adam", "batch_size": 64}
    settings |= {"learning_rate": 0.01 + apart, "dropout": apart}
    return {**_common(label, "baselines", place), "value": value, "momentum": np.nan, **settings}


def _common(label: str, part: str, number: int) -> dict[str, Any]:
    ended = {"state": "complete", "reason": "", "message": "", "train_accuracy": 0.93, "n_parameters": 61_706.0}
    trained = {"epochs": EPOCHS, "epochs_planned": float(EPOCHS), "run_id": 1.0}
    return {"label": label, "part": part, "number": number, **ended, **trained}


def _confirmations(confirmed: Mapping[str, Sequence[float]], *, first_id: int) -> pd.DataFrame:
    rows = [
        {
            **_common(label, "confirm", 0),
            "configuration": label,
            "seed": place + 1,
            "test_accuracy": accuracy,
            "state": "pruned" if np.isnan(accuracy) else "complete",
            "reason": "diverged in epoch 2: the loss was not finite" if np.isnan(accuracy) else "",
            "seconds": 60.0,
        }
        for label, accuracies in confirmed.items()
        for place, accuracy in enumerate(accuracies)
    ]
    columns = [
        *("trial_id", "number", "configuration", "seed", "state", "reason", "message", "test_accuracy"),
        *("train_accuracy", "n_parameters", "started_at", "ended_at", "epochs", "epochs_planned", "seconds", "run_id"),
    ]
    ends = [START + pd.Timedelta(hours=2, minutes=place) for place in range(len(rows))]
    frame = pd.DataFrame(rows).assign(trial_id=range(first_id, first_id + len(rows)), ended_at=ends)
    frame = frame.assign(number=range(len(rows)), started_at=frame["ended_at"])
    return frame.reindex(columns=columns)


def _epochs(trials: pd.DataFrame, value: str, generator: np.random.Generator) -> pd.DataFrame:
    """Rising curves that end at each trial's value; of a confirmation the last epoch alone is evaluated."""
    rows = []
    for trial in trials.to_dict("records"):
        final = trial[value] if not np.isnan(trial[value]) else 0.7
        for epoch in range(trial["epochs"]):
            accuracy = final - 0.1 * (trial["epochs"] - 1 - epoch) / EPOCHS
            seen = value == "value" or epoch == trial["epochs"] - 1
            rows.append(
                {
                    "trial_id": trial["trial_id"],
                    "epoch": epoch,
                    "learning_rate": 0.01 * 0.9**epoch,
                    "train_loss": 1.5 - accuracy,
                    "train_accuracy": accuracy + 0.01,
                    "val_loss": 1.6 - accuracy + generator.normal(0, 0.01) if seen else np.nan,
                    "val_accuracy": accuracy if seen else np.nan,
                    "seconds": 10.0,
                }
            )
    names = [
        "trial_id",
        "epoch",
        "learning_rate",
        "train_loss",
        "train_accuracy",
        "val_loss",
        "val_accuracy",
        "seconds",
    ]
    return pd.DataFrame(rows, columns=names)


def _runs(name: str, *, answer: str) -> pd.DataFrame:
    row = {
        "run_id": 1,
        "study": name,
        "started_at": START,
        "ended_at": START + pd.Timedelta(hours=3),
        "end_reason": "finished",
        "command": "hpstudy run studies/synthetic.yaml",
        "study_file": "name: synthetic\n",
        "record": RECORD | {"models": {answer: MODEL}},
    }
    return pd.DataFrame([row])
