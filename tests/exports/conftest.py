"""What the tests of exports share: a trained model made up for a test, and its export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from hpstudy.architectures.build import build_model
from hpstudy.exports.model import TrainedModel
from hpstudy.exports.write import write_export
from hpstudy.spec.config import TrialConfig
from hpstudy.spec.study import DatasetSpec, Normalization
from hpstudy.training.weights import write_weights
from tests.conftest import SMALL_NET

COLOUR = DatasetSpec("cifar10", normalize=Normalization((0.5, 0.4, 0.3), (0.5, 0.25, 0.2)))
Export = Callable[..., Path]


@pytest.fixture
def trained(config: TrialConfig) -> TrainedModel:
    """A small convolutional network for the ten digits, confirmed on three seeds."""
    return TrainedModel(
        study="digits_study",
        description="Which settings?",
        label="12",
        part="confirm",
        config=config,
        picture_shape=(1, 8, 8),
        input_shape=(1, 8, 8),
        class_names=tuple("0123456789"),
        n_parameters=1234,
        n_images=1437,
        validation_accuracy=0.95,
        test_accuracy=0.93,
        confirmed=(0.93, 0.92, 0.94),
        n_diverged=0,
        versions={"python": "3.11.7", "torch": "2.13.0"},
    )


@pytest.fixture
def in_colour(trained: TrainedModel) -> TrainedModel:
    """The same network for colour pictures of two classes."""
    config = replace(trained.config, dataset=COLOUR)
    shape = (3, 32, 32)
    return replace(trained, config=config, picture_shape=shape, input_shape=shape, class_names=("cat", "dog"))


@pytest.fixture
def own(trained: TrainedModel) -> TrainedModel:
    """A user's own network, whose code goes into the export."""
    config = replace(trained.config, architecture="models/nets.py:tiny", options={"hidden": 6})
    return replace(trained, config=config, part="search", confirmed=(), test_accuracy=None)


def network(model: TrainedModel, folder: Path) -> nn.Module:
    """The model's network with weights from seed 7, built as a study builds it, from its own study folder."""
    if model.has_own_code:
        (folder / "models").mkdir(exist_ok=True)
        (folder / "models" / "nets.py").write_text(SMALL_NET, encoding="utf-8")
    torch.manual_seed(7)
    made = build_model(
        model.config.architecture,
        options=model.config.options,
        input_shape=model.input_shape,
        n_classes=len(model.class_names),
        dropout=model.config.dropout,
        study_folder=folder,
    )
    return made.to(memory_format=torch.channels_last).eval()


@pytest.fixture
def export(tmp_path: Path) -> Export:
    """Exports a model with the weights of `network` to the folder `out`, and returns it."""

    def make(model: TrainedModel, *, source: str | None = SMALL_NET) -> Path:
        weights = tmp_path / "kept.safetensors"
        write_weights(network(model, tmp_path), weights)
        write_export(
            model, weights=weights, sha256=None, source=source if model.has_own_code else None, folder=tmp_path / "out"
        )
        return tmp_path / "out"

    return make
