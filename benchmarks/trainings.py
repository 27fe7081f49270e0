"""The trainings that the benchmarks share: published networks on their data sets, with SGD at batch size 64."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hpstudy.datasets.images import TrainingData
from hpstudy.datasets.load import load_training_data
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.seeds import training_seeds
from hpstudy.spec.study import DatasetSpec, Normalization

DATASETS = {
    "lenet5": "fashion_mnist",
    "lenet5-sigmoid": "fashion_mnist",
    "cnn": "cifar10",
    "alexnet-cifar": "cifar10",
    "alexnet": "cifar10",
    "inception-mini": "mnist",
    "resnet-mini": "mnist",
}
IMAGE_SIZES = {"alexnet": 224}
"""Of the networks whose images are enlarged."""


def config_of(architecture: str = "lenet5", number: int = 0, *, n_epochs: int) -> TrialConfig:
    """The configuration of trial `number`: trials differ in their seeds alone."""
    dataset = DATASETS[architecture]
    n_channels = 3 if dataset == "cifar10" else 1
    return TrialConfig(
        architecture=architecture,
        options={},
        dataset=DatasetSpec(
            dataset,
            image_size=IMAGE_SIZES.get(architecture),
            normalize=Normalization((0.5,) * n_channels, (0.5,) * n_channels),
        ),
        validation=0.1,
        epochs=n_epochs,
        optimizer="sgd",
        learning_rate=0.01,
        momentum=0.9,
        weight_decay=0.0,
        batch_size=64,
        dropout=0.0,
        step_gamma=1.0,
        step_size=1,
        augment="none",
        precision="float32",
        seeds=training_seeds(1, "trial", number),
    )


def images_of(config: TrialConfig, *, folder: Path, share: float) -> TrainingData:
    """A share of a configuration's training and validation parts."""
    dataset = replace(config.dataset, share=share)
    return load_training_data(
        dataset, folder=folder, validation=config.validation, split_seed=config.seeds.split, part="search"
    )
