from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hpstudy.errors import InputError, StudyFileError
from hpstudy.spec.load import Reading, load_study, read_study, written_confirm, written_trials
from hpstudy.spec.study import (
    Baseline,
    Choices,
    Component,
    Confirm,
    DatasetSpec,
    Fixed,
    Normalization,
    Position,
    Range,
    Setting,
)

Read = Callable[..., Reading]

EXAMPLE = """\
name: lenet_fashion                  # [A-Za-z0-9][A-Za-z0-9._-]{0,79}
description: Which settings suit LeNet-5 on Fashion-MNIST?
dataset: fashion_mnist
architecture: lenet5
epochs: 14
trials: 50
seed: 1
settings:
  learning_rate: {low: 1e-4, high: 1e-1, log: true}
  optimizer: [sgd, adam, adamw, rmsprop]
  momentum: {low: 0.0, high: 0.95}
  batch_size: [32, 64, 128, 256]
  dropout: {low: 0.0, high: 0.6}
  weight_decay: {low: 1e-6, high: 1e-2, log: true}
  step_gamma: {low: 0.5, high: 1.0}
  step_size: 1
  augment: [none, flip, crop, crop_flip]
  lenet5.width: [1, 2]
validation: 0.1
sampler: tpe
pruner: {name: median, startup_trials: 5, warmup_epochs: 3}
confirm: {top: 2, seeds: 3}
baselines:
  model 1: {optimizer: sgd, learning_rate: 0.01, momentum: 0, batch_size: 100, step_gamma: 0.7,
            dropout: 0, weight_decay: 0}
"""

SMALL = "name: x\ndataset: mnist\narchitecture: lenet5\nsettings: {batch_size: [32, 64]}\n"


def test_the_example_of_the_design_value_by_value(read: Read) -> None:
    reading = read(EXAMPLE)
    spec = reading.spec

    assert reading.problems == ()
    assert spec is not None
    assert (spec.name, spec.description) == (
        "lenet_fashion",
        "Which settings suit LeNet-5 on Fashion-MNIST?",
    )
    assert spec.dataset == DatasetSpec("fashion_mnist", normalize=Normalization((0.5,), (0.5,)))
    assert spec.architectures == ("lenet5",)
    assert (spec.epochs, spec.trials, spec.seed, spec.validation, spec.fair) == (14, 50, 1, 0.1, False)
    assert spec.sampler == Component("tpe", {"startup_trials": 10})
    assert spec.pruner == Component("median", {"startup_trials": 5, "warmup_epochs": 3})
    assert spec.confirm == Confirm(2, 3)
    assert spec.max_seconds is None
    assert spec.path == "s.yaml"
    assert spec.text == EXAMPLE
    assert spec.baselines == (
        Baseline(
            "model 1",
            "lenet5",
            14,
            {
                "optimizer": "sgd",
                "learning_rate": 0.01,
                "momentum": 0.0,
                "batch_size": 100,
                "step_gamma": 0.7,
                "dropout": 0.0,
                "weight_decay": 0.0,
            },
        ),
    )


def test_the_settings_of_the_example(read: Read) -> None:
    spec = read(EXAMPLE).spec

    assert spec is not None
    assert list(spec.settings.values()) == [
        Setting("learning_rate", Range(1e-4, 0.1, log=True)),
        Setting("optimizer", Choices(("sgd", "adam", "adamw", "rmsprop"))),
        Setting("momentum", Range(0.0, 0.95), {"optimizer": ("sgd", "rmsprop")}),
        Setting("batch_size", Choices((32, 64, 128, 256))),
        Setting("dropout", Range(0.0, 0.6)),
        Setting("weight_decay", Range(1e-6, 0.01, log=True)),
        Setting("step_gamma", Range(0.5, 1.0)),
        Setting("step_size", Fixed(1)),
        Setting("augment", Choices(("none", "flip", "crop", "crop_flip"))),
        Setting("lenet5.width", Choices((1, 2))),
    ]
    assert spec.position("settings", "learning_rate", "high") == Position(9, 36)
    assert spec.position("settings", "optimizer", 2) == Position(10, 26)
    assert spec.position("fair") == Position(0, 0)


def test_a_baseline_may_have_what_the_studys_optimizer_lacks_where_that_is_not_its_own(read: Read) -> None:
    text = (
        "name: x\ndataset: mnist\narchitecture: [lenet5, cnn]\n"
        "settings: {optimizer: {value: adam, when: {architecture: cnn}}, batch_size: [32, 64]}\n"
        "baselines: {a: {architecture: lenet5, momentum: 0.9}, b: {architecture: cnn, momentum: 0.9}}\n"
    )
    (problem,) = read(text).problems
    assert (problem.place, problem.fact.partition(";")[0]) == (
        "baselines.b.momentum",
        "adam has no momentum, only sgd and rmsprop have",
    )


def test_defaults_hold_where_the_file_says_nothing(read: Read) -> None:
    spec = read(SMALL).spec

    assert spec is not None
    assert (spec.description, spec.epochs, spec.trials, spec.seed) == ("", 10, 50, 0)
    assert (spec.validation, spec.fair, spec.baselines) == (0.1, False, ())
    assert spec.sampler == Component("tpe", {"startup_trials": 10})
    assert spec.pruner == Component("successive_halving", {"min_epochs": 2, "reduction_factor": 4})
    assert spec.confirm == Confirm(top=2, seeds=3)
    assert spec.dataset.normalize == Normalization((0.1307,), (0.3081,))


@pytest.mark.parametrize(
    ("written", "confirm"),
    [("true", Confirm(2, 3)), ("false", None), ("{top: 4}", Confirm(4, 3)), ("{seeds: 50}", Confirm(2, 50))],
)
def test_confirm_is_a_word_or_a_mapping(written: str, confirm: Confirm | None, read: Read) -> None:
    spec = read(f"{SMALL}confirm: {written}\n").spec

    assert spec is not None
    assert spec.confirm == confirm
    assert written_confirm(spec.text) == confirm


@pytest.mark.parametrize(
    ("written", "dataset"),
    [
        ("{name: mnist, normalize: none}", DatasetSpec("mnist", normalize=None)),
        (
            "{name: cifar10, share: 0.2, image_size: 64, pad_resize: 4, shuffle: false}",
            DatasetSpec(
                "cifar10",
                share=0.2,
                image_size=64,
                pad_resize=4,
                shuffle=False,
                normalize=Normalization((0.5,) * 3, (0.5,) * 3),
            ),
        ),
        (
            "{name: cifar10, normalize: {mean: [0.1, 0.2, 0.3], std: 1}}",
            DatasetSpec("cifar10", normalize=Normalization((0.1, 0.2, 0.3), (1.0, 1.0, 1.0))),
        ),
        (
            "{name: mnist, greyscale_to_rgb: true, normalize: {mean: [0, 0, 0], std: [1, 2, 3]}}",
            DatasetSpec("mnist", greyscale_to_rgb=True, normalize=Normalization((0.0,) * 3, (1.0, 2.0, 3.0))),
        ),
        (
            "{name: image_folder, root: photos, test_share: 0.3, share: 1}",
            DatasetSpec("image_folder", root="photos", test_share=0.3, normalize=Normalization((0.5,), (0.5,))),
        ),
    ],
)
def test_a_data_set_as_a_mapping(written: str, dataset: DatasetSpec, read: Read) -> None:
    reading = read(SMALL.replace("mnist", written))

    assert reading.problems == ()
    assert reading.spec is not None
    assert reading.spec.dataset == dataset


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("torchvision:resnet18", ("torchvision:resnet18",)),
        ("[lenet5]", ("lenet5",)),
        ("[nets.py:MyNet, my_package.nets:net, cnn]", ("nets.py:MyNet", "my_package.nets:net", "cnn")),
    ],
)
def test_architectures_are_of_the_catalogue_of_torchvision_or_the_users_own(
    written: str, names: tuple[str, ...], read: Read
) -> None:
    reading = read(SMALL.replace("lenet5", written))

    assert reading.problems == ()
    assert reading.spec is not None
    assert reading.spec.architectures == names


@pytest.mark.parametrize("heading", ["settings:\nbaselines: {a: {}}\n", "baselines:\nsettings: {dropout: [0, 0.1]}\n"])
def test_a_heading_with_nothing_below_it_is_empty(heading: str, read: Read) -> None:
    assert read(SMALL.replace("settings: {batch_size: [32, 64]}\n", heading)).problems == ()


@pytest.mark.parametrize(("written", "seconds"), [("90", 90.0), ("0.5", 0.5), ("none", None)])
def test_the_time_of_a_trial_may_be_limited(written: str, seconds: float | None, read: Read) -> None:
    reading = read(f"{SMALL}max_seconds: {written}\n")
    assert reading.problems == ()
    assert reading.spec is not None
    assert reading.spec.max_seconds == seconds


def test_the_command_line_overrides_the_file(read: Read) -> None:
    text = EXAMPLE + "  short: {epochs: 3}\n"
    reading = read(text, trials=3, epochs=2, name="other")
    spec = reading.spec

    assert reading.problems == ()
    assert spec is not None
    assert (spec.trials, spec.epochs, spec.name) == (3, 2, "other")
    assert [baseline.epochs for baseline in spec.baselines] == [2, 3]
    assert spec.pruner.options["warmup_epochs"] == 3
    assert spec.position("trials") == Position(0, 0)
    assert spec.text == text


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"trials": 0}, ["s.yaml: --trials: expected a whole number from 1 to 1000000, got 0"]),
        ({"epochs": -2}, ["s.yaml: --epochs: expected a whole number of at least 1, got -2"]),
        (
            {"name": "../x"},
            [
                (
                    "s.yaml: --name: expected text of 1 to 80 letters, digits, dots, dashes, underscores, "
                    'the first a letter or digit, got "../x"'
                )
            ],
        ),
    ],
)
def test_a_wrong_override_is_placed_at_its_option(
    overrides: Mapping[str, int | str], expected: list[str], lines: Callable[..., list[str]]
) -> None:
    assert lines(EXAMPLE, **overrides) == expected


def test_an_override_repairs_what_the_file_has_wrong(read: Read) -> None:
    assert read(EXAMPLE.replace("trials: 50", "trials: 0"), trials=5).problems == ()


def test_a_broken_part_is_left_out_so_that_later_checks_can_run(read: Read) -> None:
    text = EXAMPLE.replace("low: 1e-4", "low: 0").replace("epochs: 14", "epochs: 0").replace("sgd, learn", "x, learn")
    reading = read(text.replace("dataset: fashion_mnist", "dataset: {name: mnist, share: 3}"))

    assert [problem.place for problem in reading.problems] == [
        "dataset.share",
        "epochs",
        "settings.learning_rate.low",
        "baselines.model 1.optimizer",
    ]
    assert reading.spec is not None
    assert reading.spec.dataset.share == 1.0
    assert reading.spec.epochs == 10
    assert "learning_rate" not in reading.spec.settings
    assert reading.spec.baselines[0].values["learning_rate"] == 0.01
    assert "optimizer" not in reading.spec.baselines[0].values


@pytest.mark.parametrize("change", [("fashion_mnist", "fashion"), ("lenet5\n", "lenet\n"), ("name:", "name: x\nname:")])
def test_without_data_architecture_or_document_there_is_no_study(change: tuple[str, str], read: Read) -> None:
    reading = read(EXAMPLE.replace(*change))

    assert reading.spec is None
    assert len(reading.problems) == 1


def test_load_study_raises_what_read_study_reports(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(EXAMPLE)
    assert load_study(path, overrides={"trials": 7}).trials == 7

    path.write_text(EXAMPLE.replace("trials: 50", "trials: 0").replace("seed: 1", "seed: -1"))
    with pytest.raises(StudyFileError) as caught:
        load_study(path)
    assert [problem.place for problem in caught.value.problems] == ["trials", "seed"]
    assert caught.value.exit_code == 2

    with pytest.raises(InputError, match="no such file"):
        load_study(tmp_path / "t.yaml")


def test_reading_studies_loads_neither_torch_nor_optuna() -> None:
    code = "import sys, hpstudy.spec.load, hpstudy.spec.identity, hpstudy.spec.starter; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"torch", "optuna", "sqlalchemy", "pandas"} & set(loaded)


def test_duplicate_keys_and_other_problems_come_in_one_go(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("name: a\nname: b\ndataset:\narchitecture: lenet\ntrials: 0\n", encoding="utf-8")
    reading = read_study(file)
    assert reading.spec is None
    places = [(problem.line, problem.place) for problem in reading.problems]
    assert places == [(2, "name"), (3, "dataset"), (4, "architecture"), (5, "trials")]


@pytest.mark.parametrize(
    ("text", "n_trials"), [("trials: 12", 12), ("name: a", 50), ("trials: many", None), ("", None), ("- a: [", None)]
)
def test_the_trials_that_a_stored_text_asks_for(text: str, n_trials: int | None) -> None:
    assert written_trials(text) == n_trials
