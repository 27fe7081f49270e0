"""Two Inception blocks (Szegedy et al. 2015) for small images, without activation inside a block."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from hpstudy.architectures.sizes import feature_map


def inception_mini(input_shape: tuple[int, int, int], n_classes: int, *, dropout: float = 0.0) -> nn.Module:
    """Two convolutions, each followed by an Inception block; 97,298 parameters on 1×28×28 and 10 classes.

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
            conv1=nn.Conv2d(input_shape[0], 10, 5),
            pool1=nn.MaxPool2d(2),
            relu1=nn.ReLU(inplace=True),
            inception1=Inception(10),
            conv2=nn.Conv2d(Inception.channels_out, 20, 5),
            pool2=nn.MaxPool2d(2),
            relu2=nn.ReLU(inplace=True),
            inception2=Inception(20),
        )
    )
    height, width = feature_map("inception-mini", features, input_shape)
    return nn.Sequential(
        OrderedDict(
            features=features,
            flatten=nn.Flatten(),
            dropout=nn.Dropout(dropout),
            linear=nn.Linear(Inception.channels_out * height * width, n_classes),
        )
    )


class Inception(nn.Module):
    """Four branches side by side: 1×1; 5×5; two 3×3; average pool. It keeps height and width."""

    channels_out = 16 + 24 + 24 + 24

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch1x1 = nn.Conv2d(channels, 16, 1)
        self.branch5x5 = nn.Sequential(nn.Conv2d(channels, 16, 1), nn.Conv2d(16, 24, 5, padding=2))
        self.branch3x3 = nn.Sequential(
            nn.Conv2d(channels, 16, 1),
            nn.Conv2d(16, 24, 3, padding=1),
            nn.Conv2d(24, 24, 3, padding=1),
        )
        self.branch_pool = nn.Sequential(nn.AvgPool2d(3, stride=1, padding=1), nn.Conv2d(channels, 24, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The branches' feature maps joined.

        Args:
            images: Float [batch, channels, height, width].

        Returns:
            Float [batch, 88, height, width]: 16 of 1×1, 24 of 5×5, 24 of 3×3, 24 of the pool branch.
        """
        branches = (self.branch1x1, self.branch5x5, self.branch3x3, self.branch_pool)
        return torch.cat([branch(images) for branch in branches], dim=1)
