from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from hpstudy.spec.identity import (
    baseline_identities,
    changed_baselines,
    differences,
    identity,
    identity_domains,
    identity_settings,
)
from hpstudy.spec.load import Reading
from hpstudy.spec.study import Fixed, StudySpec

TEXT = """\
name: x
description: why
dataset: mnist
architecture: [lenet5, cnn]
trials: 50
settings:
  learning_rate: {low: 1e-4, high: 0.1, log: true}
  optimizer: [sgd, adam]
  momentum: 0.9
  dropout: {choices: [0.0, 0.5], when: {optimizer: sgd}}
  lenet5.width: {low: 1, high: 5, step: 2}
baselines:
  one: {architecture: cnn, learning_rate: 0.01}
"""


@pytest.fixture
def spec(read: Callable[..., Reading]) -> Callable[..., StudySpec]:
    def load(*changes: tuple[str, str]) -> StudySpec:
        text = TEXT
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        loaded = read(text).spec
        assert loaded is not None
        return loaded

    return load


def test_the_identity_is_plain_data_in_the_files_words(spec: Callable[..., StudySpec]) -> None:
    found = identity(spec())

    assert json.loads(json.dumps(found)) == found
    assert list(found) == [
        "dataset", "architecture", "epochs", "seed", "settings", "validation", "sampler", "pruner", "fair",
    ]  # fmt: skip
    assert found["settings"] == {
        "learning_rate": {"low": 0.0001, "high": 0.1, "log": True},
        "optimizer": ["sgd", "adam"],
        "momentum": {"value": 0.9, "when": {"optimizer": ["sgd"]}},
        "dropout": {"choices": [0.0, 0.5], "when": {"optimizer": ["sgd"]}},
        "lenet5.width": {"low": 1, "high": 5, "log": False, "step": 2, "when": {"architecture": ["lenet5"]}},
    }
    assert found["sampler"] == {"name": "tpe", "startup_trials": 10}
    assert found["dataset"]["normalize"] == {"mean": [0.1307], "std": [0.3081]}


def test_what_is_stored_is_read_again_as_the_file_has_it(spec: Callable[..., StudySpec]) -> None:
    settings = spec().settings
    architecture, *others = identity_settings(identity(spec()))
    assert {setting.name: setting for setting in others} == settings
    assert identity_domains(identity(spec())) == {
        "architecture": architecture.domain,
        **{name: setting.domain for name, setting in settings.items() if name != "momentum"},
    }

    one = identity_settings(identity(spec(("[lenet5, cnn]", "lenet5"), ("architecture: cnn", "architecture: lenet5"))))
    assert one[0].domain == Fixed("lenet5")


@pytest.mark.parametrize(
    "change",
    [
        ("name: x", "name: y"),
        ("why", "because"),
        ("trials: 50", "trials: 60"),
        ("trials: 50", "confirm: false"),
        ("trials: 50", "max_seconds: 600"),
        ("1e-4", "0.0001"),
        ("sampler: tpe", "sampler: tpe"),
        ("  one:", "  two: {architecture: cnn}\n  one:"),
        ("  one: {architecture: cnn, learning_rate: 0.01}\n", ""),
    ],
)
def test_what_may_change_is_no_difference(change: tuple[str, str], spec: Callable[..., StudySpec]) -> None:
    changes = [change] if change[0] != "sampler: tpe" else [("trials: 50", "sampler: {name: tpe}")]
    stored, current = spec(), spec(*changes)

    assert differences(identity(stored), identity(current)) == ()
    assert changed_baselines(baseline_identities(stored), baseline_identities(current)) == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("high: 0.1", "high: 0.3"), "settings.learning_rate.high: 0.1 in the storage, 0.3 in the file"),
        (
            ("[sgd, adam]", "[adam, sgd]"),
            "settings.optimizer: [sgd, adam] in the storage, [adam, sgd] in the file",
        ),
        (("trials: 50", "seed: 3"), "seed: 0 in the storage, 3 in the file"),
        (("trials: 50", "epochs: 3"), "epochs: 10 in the storage, 3 in the file"),
        (("trials: 50", "fair: true"), "fair: false in the storage, true in the file"),
        (("trials: 50", "pruner: none"), "pruner.name: successive_halving in the storage, none in the file"),
        (("high: 5, step: 2", "high: 5"), "settings.lenet5.width.step: 2 in the storage, absent in the file"),
        (
            ("  momentum: 0.9", "  momentum: 0.9\n  step_size: 2"),
            "settings.step_size: absent in the storage, 2 in the file",
        ),
        (
            ("dataset: mnist", "dataset: {name: mnist, normalize: none}"),
            "dataset.normalize: {mean: [0.1307], std: [0.3081]} in the storage, null in the file",
        ),
    ],
)
def test_a_difference_is_told_in_the_files_words(
    change: tuple[str, str], expected: str, spec: Callable[..., StudySpec]
) -> None:
    assert expected in differences(identity(spec()), identity(spec(change)))


def test_a_changed_baseline_is_a_difference(spec: Callable[..., StudySpec]) -> None:
    stored = baseline_identities(spec())
    current = baseline_identities(spec(("learning_rate: 0.01", "learning_rate: 0.02, epochs: 3")))

    assert stored == {"one": {"architecture": "cnn", "epochs": 10, "learning_rate": 0.01}}
    assert changed_baselines(stored, current) == (
        "baselines.one.epochs: 10 in the storage, 3 in the file",
        "baselines.one.learning_rate: 0.01 in the storage, 0.02 in the file",
    )
