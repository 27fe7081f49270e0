"""torchvision's classification networks, made for any number of channels and classes, with random weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, cast, get_type_hints

import torch
from torch import nn

from hpstudy.architectures.sizes import LARGEST_SIDE, smallest_side
from hpstudy.error_summary import error_text
from hpstudy.errors import InputError
from hpstudy.spec.catalogue import TORCHVISION
from hpstudy.spec.wording import did_you_mean
from hpstudy.torchvision_repair import import_torchvision

# What a network's constructor calls the setting `dropout`.
_DROPOUT_KEYWORDS = ("dropout", "drop_rate", "mlp_dropout")


def build_torchvision(
    name: str, input_shape: tuple[int, int, int], n_classes: int, *, dropout: float | None = None
) -> nn.Module:
    """A network of `torchvision.models` with random weights, whose only output is the logits.

    Args:
        name: Its name there: `resnet18`.
        input_shape: (channels, height, width). For other than three channels the first convolution is
            replaced by one with torch's default weights.
        n_classes: Number of classes.
        dropout: Share left out wherever the network has dropout, in [0, 1); None is torchvision's default.
            Stochastic depth stays as published.

    Returns:
        A model from float images [batch, channels, height, width] to logits [batch, classes], in training too
        (auxiliary outputs are off).

    Raises:
        InputError: No network has that name; it cannot take the image's size; or it has no dropout and
            `dropout` is above 0.
    """
    builder = _builder(name)
    parameters = _constructor_parameters(builder)
    keyword = next((word for word in _DROPOUT_KEYWORDS if word in parameters), None)
    if keyword is None and dropout:
        raise InputError(f"{TORCHVISION}{name} has no dropout; leave the setting out or set it to 0")
    _, height, width = input_shape
    if "image_size" in parameters and height != width:
        raise InputError(
            f"{TORCHVISION}{name} takes square images, not {height}×{width}; set image_size of the data set"
        )
    arguments = {"weights": None, "num_classes": n_classes, **_fixed_arguments(parameters, input_shape)}
    if keyword is not None and dropout is not None:
        arguments[keyword] = dropout
    try:
        model = builder(**arguments)
    except (AssertionError, ValueError) as error:
        larger = range(max(height, width) + 1, LARGEST_SIDE + 1)
        side = next((side for side in larger if _fits(builder, parameters, side)), None)
        for_example = f", for example to {side}" if side else ""
        raise InputError(
            f"{TORCHVISION}{name} cannot take images of {height}×{width} ({error_text(error)}); "
            f"set image_size of the data set{for_example}"
        ) from error
    _fit_channels(model, input_shape[0])
    return model


def smallest_image(name: str, input_shape: tuple[int, int, int], *, n_classes: int) -> int | None:
    """The side of the smallest square image that a network can be trained on, where it needs a larger one.

    Args:
        name: As for `build_torchvision`, which must be able to build it for these images.
        input_shape: (channels, height, width) of the images.
        n_classes: Number of classes.

    Returns:
        The side in pixels, found by trying on torch's meta device, which computes shapes alone; None where the images
        are large enough, no image that a study can ask for is, or it cannot be tried so.
    """
    channels, height, width = input_shape
    try:
        with torch.device("meta"):
            model = build_torchvision(name, input_shape, n_classes)
            if _takes(model, input_shape):
                return None
            return smallest_side(lambda side: _takes(model, (channels, side, side)), above=min(height, width))
    except NotImplementedError:  # a network that reads numbers while it is built: RegNet
        return None


def _takes(model: nn.Module, shape: tuple[int, int, int]) -> bool:
    """Whether two images of a shape pass a model."""
    try:
        model(torch.empty((2, *shape)))
    except (RuntimeError, ValueError):
        return False
    return True


def _fits(builder: Callable[..., nn.Module], parameters: Mapping[str, inspect.Parameter], side: int) -> bool:
    """Whether a network whose layers depend on the image's size can be built for a square image, and takes it."""
    shape = (3, side, side)
    with torch.device("meta"):
        try:
            model = builder(weights=None, **_fixed_arguments(parameters, shape))
        except (AssertionError, ValueError):
            return False
        return _takes(model, shape)


def has_dropout(name: str) -> bool:
    """Whether a network of torchvision has dropout to set.

    Raises:
        InputError: No network has that name.
    """
    parameters = _constructor_parameters(_builder(name))
    return any(word in parameters for word in _DROPOUT_KEYWORDS)


def _builder(name: str) -> Callable[..., nn.Module]:
    models = import_torchvision().models
    known: list[str] = models.list_models(module=models)
    if name not in known:
        raise InputError(
            f'architecture: torchvision has no classification network "{name}".{did_you_mean(name, known)} '
            f"It has {len(known)}, from {known[0]} to {known[-1]}"
        )
    return cast("Callable[..., nn.Module]", models.get_model_builder(name))


def _constructor_parameters(builder: Callable[..., nn.Module]) -> Mapping[str, inspect.Parameter]:
    """The parameters of the class that a builder returns; builders hide them behind `**kwargs`."""
    network: Any = get_type_hints(inspect.unwrap(builder))["return"]
    return inspect.signature(network).parameters


def _fixed_arguments(
    parameters: Mapping[str, inspect.Parameter], input_shape: tuple[int, int, int]
) -> dict[str, object]:
    """Arguments that no setting changes: the image's size, and plain logits as the output."""
    _, height, width = input_shape
    wanted: dict[str, object] = {
        "aux_logits": False,
        # GoogLeNet and Inception v3 warn where it is left out; True is what they do then.
        "init_weights": True,
        "image_size": height,
        "input_size": (height, width),
    }
    return {name: value for name, value in wanted.items() if name in parameters}


def _fit_channels(model: nn.Module, channels: int) -> None:
    """Replaces the first convolution by one for so many channels, unless it has them."""
    name, old = next((name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Conv2d))
    if old.in_channels == channels:
        return
    new = nn.Conv2d(
        channels,
        old.out_channels,
        cast("tuple[int, int]", old.kernel_size),
        stride=cast("tuple[int, int]", old.stride),
        padding=cast("tuple[int, int]", old.padding),
        bias=old.bias is not None,
    )
    model.set_submodule(name, new)
