"""Local response normalisation, at the speed of a convolution."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class LocalResponseNorm(nn.LocalResponseNorm):
    """PyTorch's layer of this name, its sum over neighbouring channels taken as a 1×1 convolution.

    x / (k + α/n · Σ x²)^β, the sum over the n channels around x's own (Krizhevsky, Sutskever and Hinton 2012,
    section 3.3, whose α is α/n here). PyTorch pads and pools in three dimensions, in float32 alone: on a processor
    that costs more than all of AlexNet's convolutions. What it gives is equal up to rounding.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - PyTorch's name
        """Images [batch, channels, height, width] of any float dtype, normalised; shape and dtype stay."""
        channels = input.shape[1]
        neighbours = input.new_ones(channels, channels).tril((self.size - 1) // 2).triu(-(self.size // 2))
        sums = functional.conv2d(input.square(), neighbours[:, :, None, None])
        return input * (self.k + self.alpha / self.size * sums).pow(-self.beta)
