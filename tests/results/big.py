"""A storage with a study of any size, filled by bulk inserts: 10,000 trials of 20 epochs take some seconds to write."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import distribution_to_json
from sqlalchemy import MetaData, create_engine

from hpstudy.spec.config import baseline_values, configure
from hpstudy.spec.identity import baseline_identities, identity
from hpstudy.spec.load import load_study
from hpstudy.spec.seeds import training_seeds
from hpstudy.spec.study import StudySpec
from hpstudy.tables import BASELINES_ATTRIBUTE, DESCRIPTION_ATTRIBUTE, IDENTITY_ATTRIBUTE, METADATA

START = datetime.fromisoformat("2026-03-01 10:00")
SPACE = {
    "learning_rate": optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True),
    "optimizer": optuna.distributions.CategoricalDistribution(["sgd", "adam", "adamw", "rmsprop"]),
    "batch_size": optuna.distributions.CategoricalDistribution([32, 64, 128, 256]),
    "dropout": optuna.distributions.FloatDistribution(0.0, 0.6),
    "lenet5.width": optuna.distributions.CategoricalDistribution([1, 2]),
}
STUDY = """
name: {name}
description: Which settings suit LeNet-5?
dataset: fashion_mnist
architecture: lenet5
epochs: {epochs}
trials: {trials}
sampler: {sampler}
pruner: {pruner}
settings:
  learning_rate: {{low: 1e-4, high: 1e-1, log: true}}
  optimizer: [sgd, adam, adamw, rmsprop]
  batch_size: [32, 64, 128, 256]
  dropout: {{low: 0.0, high: 0.6}}
  lenet5.width: [1, 2]
baselines:
  model 1: {{learning_rate: 0.01, batch_size: 64}}
  model 2: {{learning_rate: 0.01, batch_size: 64, optimizer: adam}}
"""

Row = dict[str, Any]


def big_study(
    folder: Path, *, n_trials: int, n_epochs: int, name: str = "big", sampler: str = "tpe", pruner: str = "median"
) -> StudySpec:
    """The study that `write_big_study` fills, of any number of trials."""
    file = folder / f"{name}.yaml"
    text = STUDY.format(name=name, trials=n_trials, epochs=n_epochs, sampler=sampler, pruner=pruner)
    file.write_text(text, encoding="utf-8")
    spec = load_study(file)
    file.unlink()
    return replace(spec, path="big.yaml")


def write_big_study(database: Path, *, n_trials: int, n_epochs: int, name: str = "big") -> str:
    """Adds a finished study of hpstudy's to a storage, which is made where there is none.

    Of ten sampled trials seven are complete, two were pruned after a third of their epochs, and one in fifty has
    failed before its first; two baselines come on top. Every number follows from the trial's.

    Args:
        database: The SQLite file.
        n_trials: Sampled trials.
        n_epochs: Epochs of a complete trial.
        name: The study's name.

    Returns:
        The storage's URL.
    """
    return write_study(database, big_study(database.parent, n_trials=n_trials, n_epochs=n_epochs, name=name))


def write_study(database: Path, spec: StudySpec) -> str:
    """Adds a study of `big_study` to a storage, as `write_big_study` does."""
    url, name = f"sqlite:///{database}", spec.name
    storage = optuna.storages.RDBStorage(url)
    head = optuna.create_study(study_name=name, storage=storage, direction="maximize")
    head.set_user_attr(IDENTITY_ATTRIBUTE, identity(spec) | {"source": {}, "data": {}})
    head.set_user_attr(BASELINES_ATTRIBUTE, baseline_identities(spec))
    head.set_user_attr(DESCRIPTION_ATTRIBUTE, spec.description)
    named = optuna.create_study(study_name=f"{name}/baselines", storage=storage, direction="maximize")
    first_id = 1 + storage.get_n_trials(head._study_id) + sum(len(study.trials) for study in _others(storage, name))
    storage.remove_session()
    storage.engine.dispose()
    trials = [*_baselines(spec, named._study_id), *_sampled(spec, head._study_id)]
    for place, trial in enumerate(trials):
        trial["trial_id"] = first_id + place
    _insert(url, spec, trials)
    return url


def _others(storage: optuna.storages.RDBStorage, name: str) -> Iterator[optuna.Study]:
    for study in storage.get_all_studies():
        if study.study_name != name:
            yield optuna.load_study(study_name=study.study_name, storage=storage)


def _baselines(spec: StudySpec, study_id: int) -> Iterator[Row]:
    for number, baseline in enumerate(spec.baselines):
        seeds = training_seeds(spec.seed, "baseline", number)
        config = configure(spec, baseline_values(spec, baseline), epochs=spec.epochs, seeds=seeds)
        attributes = {"config": config.to_json(), "baseline": baseline.name, "run": 1, "train_accuracy": 0.9}
        row = {"number": number, "study_id": study_id, "state": "COMPLETE", "value": 0.88 + 0.01 * number}
        yield row | {"attributes": attributes, "parameters": {}, "n_epochs": spec.epochs}


def _sampled(spec: StudySpec, study_id: int) -> Iterator[Row]:
    generator = np.random.default_rng(spec.seed)
    for number in range(spec.trials):
        values: Row = {
            "learning_rate": float(10 ** generator.uniform(-4, -1)),
            "optimizer": ("sgd", "adam", "adamw", "rmsprop")[generator.integers(4)],
            "batch_size": (32, 64, 128, 256)[generator.integers(4)],
            "dropout": float(generator.uniform(0, 0.6)),
            "lenet5.width": int(generator.integers(1, 3)),
        }
        seeds = training_seeds(spec.seed, "trial", number)
        config = configure(spec, {"architecture": "lenet5"} | values, epochs=spec.epochs, seeds=seeds)
        row: Row = {"number": number, "study_id": study_id, "parameters": values}
        row["attributes"] = {"config": config.to_json(), "run": 1, "n_parameters": 61_706}
        yield row | _end(number, float(generator.normal(0.9, 0.01)), spec.epochs, row["attributes"])


def _end(number: int, accuracy: float, n_epochs: int, attributes: Row) -> Row:
    """How a trial ended; adds to its attributes what belongs to that end."""
    if number % 50 == 49:
        attributes |= {"reason": "error", "message": "ValueError: no", "traceback": "Traceback …\n" * 20}
        return {"state": "FAIL", "value": None, "n_epochs": 0}
    if number % 10 in (3, 6):
        n_trained = max(1, n_epochs // 3)
        attributes["reason"] = f"pruned after epoch {n_trained}"
        return {"state": "PRUNED", "value": accuracy - 0.1, "n_epochs": n_trained}
    attributes["train_accuracy"] = accuracy + 0.02
    return {"state": "COMPLETE", "value": accuracy, "n_epochs": n_epochs}


def _insert(url: str, spec: StudySpec, trials: list[Row]) -> None:
    engine = create_engine(url)
    METADATA.create_all(engine)
    found = MetaData()
    found.reflect(engine)
    run = {
        "study": spec.name,
        "started_at": START,
        "ended_at": START + timedelta(seconds=60 * len(trials)),
        "end_reason": "finished",
        "command": "hpstudy run big.yaml",
        "study_file": spec.text,
        "record": json.dumps({"device": "cpu"}),
    }
    rows: dict[str, Iterable[Row]] = {
        "trials": (_trial(trial, place) for place, trial in enumerate(trials)),
        "trial_values": (_value(trial) for trial in trials if trial["value"] is not None),
        "trial_user_attributes": (row for trial in trials for row in _attributes(trial)),
        "trial_params": (row for trial in trials for row in _parameters(trial)),
        "trial_intermediate_values": (_intermediate(row) for trial in trials for row in _epochs(trial)),
        "hpstudy_epochs": (row for trial in trials for row in _epochs(trial)),
        "hpstudy_runs": [run],
    }
    with engine.begin() as connection:
        for table, made in rows.items():
            connection.execute(found.tables[table].insert(), list(made))
    engine.dispose()


def _trial(trial: Row, place: int) -> Row:
    began = START + timedelta(seconds=60 * place)
    row = {key: trial[key] for key in ("trial_id", "number", "study_id", "state")}
    return row | {"datetime_start": began, "datetime_complete": began + timedelta(seconds=50)}


def _value(trial: Row) -> Row:
    return {"trial_id": trial["trial_id"], "objective": 0, "value": trial["value"], "value_type": "FINITE"}


def _attributes(trial: Row) -> Iterator[Row]:
    for key, value in trial["attributes"].items():
        yield {"trial_id": trial["trial_id"], "key": key, "value_json": json.dumps(value)}


def _parameters(trial: Row) -> Iterator[Row]:
    for name, value in trial["parameters"].items():
        distribution = SPACE[name]
        yield {
            "trial_id": trial["trial_id"],
            "param_name": name,
            "param_value": distribution.to_internal_repr(value),
            "distribution_json": distribution_to_json(distribution),
        }


def _epochs(trial: Row) -> Iterator[Row]:
    for epoch in range(trial["n_epochs"]):
        accuracy = trial["value"] - 0.1 * (trial["n_epochs"] - 1 - epoch) / trial["n_epochs"]
        yield {
            "trial_id": trial["trial_id"],
            "epoch": epoch,
            "learning_rate": 0.01 * 0.9**epoch,
            "train_loss": 1.5 - accuracy,
            "train_accuracy": accuracy + 0.01,
            "val_loss": 1.6 - accuracy,
            "val_accuracy": accuracy,
            "seconds": 2.5,
        }


def _intermediate(epoch: Row) -> Row:
    return {
        "trial_id": epoch["trial_id"],
        "step": epoch["epoch"],
        "intermediate_value": epoch["val_accuracy"],
        "intermediate_value_type": "FINITE",
    }
