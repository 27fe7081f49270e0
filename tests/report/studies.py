"""Studies for the report's tests: one with everything, its hostile twin, and those that lack what a view needs."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hpstudy.artifacts import TestPredictions
from hpstudy.results.study import StudyResults
from hpstudy.spec.study import Choices, Range
from tests.results.synthetic import DOMAINS, IDENTITY, make_results

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'onmouseover='alert(1)",
    "line\u2028break\u2029and\x00nul",
    "[link](javascript:alert(1))",
    "a|b|c https://evil.example/x",
    "{{ 7*7 }}{% raw %}",
    "<b>bold</b><br><a href='https://evil.example'>x</a>",
    "--><!-- ]]> &amp; &lt;",
    "`code` ![p](https://evil.example/p.png) $x^2$",
)
HARMLESS = tuple(f"harmless {number}" for number in range(len(HOSTILE)))


def full_study(name: str = "full", **changes) -> StudyResults:
    """Fifty trials, two baselines, three confirmed configurations of which one lost a seed."""
    return make_results(
        name,
        n_trials=50,
        n_pruned=12,
        effect=0.02,
        baselines={"plain": 0.87, "second": 0.86},
        confirmed={"best": [0.9, 0.91, 0.905], "plain": [0.88, 0.885, 0.882], "3": [0.9, 0.905, float("nan")]},
        **changes,
    )


def predictions(classes: Sequence[str] = ("bag", "boot", "shirt"), *, unbalanced: bool = False) -> TestPredictions:
    """Two seeds on twelve images a class: each takes two of the second class for the first, and nothing else wrong."""
    sizes = [12] * len(classes)
    if unbalanced:
        sizes[0] = 24
    labels = np.repeat(np.arange(len(classes)), sizes).astype(np.int64)
    predicted = np.stack([labels, labels])
    second = np.flatnonzero(labels == 1)
    predicted[:, second[:2]] = 0
    images = np.arange(8 * 64, dtype=np.uint8).reshape(8, 1, 8, 8)
    shown = np.concatenate([second[:4], np.flatnonzero(labels == 0)[:4]])
    return TestPredictions(labels, predicted, tuple(classes), shown, images)


def named_study(words: Sequence[str]) -> tuple[StudyResults, TestPredictions]:
    """A study in which every string that a user can choose is one of `words`."""
    made = make_results(
        words[0],
        n_trials=30,
        description=" ".join(words),
        baselines={word: 0.86 + number / 1000 for number, word in enumerate(words)},
        confirmed={"best": [0.9, 0.91, 0.905], words[0]: [0.88, 0.885, 0.882]},
    )
    optimizers = dict(zip(["sgd", "adam", "adamw"], words, strict=False))
    setting = words[3]
    trials = made.trials.assign(
        optimizer=made.trials["optimizer"].map(optimizers),
        message=[words[place % len(words)] for place in range(len(made.trials))],
        reason=["" if state == "complete" else words[2] for state in made.trials["state"]],
    ).rename(columns={"dropout": setting})
    domains = {
        **{name: domain for name, domain in DOMAINS.items() if name != "dropout"},
        "optimizer": Choices(tuple(optimizers.values())),
        setting: Range(0.0, 0.6),
    }
    record = copy.deepcopy(made.runs["record"].iloc[0])
    record["device"] = words[4]
    record["architecture_sources"] = {words[5]: "\n".join(words)}
    record["data"] = dict(zip(words, words, strict=True))
    record["models"][made.candidate]["layers"][0] |= {"name": words[1], "kind": words[2]}
    runs = made.runs.assign(command=words[1], study_file="\n".join(words), end_reason=words[6], record=[record])
    results = replace(
        made,
        trials=trials,
        domains=domains,
        settings=tuple(setting if name == "dropout" else name for name in made.settings),
        runs=runs,
        identity=made.identity | {"architecture": [words[8]], "dataset": {"name": words[7], "share": 0.5}},
    )
    return results, predictions(words)


def foreign_study(*, maximize: bool = False) -> StudyResults:
    """A study that plain Optuna made: values and settings, nothing else."""
    made = make_results("optuna/../x y", n_pruned=3, n_failed=2)
    unknown = dict.fromkeys(["n_parameters", "epochs_planned", "train_accuracy"], np.nan)
    return replace(
        made,
        trials=made.trials.assign(**unknown, epochs=0, seconds=0.0, value=made.trials["value"] * 1234.5),
        epochs=made.epochs.iloc[:0],
        objective="value",
        maximize=maximize,
        runs=made.runs.iloc[:0],
        identity={},
        description="",
    )


def sparse_studies() -> dict[str, StudyResults]:
    """Studies of fault 22, each under its name."""
    empty = make_results("empty", n_trials=1, n_pruned=0, n_failed=0, state="interrupted")
    running = make_results("running", n_trials=12, n_pruned=2, state="running")
    states = running.trials["state"].where(running.trials["number"] != 11, "running")
    return {
        "empty": replace(empty, **{name: getattr(empty, name).iloc[:0] for name in ("trials", "epochs", "runs")}),
        "all_failed": make_results("all_failed", n_trials=6, n_pruned=0, n_failed=6),
        "one_trial": make_results("one_trial", n_trials=1, n_pruned=0, n_failed=0),
        "only_pruned": make_results("only_pruned", n_trials=6, n_pruned=6, n_failed=0),
        "running": replace(running, trials=running.trials.assign(state=states)),
        "interrupted": make_results("interrupted", n_trials=8, n_pruned=1, state="interrupted"),
        "foreign": foreign_study(),
        "foreign_maximize": foreign_study(maximize=True),
        "without_record": make_results("without_record", runs=running.runs.assign(record=[{}])),
    }


def second_study() -> StudyResults:
    """One on the same data as `full_study`, of another network, with more epochs and another number of seeds."""
    identity = IDENTITY | {"settings": {}, "architecture": ["cnn"], "epochs": 8}
    confirmed = {"best": [0.92, 0.93, 0.925, 0.927]}
    made = make_results("second", n_trials=40, confirmed=confirmed, seed=3, identity=identity)
    return replace(made, trials=made.trials.assign(architecture="cnn"))
