"""The layer table: LeNet-5 by hand, blocks, shared layers, parameters outside layers, and what it leaves behind."""

from __future__ import annotations

import gc
import weakref
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

from hpstudy.architectures.build import build_model
from hpstudy.architectures.inception import Inception
from hpstudy.architectures.layers import Layer, layer_table


def lenet5():
    return build_model("lenet5", options={}, input_shape=(1, 28, 28), n_classes=10, dropout=0.0, study_folder=Path())


def test_lenet5_layer_by_layer():
    assert layer_table(lenet5(), (1, 28, 28)) == (
        Layer("features.conv1", "Conv2d", (6, 28, 28), 156, 156 * 28 * 28),
        Layer("features.pool1", "MaxPool2d", (6, 14, 14), 0, 0),
        Layer("features.activation1", "ReLU", (6, 14, 14), 0, 0),
        Layer("features.conv2", "Conv2d", (16, 10, 10), 2416, 2416 * 10 * 10),
        Layer("features.pool2", "MaxPool2d", (16, 5, 5), 0, 0),
        Layer("features.activation2", "ReLU", (16, 5, 5), 0, 0),
        Layer("flatten", "Flatten", (400,), 0, 0),
        Layer("classifier.linear1", "Linear", (120,), 48_120, 48_120),
        Layer("classifier.activation1", "ReLU", (120,), 0, 0),
        Layer("classifier.dropout1", "Dropout", (120,), 0, 0),
        Layer("classifier.linear2", "Linear", (84,), 10_164, 10_164),
        Layer("classifier.activation2", "ReLU", (84,), 0, 0),
        Layer("classifier.dropout2", "Dropout", (84,), 0, 0),
        Layer("classifier.linear3", "Linear", (10,), 850, 850),
    )


class Odd(nn.Module):
    """A layer used twice, one never used, and a parameter outside every layer."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.unused = nn.Linear(4, 1)
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, images):
        return self.linear(self.linear(images.flatten(1)))


def test_parameters_add_up_where_layers_are_shared_or_unused():
    model = Odd()
    assert layer_table(model, (1, 2, 2)) == (
        Layer("Odd", "Odd", (4,), 5 + 3, 0),
        Layer("linear", "Linear", (4,), 20, 20),
        Layer("linear", "Linear", (4,), 0, 20),
    )
    assert sum(weights.numel() for weights in model.parameters()) == 28


def test_a_block_stands_before_its_layers_with_the_shape_that_it_gives():
    model = nn.Sequential(OrderedDict(mix=Inception(2), flatten=nn.Flatten()))
    rows = layer_table(model, (2, 4, 4))
    assert rows[0] == Layer("mix", "Inception", (88, 4, 4), 0, 0)
    assert rows[1] == Layer("mix.branch1x1", "Conv2d", (16, 4, 4), 48, 48 * 4 * 4)
    assert [row.name for row in rows[2:4]] == ["mix.branch5x5.0", "mix.branch5x5.1"]
    assert rows[-1] == Layer("flatten", "Flatten", (88 * 16,), 0, 0)
    assert sum(row.parameters for row in rows) == sum(weights.numel() for weights in model.parameters())


def test_modes_weights_and_random_state_stay_and_nothing_keeps_the_model():
    model = lenet5().train()
    model.features.eval()
    weights = [each.clone() for each in model.parameters()]
    state = torch.get_rng_state()
    layer_table(model, (1, 28, 28))
    assert (model.training, model.features.conv1.training, model.classifier.training) == (True, False, True)
    assert all(torch.equal(a, b) for a, b in zip(weights, model.parameters(), strict=True))
    assert torch.equal(torch.get_rng_state(), state)
    kept = weakref.ref(model)
    del model
    gc.collect()
    assert kept() is None
