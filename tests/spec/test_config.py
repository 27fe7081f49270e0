from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from hpstudy.spec.config import TrialConfig, architecture_setting, baseline_values, configure, holds
from hpstudy.spec.load import Reading
from hpstudy.spec.rows import Scalar
from hpstudy.spec.seeds import Seeds, derive_seed, training_seeds
from hpstudy.spec.study import Choices, Fixed, Setting, StudySpec

TEXT = """\
name: x
dataset: {name: cifar10, normalize: {mean: 0.1, std: [1, 2, 3]}}
architecture: [alexnet, cnn]
settings:
  learning_rate: [0.1, 0.2]
  optimizer: adam
  momentum: 0.9
  batch_size: 32
  alexnet.hidden: 512
baselines:
  one: {architecture: cnn, learning_rate: 0.5}
  two: {architecture: alexnet, optimizer: sgd, batch_size: 8, epochs: 3}
"""


CHAIN = """\
batch_size: 32
  augment: {value: flip, when: {batch_size: 32}}
  weight_decay: {value: 0.1, when: {augment: flip}}"""


@pytest.fixture
def spec(read: Callable[..., Reading]) -> StudySpec:
    reading = read(TEXT)
    assert reading.problems == ()
    assert reading.spec is not None
    return reading.spec


def test_a_baseline_takes_what_the_study_fixes_where_it_holds(spec: StudySpec) -> None:
    one, two = (baseline_values(spec, baseline) for baseline in spec.baselines)

    assert one == {"architecture": "cnn", "learning_rate": 0.5, "optimizer": "adam", "batch_size": 32}
    assert two == {
        "architecture": "alexnet",
        "optimizer": "sgd",
        "batch_size": 8,
        "momentum": 0.9,
        "alexnet.hidden": 512,
    }


@pytest.mark.parametrize(
    ("settings", "baseline", "expected"),
    [
        # The optimizer is left to its default, sgd, which has momentum.
        ("optimizer: [sgd, adam]\n  momentum: 0.9", "learning_rate: 0.5", {"learning_rate": 0.5, "momentum": 0.9}),
        (
            "dropout: [0.0, 0.1]\n  cnn.blocks: [2, 3]\n  weight_decay: {value: 0.1, when: {cnn.blocks: 2}}",
            "batch_size: 8",
            {"batch_size": 8, "weight_decay": 0.1},
        ),
        # What is held against is what the baseline has in the end, not what the study fixes.
        (
            CHAIN,
            "batch_size: 8",
            {"batch_size": 8},
        ),
    ],
)
def test_a_parent_that_a_baseline_leaves_out_has_its_default(
    settings: str, baseline: str, expected: dict[str, Scalar], read: Callable[..., Reading]
) -> None:
    text = f"name: x\ndataset: cifar10\narchitecture: cnn\nsettings:\n  {settings}\nbaselines:\n  one: {{{baseline}}}\n"
    reading = read(text)
    assert reading.spec is not None
    assert baseline_values(reading.spec, reading.spec.baselines[0]) == {"architecture": "cnn"} | expected


def test_a_configuration_has_defaults_and_no_momentum_without_an_optimizer_for_it(spec: StudySpec) -> None:
    one, two = (
        configure(
            spec,
            baseline_values(spec, baseline),
            epochs=baseline.epochs,
            seeds=training_seeds(0, "baseline", 0),
        )
        for baseline in spec.baselines
    )

    assert (one.momentum, one.dropout, one.batch_size, one.options, one.epochs) == (None, 0.0, 32, {}, 10)
    assert (two.momentum, two.dropout, two.options, two.epochs) == (0.9, 0.5, {"hidden": 512}, 3)
    assert (two.learning_rate, two.step_gamma, two.precision, two.augment) == (0.01, 1.0, "float32", "none")


@pytest.mark.parametrize("normalized", [True, False])
def test_a_configuration_comes_back_from_json_equal(spec: StudySpec, normalized: bool) -> None:
    dataset = spec.dataset if normalized else replace(spec.dataset, normalize=None)
    config = configure(
        replace(spec, dataset=dataset), {"architecture": "cnn"}, epochs=2, seeds=training_seeds(0, "trial", 4)
    )

    assert TrialConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"optimizer": "sgd", "architecture": "cnn"}, True),
        ({"optimizer": "adam", "architecture": "cnn"}, False),
        ({"architecture": "cnn"}, False),
    ],
)
def test_a_condition_holds_where_every_key_has_one_of_its_values(
    values: dict[str, bool | int | float | str], expected: bool
) -> None:
    setting = Setting("momentum", Fixed(0.9), {"optimizer": ("sgd", "rmsprop"), "architecture": ("cnn",)})

    assert holds(setting, values) is expected


def test_a_condition_holds_for_what_a_stepped_range_counts_up_to() -> None:
    setting = Setting("batch_size", Fixed(32), {"dropout": (0.3,)})
    assert 0.1 + 2 * 0.1 != 0.3
    assert holds(setting, {"dropout": 0.1 + 2 * 0.1})
    assert not holds(setting, {"dropout": 0.31})


def test_the_architecture_is_the_parent_of_every_other_setting(spec: StudySpec) -> None:
    assert architecture_setting(spec) == Setting("architecture", Choices(("alexnet", "cnn")))
    assert architecture_setting(replace(spec, architectures=("cnn",))) == Setting("architecture", Fixed("cnn"))


def test_seeds_are_these_numbers_for_ever() -> None:
    assert derive_seed(0, "split") == 3770521055
    assert training_seeds(1, "trial", 7) == Seeds(
        split=1042702934, weights=434156924, batches=4138639390, dropout=3434663431
    )
    assert derive_seed(2**32 - 1, "sampler", 10**6) < 2**32


def test_seeds_of_other_purposes_and_numbers_differ_but_for_the_split() -> None:
    seeds = [training_seeds(1, purpose, number) for purpose in ("trial", "baseline", "confirm") for number in range(3)]

    assert len({each.split for each in seeds}) == 1
    assert len({stream for each in seeds for stream in (each.weights, each.batches, each.dropout)}) == 27
