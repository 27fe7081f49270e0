"""AlexNet (Krizhevsky, Sutskever and Hinton 2012), whole and cut down to 32×32 images."""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

from torch import nn

from hpstudy.architectures.response_norm import LocalResponseNorm
from hpstudy.architectures.sizes import feature_map

_LAST_KERNELS = 256


def alexnet_cifar(
    input_shape: tuple[int, int, int],
    n_classes: int,
    *,
    dropout: float = 0.0,
    activations: Literal["published", "all"] = "published",
) -> nn.Module:
    """AlexNet cut down to 32×32; 3,868,746 parameters on 3×32×32 images of 10 classes.

    Args:
        input_shape: (channels, height, width); height and width at least 12.
        n_classes: Number of classes.
        dropout: Share of the inputs of both hidden linear layers that is left out, in [0, 1); 0 as published.
        activations: `published` has none between conv 3, 4 and 5 nor between the linear layers, so that those
            are linear together; `all` puts a ReLU there.

    Returns:
        A model from float images [batch, channels, height, width] to logits [batch, classes].

    Raises:
        InputError: The image is too small.
    """
    features = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(input_shape[0], 32, 3, padding=1),
            pool1=nn.MaxPool2d(2),
            relu1=nn.ReLU(inplace=True),
            conv2=nn.Conv2d(32, 64, 3, padding=1),
            pool2=nn.MaxPool2d(2),
            relu2=nn.ReLU(inplace=True),
            conv3=nn.Conv2d(64, 128, 3, padding=1),
            relu3=nn.ReLU(inplace=True),
            conv4=nn.Conv2d(128, 256, 3, padding=1),
            relu4=nn.ReLU(inplace=True),
            conv5=nn.Conv2d(256, _LAST_KERNELS, 3, padding=1),
            pool5=nn.MaxPool2d(3, stride=2),
            relu5=nn.ReLU(inplace=True),
        )
    )
    height, width = feature_map("alexnet-cifar", features, input_shape)
    classifier = nn.Sequential(
        OrderedDict(
            dropout1=nn.Dropout(dropout),
            linear1=nn.Linear(_LAST_KERNELS * height * width, 1024),
            relu1=nn.ReLU(inplace=True),
            dropout2=nn.Dropout(dropout),
            linear2=nn.Linear(1024, 512),
            relu2=nn.ReLU(inplace=True),
            linear3=nn.Linear(512, n_classes),
        )
    )
    if activations == "published":
        features, classifier = _without(features, "relu3", "relu4"), _without(classifier, "relu1", "relu2")
    return _network(features, classifier)


def alexnet(
    input_shape: tuple[int, int, int],
    n_classes: int,
    *,
    dropout: float = 0.5,
    hidden: int = 2048,
    lrn: bool = False,
    stem_padding: int = 2,
    init: Literal["default", "kaiming"] = "default",
) -> nn.Module:
    """AlexNet; 28,868,968 parameters on 3×224×224 images of 1000 classes.

    The original of 2012 is `lrn=True, hidden=4096, stem_padding=0` on 227×227 images: 62,378,344 parameters
    (without its two groups, which were two GPUs).

    Args:
        input_shape: (channels, height, width); height and width at least 63 with the default padding.
        n_classes: Number of classes.
        dropout: Share of the inputs of both hidden linear layers that is left out, in [0, 1); 0.5 as
            published.
        hidden: Units of each of the two hidden linear layers; at least 1.
        lrn: Whether local response normalisation follows conv 1 and conv 2 (after their ReLU).
        stem_padding: Padding of conv 1 in pixels, at least 0.
        init: `kaiming` gives Kaiming-normal (fan-out) convolutions, N(0, 0.01) linear weights and zero
            biases; `default` leaves torch's.

    Returns:
        A model from float images [batch, channels, height, width] to logits [batch, classes].

    Raises:
        InputError: The image is too small.
    """
    features = _alexnet_features(input_shape[0], stem_padding)
    if not lrn:
        features = _without(features, "norm1", "norm2")
    height, width = feature_map("alexnet", features, input_shape)
    classifier = nn.Sequential(
        OrderedDict(
            dropout1=nn.Dropout(dropout),
            linear1=nn.Linear(_LAST_KERNELS * height * width, hidden),
            relu1=nn.ReLU(inplace=True),
            dropout2=nn.Dropout(dropout),
            linear2=nn.Linear(hidden, hidden),
            relu2=nn.ReLU(inplace=True),
            linear3=nn.Linear(hidden, n_classes),
        )
    )
    model = _network(features, classifier)
    if init == "kaiming":
        _draw_kaiming(model)
    return model


def _alexnet_features(channels: int, stem_padding: int) -> nn.Sequential:
    """The five convolutions with overlapping pooling and both normalisations."""
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 96, 11, stride=4, padding=stem_padding),
            relu1=nn.ReLU(inplace=True),
            norm1=_response_norm(),
            pool1=nn.MaxPool2d(3, stride=2),
            conv2=nn.Conv2d(96, 256, 5, padding=2),
            relu2=nn.ReLU(inplace=True),
            norm2=_response_norm(),
            pool2=nn.MaxPool2d(3, stride=2),
            conv3=nn.Conv2d(256, 384, 3, padding=1),
            relu3=nn.ReLU(inplace=True),
            conv4=nn.Conv2d(384, 384, 3, padding=1),
            relu4=nn.ReLU(inplace=True),
            conv5=nn.Conv2d(384, _LAST_KERNELS, 3, padding=1),
            relu5=nn.ReLU(inplace=True),
            pool5=nn.MaxPool2d(3, stride=2),
        )
    )


def _response_norm() -> nn.Module:
    """Section 3.3 of the paper: n = 5, k = 2, α = 1e-4, β = 0.75; torch alone divides α by n."""
    return LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)


def _without(layers: nn.Sequential, *names: str) -> nn.Sequential:
    return nn.Sequential(OrderedDict((name, layer) for name, layer in layers.named_children() if name not in names))


def _network(features: nn.Sequential, classifier: nn.Sequential) -> nn.Sequential:
    return nn.Sequential(OrderedDict(features=features, flatten=nn.Flatten(), classifier=classifier))


def _draw_kaiming(model: nn.Module) -> None:
    """Kaiming-normal (He et al. 2015, fan-out) convolutions, N(0, 0.01) linear weights, zero biases."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0.0, 0.01)
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
