"""The networks layer by layer: sizes, hand-made parameter counts, and what each option changes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from hpstudy.architectures.build import build_model
from hpstudy.architectures.inception import Inception
from hpstudy.architectures.layers import layer_table
from hpstudy.architectures.resnet import Residual
from hpstudy.architectures.sizes import window_output
from hpstudy.spec.catalogue import ARCHITECTURES

ROWS = {row.name: row for row in ARCHITECTURES}


def conv(channels, kernels, side):
    return channels * kernels * side * side + kernels


def linear(inputs, outputs):
    return inputs * outputs + outputs


def inception(channels):
    return 3 * conv(channels, 16, 1) + conv(16, 24, 5) + conv(16, 24, 3) + conv(24, 24, 3) + conv(channels, 24, 1)


BY_HAND = {
    "lenet5": conv(1, 6, 5) + conv(6, 16, 5) + linear(400, 120) + linear(120, 84) + linear(84, 10),
    "lenet5-sigmoid": conv(1, 6, 5) + conv(6, 16, 5) + linear(400, 120) + linear(120, 84) + linear(84, 10),
    "alexnet-cifar": conv(3, 32, 3)
    + conv(32, 64, 3)
    + conv(64, 128, 3)
    + conv(128, 256, 3)
    + conv(256, 256, 3)
    + linear(2304, 1024)
    + linear(1024, 512)
    + linear(512, 10),
    "alexnet": 34_944
    + 614_656
    + 885_120
    + 1_327_488
    + 884_992
    + linear(9216, 2048)
    + linear(2048, 2048)
    + linear(2048, 1000),
    "cnn": conv(3, 16, 5) + 2 * 16 + conv(16, 32, 5) + 2 * 32 + linear(8 * 8 * 32, 10),
    "inception-mini": conv(1, 10, 5) + inception(10) + conv(88, 20, 5) + inception(20) + linear(1408, 10),
    "resnet-mini": conv(1, 16, 5) + 2 * conv(16, 16, 3) + conv(16, 32, 5) + 2 * conv(32, 32, 3) + linear(512, 10),
}


def build(name, shape=None, *, n_classes=10, dropout=0.0, **options):
    torch.manual_seed(0)
    return build_model(
        name,
        options=options,
        input_shape=shape or ROWS[name].input_shape,
        n_classes=n_classes,
        dropout=dropout,
        study_folder=Path(),
    )


def table(name, shape=None, **options):
    shape = shape or ROWS[name].input_shape
    with torch.device("meta"):
        return layer_table(build(name, shape, **options), shape)


def shapes(name, kinds, shape=None, **options):
    """The different output shapes, in order, of the layers of some kinds."""
    rows = [row.output_shape for row in table(name, shape, **options) if row.kind in kinds]
    return [row for i, row in enumerate(rows) if i == 0 or rows[i - 1] != row]


@pytest.mark.parametrize("name", ROWS)
def test_the_rows_parameter_count_is_that_of_hand_arithmetic(name):
    assert ROWS[name].parameters == BY_HAND[name]


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "expected"),
    [
        (28, 5, 1, 2, 28),
        (28, 2, 2, 0, 14),
        (224, 11, 4, 2, 55),
        (227, 11, 4, 0, 55),
        (55, 3, 2, 0, 27),
        (4, 5, 1, 0, 0),
    ],
)
def test_the_feature_map_rule(size, kernel, stride, padding, expected):
    assert window_output(size, kernel=kernel, stride=stride, padding=padding) == expected
    if expected:
        layer = nn.Conv2d(1, 1, kernel, stride=stride, padding=padding, device="meta")
        assert layer(torch.empty(1, 1, size, size, device="meta")).shape[-1] == expected


WINDOWS = {"Conv2d", "MaxPool2d", "AvgPool2d", "Flatten", "Linear"}


@pytest.mark.parametrize("name", ["lenet5", "lenet5-sigmoid"])
def test_lenet_goes_through_the_published_shapes(name):
    assert shapes(name, WINDOWS) == [
        (6, 28, 28),
        (6, 14, 14),
        (16, 10, 10),
        (16, 5, 5),
        (400,),
        (120,),
        (84,),
        (10,),
    ]


@pytest.mark.parametrize(
    ("shape", "options"),
    [((3, 224, 224), {}), ((3, 227, 227), {"lrn": True, "hidden": 4096, "stem_padding": 0})],
    ids=["224", "original"],
)
def test_alexnet_has_the_published_feature_maps(shape, options):
    hidden = options.get("hidden", 2048)
    assert shapes("alexnet", WINDOWS, shape, n_classes=1000, **options) == [
        (96, 55, 55),
        (96, 27, 27),
        (256, 27, 27),
        (256, 13, 13),
        (384, 13, 13),
        (256, 13, 13),
        (256, 6, 6),
        (9216,),
        (hidden,),
        (1000,),
    ]


def test_alexnet_cifar_has_the_published_feature_maps():
    assert shapes("alexnet-cifar", {"MaxPool2d", "Flatten", "Linear"}) == [
        (32, 16, 16),
        (64, 8, 8),
        (256, 3, 3),
        (2304,),
        (1024,),
        (512,),
        (10,),
    ]


@pytest.mark.parametrize(("name", "flat"), [("cnn", 8 * 8 * 32), ("inception-mini", 1408), ("resnet-mini", 512)])
def test_the_last_feature_map_has_the_published_size(name, flat):
    assert shapes(name, {"Flatten", "Linear"}) == [(flat,), (10,)]


def test_the_original_alexnet_has_the_published_parameters():
    with torch.device("meta"):
        model = build("alexnet", (3, 227, 227), n_classes=1000, lrn=True, hidden=4096, stem_padding=0)
    convolutions = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    linears = [layer.weight.numel() for layer in model.modules() if isinstance(layer, nn.Linear)]
    counts = [sum(weights.numel() for weights in layer.parameters()) for layer in convolutions]
    assert counts == [34_944, 614_656, 885_120, 1_327_488, 884_992]
    assert linears == [37_748_736, 16_777_216, 4_096_000]
    assert sum(weights.numel() for weights in model.parameters()) == 62_378_344


def test_alexnet_takes_a_batch_of_its_published_size():
    model = build("alexnet", lrn=True, dropout=0.5, hidden=64).to(memory_format=torch.channels_last)
    images = torch.randn(2, 3, 224, 224).contiguous(memory_format=torch.channels_last)
    logits = model(images)
    logits.sum().backward()
    assert (tuple(logits.shape), logits.dtype) == ((2, 10), torch.float32)
    assert all(weights.grad is not None for weights in model.parameters())


def kinds(model):
    return [type(layer).__name__ for layer in model.modules() if not list(layer.children())]


def test_local_response_normalisation_follows_the_first_two_convolutions():
    with torch.device("meta"):
        plain, normalised = kinds(build("alexnet")), kinds(build("alexnet", lrn=True))
    assert plain.count("LocalResponseNorm") == 0
    assert normalised[:8] == ["Conv2d", "ReLU", "LocalResponseNorm", "MaxPool2d"] * 2
    assert [kind for kind in normalised if kind != "LocalResponseNorm"] == plain


def test_local_response_normalisation_is_the_papers_formula():
    with torch.device("meta"):
        norm = next(m for m in build("alexnet", lrn=True).modules() if isinstance(m, nn.LocalResponseNorm))
    maps = torch.arange(1.0, 8.0).reshape(1, 7, 1, 1)
    sums = torch.tensor([sum(c * c for c in range(max(1, i - 2), min(7, i + 2) + 1)) for i in range(1, 8)])
    expected = maps.flatten() / (2 + 1e-4 * sums) ** 0.75
    torch.testing.assert_close(norm(maps).flatten(), expected)


def test_stem_padding_pads_the_first_convolution():
    maps = [shapes("alexnet", {"Conv2d"}, stem_padding=padding)[0] for padding in (0, 2, 4)]
    assert maps == [(96, 54, 54), (96, 55, 55), (96, 56, 56)]


def test_kaiming_draws_the_weights_that_it_names():
    model = build("alexnet", (3, 63, 63), init="kaiming", hidden=512)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            fan_out = layer.out_channels * layer.kernel_size[0] ** 2
            assert layer.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.03)
        if isinstance(layer, nn.Linear):
            assert layer.weight.std().item() == pytest.approx(0.01, rel=0.03)
        if isinstance(layer, nn.Conv2d | nn.Linear):
            assert layer.bias.abs().max().item() == 0


def test_sigmoid_lenet_draws_xavier_uniform_weights():
    model = build("lenet5-sigmoid")
    fans = [25 + 150, 6 * 25 + 16 * 25, 400 + 120, 120 + 84, 84 + 10]
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    for layer, fan in zip(layers, fans, strict=True):
        bound = (6 / fan) ** 0.5
        assert 0.9 * bound < layer.weight.abs().max().item() <= bound
    assert {"Sigmoid", "AvgPool2d"} <= set(kinds(model))
    assert not {"ReLU", "MaxPool2d"} & set(kinds(model))


@pytest.mark.parametrize("width", [1, 2, 3])
def test_width_multiplies_the_kernels_of_lenet(width):
    kernels = [row.output_shape[0] for row in table("lenet5", width=width) if row.kind == "Conv2d"]
    assert kernels == [6 * width, 16 * width]


@pytest.mark.parametrize(
    ("blocks", "kernels", "flat"),
    [(1, [16], 4096), (2, [16, 32], 2048), (3, [16, 32, 64], 1024), (5, [16, 32, 64, 128, 256], 256)],
)
def test_blocks_of_cnn_double_the_kernels_and_halve_the_image(blocks, kernels, flat):
    rows = table("cnn", blocks=blocks)
    assert [row.output_shape[0] for row in rows if row.kind == "Conv2d"] == kernels
    assert [row.output_shape for row in rows if row.kind == "Flatten"] == [(flat,)]
    assert [row.kind for row in rows[:4]] == ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]


def test_alexnet_cifar_repaired_has_activations_between_all_layers():
    published, repaired = kinds(build("alexnet-cifar")), kinds(build("alexnet-cifar", activations="all"))
    assert published.count("ReLU") == 3
    assert repaired == (
        ["Conv2d", "MaxPool2d", "ReLU"] * 2
        + ["Conv2d", "ReLU"] * 2
        + ["Conv2d", "MaxPool2d", "ReLU", "Flatten"]
        + ["Dropout", "Linear", "ReLU"] * 2
        + ["Linear"]
    )
    assert published == (
        ["Conv2d", "MaxPool2d", "ReLU"] * 2
        + ["Conv2d"] * 3
        + ["MaxPool2d", "ReLU", "Flatten"]
        + ["Dropout", "Linear"] * 2
        + ["Linear"]
    )


def test_an_inception_block_has_four_branches_and_no_activation():
    block = Inception(10)
    images = torch.randn(2, 10, 7, 9)
    joined = block(images)
    assert tuple(joined.shape) == (2, 88, 7, 9)
    assert torch.equal(joined[:, :16], block.branch1x1(images))
    assert torch.equal(joined[:, 64:], block.branch_pool(images))
    assert set(kinds(block)) == {"Conv2d", "AvgPool2d"}


def test_a_residual_block_adds_its_input():
    block = Residual(3)
    for weights in block.parameters():
        nn.init.zeros_(weights)
    images = torch.randn(2, 3, 5, 5)
    assert torch.equal(block(images), images.clamp(min=0))
