"""A plain network: blocks of convolution, batch norm, ReLU and pooling, then one linear layer."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from hpstudy.architectures.sizes import too_small

_FIRST_KERNELS = 16


def cnn(input_shape: tuple[int, int, int], n_classes: int, *, dropout: float = 0.0, blocks: int = 2) -> nn.Module:
    """Convolution blocks with batch norm; 34,634 parameters on 3×32×32 images of 10 classes.

    Args:
        input_shape: (channels, height, width); height and width at least 2 ** `blocks`.
        n_classes: Number of classes.
        dropout: Share of the last feature map that is left out before the linear layer, in [0, 1);
            0 as published.
        blocks: Number of blocks, at least 1; they have 16, 32, 64, … kernels of 5×5 and halve the image.

    Returns:
        A model from float images [batch, channels, height, width] to logits [batch, classes].

    Raises:
        InputError: The image is too small for so many blocks.
    """
    channels, height, width = input_shape
    # Before any layer is made: each block has four times the weights of the one before.
    if min(height, width) < 2**blocks:
        raise too_small(f"cnn with {blocks} blocks", input_shape, smallest=2**blocks)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for block in range(1, blocks + 1):
        kernels = _FIRST_KERNELS * 2 ** (block - 1)
        layers[f"conv{block}"] = nn.Conv2d(channels, kernels, 5, padding=2)
        layers[f"norm{block}"] = nn.BatchNorm2d(kernels)
        layers[f"relu{block}"] = nn.ReLU(inplace=True)
        layers[f"pool{block}"] = nn.MaxPool2d(2)
        channels = kernels
    return nn.Sequential(
        OrderedDict(
            features=nn.Sequential(layers),
            flatten=nn.Flatten(),
            dropout=nn.Dropout(dropout),
            linear=nn.Linear(channels * (height >> blocks) * (width >> blocks), n_classes),
        )
    )
