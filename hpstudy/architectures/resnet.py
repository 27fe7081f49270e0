"""Two residual blocks (He et al. 2016, without batch norm) for small images."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

from hpstudy.architectures.sizes import feature_map


def resnet_mini(input_shape: tuple[int, int, int], n_classes: int, *, dropout: float = 0.0) -> nn.Module:
    """Two convolutions, each followed by a residual block; 41,514 parameters on 1×28×28 images of 10 classes.

    Args:
        input_shape: (channels, height, width); height and width at least 16.
        n_classes: Number of classes.
        dropout: Share of the last feature map that is left out before the linear layer, in [0, 1);
            0 as published.

    Returns:
        A model from float images [batch, channels, height, width] to logits [batch, classes].

    Raises:
        InputError: The image is too small.
    """
    features = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(input_shape[0], 16, 5),
            relu1=nn.ReLU(inplace=True),
            pool1=nn.MaxPool2d(2),
            residual1=Residual(16),
            conv2=nn.Conv2d(16, 32, 5),
            relu2=nn.ReLU(inplace=True),
            pool2=nn.MaxPool2d(2),
            residual2=Residual(32),
        )
    )
    height, width = feature_map("resnet-mini", features, input_shape)
    return nn.Sequential(
        OrderedDict(
            features=features,
            flatten=nn.Flatten(),
            dropout=nn.Dropout(dropout),
            linear=nn.Linear(32 * height * width, n_classes),
        )
    )


class Residual(nn.Module):
    """Convolution, ReLU, convolution, plus the input, ReLU; both 3×3, so that the shape stays."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """ReLU(images + conv2(ReLU(conv1(images)))).

        Args:
            images: Float [batch, channels, height, width].

        Returns:
            Float, of the same shape.
        """
        change: torch.Tensor = self.conv2(F.relu(self.conv1(images)))
        return F.relu(images + change)
