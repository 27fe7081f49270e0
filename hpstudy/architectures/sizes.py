"""How large a feature map is, and which image is the smallest that a network can take."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from torch import nn

from hpstudy.errors import InputError

LARGEST_SIDE = 1024
"""What `image_size` of a data set can be at most."""


def window_output(size: int, *, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """The side of what a convolution or a pooling gives: floor((n − k + 2p) / s) + 1.

    Args:
        size: Side n of its input, in pixels.
        kernel: Side k of the window.
        stride: Step s of the window.
        padding: Pixels p added on each side.

    Returns:
        The side in pixels; below 1 where the window does not fit.
    """
    return (size - kernel + 2 * padding) // stride + 1


def feature_map(architecture: str, features: nn.Sequential, input_shape: tuple[int, int, int]) -> tuple[int, int]:
    """The height and width of what the convolutional part of a network gives.

    Args:
        architecture: Name for the message.
        features: Layers in order. Square convolutions and poolings change the size; every other layer and
            every block must keep it.
        input_shape: (channels, height, width) of the images.

    Returns:
        (height, width) of the last feature map, each at least 1.

    Raises:
        InputError: The image is too small; the message names the smallest that works.
    """
    _, height, width = input_shape
    rows, columns = _side_after(features, height), _side_after(features, width)
    if min(rows, columns) < 1:
        smallest = next(side for side in count(1) if _side_after(features, side) >= 1)
        raise too_small(architecture, input_shape, smallest=smallest)
    return rows, columns


def smallest_side(fits: Callable[[int], bool], *, above: int) -> int | None:
    """The smallest side that fits, found by doubling and halving.

    Args:
        fits: Whether images of a side fit; where one does, every larger one does.
        above: A side that does not fit.

    Returns:
        The side in pixels; None where 1024, the largest that a study can ask for, does not fit either.
    """
    low, high = above, above
    while not fits(high):
        if high >= LARGEST_SIDE:
            return None
        low, high = high, min(2 * high, LARGEST_SIDE)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def too_small(architecture: str, input_shape: tuple[int, int, int], *, smallest: int) -> InputError:
    """The error for images that a network cannot take.

    Args:
        architecture: Name for the message.
        input_shape: (channels, height, width) of the images.
        smallest: Side of the smallest square image that works.

    Returns:
        The error, to be raised by the caller.
    """
    _, height, width = input_shape
    return InputError(
        f"{architecture}: images of {height}×{width} are too small; the smallest that works is "
        f"{smallest}×{smallest}; set image_size of the data set to {smallest} or more"
    )


def _side_after(features: nn.Sequential, size: int) -> int:
    """The side after all layers; 0 as soon as a window does not fit."""
    for layer in features:
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
            size = window_output(
                size,
                kernel=_side(layer.kernel_size),
                stride=_side(layer.stride),
                padding=_side(layer.padding),
            )
        if size < 1:
            return 0
    return size


def _side(value: object) -> int:
    """The number behind a layer's `5`, or behind its square `(5, 5)`."""
    number = value[0] if isinstance(value, tuple) else value
    if not isinstance(number, int):
        raise TypeError(f"a window has a whole number of pixels, not {value!r}")
    return number
