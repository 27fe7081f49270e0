"""The study files that ship."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpstudy.spec.config import baseline_values, configure
from hpstudy.spec.load import load_study
from hpstudy.spec.seeds import training_seeds

STUDIES = Path(__file__).parents[2] / "studies"

NAMES = [
    "alexnet_2012", "alexnet_224", "alexnet_cifar10", "alexnet_cifar10_whole", "architectures_fashion", "cnn_cifar10",
    "cnn_cifar10_unpadded", "custom_architecture", "inception_mnist", "lenet_digits", "lenet_fashion",
    "lenet_sigmoid_fashion", "resnet_mnist",
]  # fmt: skip

KEYS = [
    "name", "description", "dataset", "architecture", "epochs", "trials", "seed", "settings", "validation",
    "sampler", "pruner", "confirm", "baselines",
]  # fmt: skip


def test_these_studies_ship() -> None:
    assert sorted(path.stem for path in STUDIES.glob("*.yaml")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_study_loads_and_asks_a_question(name: str) -> None:
    spec = load_study(STUDIES / f"{name}.yaml")

    assert spec.name == name
    assert "?" in spec.description
    assert spec.baselines
    assert [path[0] for path in spec.positions if len(path) == 1 and path != ("fair",)] == KEYS
    assert spec.fair == (len(spec.architectures) > 1)
    for baseline in spec.baselines:
        seeds = training_seeds(spec.seed, "baseline", 0)
        config = configure(spec, baseline_values(spec, baseline), epochs=baseline.epochs, seeds=seeds)
        assert config.architecture in {*spec.architectures, "lenet5"}  # LeNet-5 is what AlexNet was compared with


PUBLISHED = [
    ("lenet_fashion", "model 1", ("sgd", 0.01, 0.0, 100, 0.7, 0.0, 0.0, 14, {"width": None})),
    ("lenet_fashion", "model 2", ("adam", 0.01, None, 256, 0.7, 0.001, 0.0, 14, {"width": None})),
    ("lenet_fashion", "model 3", ("adam", 0.01, None, 256, 0.7, 0.001, 0.5, 14, {"width": None})),
    ("lenet_fashion", "model 4", ("adam", 0.01, None, 256, 0.7, 0.001, 0.5, 14, {"width": 2})),
    ("lenet_sigmoid_fashion", "published", ("sgd", 0.9, 0.0, 256, 1.0, 0.0, 0.0, 10, {})),
    ("alexnet_cifar10", "published", ("sgd", 0.001, 0.9, 64, 1.0, 0.0, 0.0, 20, {"activations": None})),
    ("alexnet_cifar10_whole", "published", ("sgd", 0.001, 0.9, 64, 1.0, 0.0, 0.0, 20, {"activations": None})),
    ("alexnet_cifar10_whole", "lenet", ("sgd", 0.001, 0.9, 64, 1.0, 0.0, 0.0, 20, {"width": None})),
    ("cnn_cifar10", "published, fast", ("adam", 0.1, None, 32, 1.0, 0.0, 0.0, 10, {"blocks": None})),
    ("cnn_cifar10", "published, slow", ("adam", 0.001, None, 32, 1.0, 0.0, 0.0, 5, {"blocks": None})),
    ("cnn_cifar10_unpadded", "unpadded", ("adam", 0.001, None, 32, 1.0, 0.0, 0.0, 5, {"blocks": None})),
    ("inception_mnist", "published", ("sgd", 0.01, 0.5, 64, 1.0, 0.0, 0.0, 10, {})),
    ("resnet_mnist", "published", ("sgd", 0.01, 0.5, 64, 1.0, 0.0, 0.0, 10, {})),
    (
        "alexnet_2012",
        "as of 2012",
        (
            "sgd",
            0.01,
            0.9,
            32,
            1.0,
            0.0005,
            0.5,
            10,
            {"lrn": True, "hidden": 4096, "stem_padding": 0},
        ),
    ),
]


@pytest.mark.parametrize(("study", "name", "expected"), PUBLISHED)
def test_a_baseline_is_the_published_setting(study: str, name: str, expected: tuple[object, ...]) -> None:
    spec = load_study(STUDIES / f"{study}.yaml")
    baseline = next(baseline for baseline in spec.baselines if baseline.name == name)
    seeds = training_seeds(spec.seed, "baseline", 0)
    config = configure(spec, baseline_values(spec, baseline), epochs=baseline.epochs, seeds=seeds)
    options = expected[-1]
    assert isinstance(options, dict)

    assert (
        config.optimizer,
        config.learning_rate,
        config.momentum,
        config.batch_size,
        config.step_gamma,
        config.weight_decay,
        config.dropout,
        config.epochs,
        {key: config.options.get(key) for key in options},
    ) == expected
    assert config.step_size == 1


def test_how_the_images_are_prepared_as_published() -> None:
    specs = {name: load_study(STUDIES / f"{name}.yaml").dataset for name in NAMES}

    assert specs["lenet_sigmoid_fashion"].normalize is None
    assert specs["cnn_cifar10"].pad_resize == 4
    assert specs["alexnet_224"].image_size == 224
    assert specs["alexnet_2012"].image_size == 227
    assert (specs["lenet_digits"].name, specs["lenet_digits"].image_size) == ("digits", 28)
    assert all(dataset.shuffle for dataset in specs.values())
