"""Networks of torchvision: channels, classes, dropout, plain logits, errors."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from hpstudy.architectures.build import accepts_dropout, build_model, builder_options, find_builder
from hpstudy.architectures.torchvision_models import build_torchvision, smallest_image
from hpstudy.errors import InputError
from hpstudy.torchvision_repair import import_torchvision


def build(name, shape, *, dropout=0.0, n_classes=7, options=None):
    return build_model(
        f"torchvision:{name}",
        options=options or {},
        input_shape=shape,
        n_classes=n_classes,
        dropout=dropout,
        study_folder=Path(),
    )


def first_convolution(model):
    return next(layer for layer in model.modules() if isinstance(layer, nn.Conv2d))


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("resnet18", 32),
        ("mobilenet_v3_small", 32),
        ("googlenet", 32),
        ("inception_v3", 75),
        ("vgg11", 32),
        ("densenet121", 32),
        ("squeezenet1_1", 32),
        ("vit_b_32", 64),
        ("maxvit_t", 224),
        ("convnext_tiny", 32),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_it_gives_plain_logits_in_training(name, side, channels):
    with torch.device("meta"):
        model = build(name, (channels, side, side)).train()
        logits = model(torch.empty(2, channels, side, side))
    assert isinstance(logits, torch.Tensor)
    assert (tuple(logits.shape), logits.dtype) == ((2, 7), torch.float32)
    assert first_convolution(model).in_channels == channels


def test_a_grey_first_convolution_keeps_all_but_the_channels():
    with torch.device("meta"):
        grey, colour = (first_convolution(build("resnet18", (channels, 32, 32))) for channels in (1, 3))
    assert (grey.in_channels, colour.in_channels) == (1, 3)
    for name in ("out_channels", "kernel_size", "stride", "padding", "bias"):
        assert getattr(grey, name) == getattr(colour, name)
    assert (grey.out_channels, grey.kernel_size, grey.stride, grey.padding) == (64, (7, 7), (2, 2), (3, 3))


def test_resnet18_has_its_published_parameters():
    with torch.device("meta"):
        model = build("resnet18", (3, 224, 224), n_classes=1000)
    assert sum(weights.numel() for weights in model.parameters()) == 11_689_512


def test_a_real_batch_trains_in_channels_last():
    torch.manual_seed(0)
    model = build("mobilenet_v3_small", (1, 32, 32)).to(memory_format=torch.channels_last).train()
    logits = model(torch.randn(2, 1, 32, 32).contiguous(memory_format=torch.channels_last))
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1])).backward()
    assert first_convolution(model).weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("name", "side"),
    [("vgg11", 32), ("googlenet", 32), ("efficientnet_b0", 32), ("maxvit_t", 224), ("vit_b_32", 32)],
)
@pytest.mark.parametrize("dropout", [0.0, 0.25])
def test_dropout_is_what_the_study_says(name, side, dropout):
    with torch.device("meta"):
        model = build(name, (3, side, side), dropout=dropout)
    # maxvit_t has attention dropout besides, which stays 0.
    assert max(layer.p for layer in model.modules() if isinstance(layer, nn.Dropout)) == dropout
    assert accepts_dropout(f"torchvision:{name}", study_folder=Path()) is True


def test_densenet_calls_dropout_drop_rate():
    with torch.device("meta"):
        model = build("densenet121", (3, 32, 32), dropout=0.25)
    assert {layer.drop_rate for layer in model.modules() if hasattr(layer, "drop_rate")} == {0.25}


@pytest.mark.parametrize("name", ["resnet18", "convnext_tiny", "shufflenet_v2_x0_5"])
def test_a_network_without_dropout_refuses_it(name):
    with pytest.raises(InputError) as caught:
        build(name, (3, 32, 32), dropout=0.1)
    assert str(caught.value) == f"torchvision:{name} has no dropout; leave the setting out or set it to 0"
    assert accepts_dropout(f"torchvision:{name}", study_folder=Path()) is False
    with pytest.raises(InputError, match="has no dropout; leave the setting out or set it to 0"):
        build_torchvision(name, (3, 32, 32), 10, dropout=0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: find_builder("torchvision:resnet8", study_folder=Path()),
            r'torchvision has no classification network "resnet8"\. Did you mean "resnet18"\?',
        ),
        (
            lambda: find_builder("torchvision:fcn_resnet50", study_folder=Path()),
            'torchvision has no classification network "fcn_resnet50"',
        ),
        (
            lambda: build("vit_b_16", (3, 30, 30)),
            r"vit_b_16 cannot take images of 30×30 \(Input shape indivisible by patch size!\); set image_size",
        ),
        (
            lambda: build("vit_b_16", (3, 32, 48)),
            "torchvision:vit_b_16 takes square images, not 32×48; set image_size of the data set",
        ),
        (
            lambda: build("resnet18", (3, 32, 32), options={"width": 2}),
            r"torchvision:resnet18\.width: torchvision:resnet18 has no option width\. Its options: none",
        ),
    ],
    ids=["mistyped", "no classifier", "patches", "not square", "option"],
)
def test_errors_say_what_to_do(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_torchvision_offers_no_options_and_its_builder_is_called_like_any_other():
    assert builder_options("torchvision:resnet18", study_folder=Path()) == ()
    with torch.device("meta"):
        model = find_builder("torchvision:resnet18", study_folder=Path())((1, 32, 32), 5, dropout=0)
        assert model(torch.empty(2, 1, 32, 32)).shape == (2, 5)


def trains(name, side):
    """Whether two images pass the network, on the device that computes shapes alone."""
    with torch.device("meta"):
        model = build(name, (1, side, side))
        try:
            model(torch.empty((2, 1, side, side)))
        except RuntimeError:
            return False
    return True


@pytest.mark.parametrize(("name", "smallest"), [("alexnet", 63), ("vgg11", 32), ("squeezenet1_1", 17)])
def test_the_smallest_image_is_found_by_trying(name, smallest):
    assert smallest_image(name, (1, 8, 8), n_classes=10) == smallest
    assert smallest_image(name, (3, smallest - 1, 200), n_classes=10) == smallest
    assert smallest_image(name, (3, smallest, smallest), n_classes=10) is None
    assert (trains(name, smallest - 1), trains(name, smallest)) == (False, True)


@pytest.mark.parametrize("name", ["resnet18", "regnet_y_400mf"])
def test_an_image_that_is_large_enough_or_cannot_be_tried_has_no_smallest(name):
    assert smallest_image(name, (1, 8, 8), n_classes=10) is None


@pytest.mark.parametrize(
    ("name", "side", "proposed"), [("vit_b_16", 28, 32), ("vit_b_32", 33, 64), ("vit_h_14", 8, 14)]
)
def test_an_image_that_cannot_be_divided_is_told_with_the_next_that_can(name, side, proposed):
    with pytest.raises(InputError, match=rf"for example to {proposed}$"):
        build(name, (1, side, side))


@pytest.mark.slow
def test_every_network_takes_the_image_that_its_message_names():
    models = import_torchvision().models
    for name in models.list_models(module=models):
        try:
            side = smallest_image(name, (1, 8, 8), n_classes=10)
        except InputError as error:
            side = int(str(error).rpartition(" ")[2])
        assert side is None or trains(name, side), name
