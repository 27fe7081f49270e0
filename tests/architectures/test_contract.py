"""What every architecture of the catalogue must do."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hpstudy.architectures.build import build_model, find_builder
from hpstudy.errors import InputError
from hpstudy.spec.catalogue import ARCHITECTURES, DATASETS

ROWS = {row.name: row for row in ARCHITECTURES}
SHAPES = sorted({row.shape for row in DATASETS if row.shape} | {(3, 64, 64), (1, 28, 40)})
SMALLEST = {
    "lenet5": 12,
    "lenet5-sigmoid": 12,
    "alexnet-cifar": 12,
    "alexnet": 63,
    "cnn": 4,
    "inception-mini": 16,
    "resnet-mini": 16,
}
LIGHT = [name for name in ROWS if name != "alexnet"]


def build(name, shape=None, *, dropout=0.0, n_classes=10, seed=0, **options):
    torch.manual_seed(seed)
    return build_model(
        name,
        options=options,
        input_shape=shape or ROWS[name].input_shape,
        n_classes=n_classes,
        dropout=dropout,
        study_folder=Path(),
    )


def images_of(shape, n=4):
    return torch.randn((n, *shape), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", ROWS)
def test_the_published_network_has_the_published_parameter_count(name):
    row = ROWS[name]
    with torch.device("meta"):
        model = build(name, n_classes=row.n_classes, dropout=row.dropout)
    assert sum(weights.numel() for weights in model.parameters()) == row.parameters


@pytest.mark.parametrize("name", ROWS)
def test_the_signature_is_the_row(name):
    row = ROWS[name]
    parameters = list(inspect.signature(find_builder(name, study_folder=Path())).parameters.values())
    assert [each.name for each in parameters[:2]] == ["input_shape", "n_classes"]
    keywords = {each.name: each.default for each in parameters[2:]}
    assert {each.kind for each in parameters[2:]} == {inspect.Parameter.KEYWORD_ONLY}
    assert keywords == {"dropout": row.dropout} | {option.name: option.default for option in row.options}
    for option in row.options:
        assert type(keywords[option.name]) is {"int": int, "bool": bool, "choice": str}[option.kind]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ROWS)
def test_it_takes_every_data_set_that_is_large_enough(name, shape):
    _, height, width = shape
    if min(height, width) < SMALLEST[name]:
        with pytest.raises(InputError, match=rf"{name}.*: images of {height}×{width} are too small; the smallest"):
            build(name, shape)
        return
    with torch.device("meta"):
        model = build(name, shape, n_classes=7)
        logits = model(torch.empty((3, *shape)))
    assert (tuple(logits.shape), logits.dtype) == ((3, 7), torch.float32)


@pytest.mark.parametrize("name", ROWS)
def test_the_smallest_image_named_works_and_one_pixel_less_does_not(name):
    side, channels = SMALLEST[name], ROWS[name].input_shape[0]
    with torch.device("meta"):
        assert build(name, (channels, side, side))(torch.empty(2, channels, side, side)).shape == (2, 10)
    with pytest.raises(InputError) as caught:
        build(name, (channels, side - 1, side))
    # cnn names its blocks, because they decide what is too small.
    named = "cnn with 2 blocks" if name == "cnn" else name
    assert str(caught.value) == (
        f"{named}: images of {side - 1}×{side} are too small; the smallest that works is {side}×{side}; "
        f"set image_size of the data set to {side} or more"
    )


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("name", LIGHT)
def test_steps_lower_the_loss_in_both_memory_formats(name, memory_format):
    model = build(name).to(memory_format=memory_format).train()
    images = images_of(ROWS[name].input_shape, n=8).contiguous(memory_format=memory_format)
    labels = torch.arange(8) % 10
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    before = F.cross_entropy(model(images), labels)
    before.backward()
    optimizer.step()
    after = F.cross_entropy(model(images), labels)
    assert (tuple(model(images).shape), model(images).dtype) == ((8, 10), torch.float32)
    assert after.item() < before.item()


@pytest.mark.parametrize("name", LIGHT)
def test_channels_last_gives_the_same_logits(name):
    model = build(name).eval()
    images = images_of(ROWS[name].input_shape)
    with torch.no_grad():
        expected = model(images)
        got = model.to(memory_format=torch.channels_last)(images.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", LIGHT)
def test_without_dropout_training_draws_nothing_and_equal_seeds_are_equal(name):
    images = images_of(ROWS[name].input_shape)
    first, second = build(name, seed=3).train(), build(name, seed=3).train()
    state = torch.get_rng_state()
    assert torch.equal(first(images), first(images))
    assert torch.equal(first(images), second(images))
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(first(images), build(name, seed=4).train()(images))


@pytest.mark.parametrize("name", ROWS)
def test_dropout_changes_no_weight_and_acts_in_training_alone(name):
    # AlexNet on the smallest image that it takes: the same layers, a fraction of the work.
    shape = (3, 63, 63) if name == "alexnet" else ROWS[name].input_shape
    options = {"hidden": 16} if name == "alexnet" else {}
    without, with_half = build(name, shape, **options), build(name, shape, dropout=0.5, **options)
    assert all(torch.equal(a, b) for a, b in zip(without.parameters(), with_half.parameters(), strict=True))
    shares = [layer.p for layer in with_half.modules() if isinstance(layer, nn.Dropout)]
    assert shares == [0.5] * (1 if name in {"cnn", "inception-mini", "resnet-mini"} else 2)
    images = images_of(shape)
    assert torch.equal(without.eval()(images), with_half.eval()(images))
    with_half.train()
    assert not torch.equal(with_half(images), with_half(images))
