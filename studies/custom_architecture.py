"""A network of one's own for a study: `architecture: custom_architecture.py:separable` in the study file beside it."""

from __future__ import annotations

from torch import nn


def separable(
    input_shape: tuple[int, int, int], n_classes: int, *, dropout: float = 0.0, width: int = 16, blocks: int = 2
) -> nn.Module:
    """Depthwise-separable convolutions (Howard et al. 2017): each filters its own channel, a 1×1 one mixes them.

    hpstudy calls this with the shape of the images (channels, height, width) and the number of classes. `dropout` is a
    setting of every study; the others become settings as `custom_architecture.py:separable.width` and `.blocks`.

    Args:
        input_shape: (channels, height, width) of an image.
        n_classes: Number of classes.
        dropout: Share of the averaged features that is left out before the last layer, in [0, 1).
        width: Channels after the first convolution; every block doubles them.
        blocks: Each halves height and width.

    Returns:
        A model from float images [batch, channels, height, width] to logits [batch, classes].
    """
    layers: list[nn.Module] = [nn.Conv2d(input_shape[0], width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
    channels = width
    for _ in range(blocks):
        layers += [*_separable(channels, 2 * channels), nn.MaxPool2d(2), nn.ReLU()]
        channels *= 2
    last = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(channels, n_classes)]
    return nn.Sequential(*layers, *last)


def _separable(channels: int, channels_out: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels),
        nn.Conv2d(channels, channels_out, 1),
        nn.BatchNorm2d(channels_out),
    ]
