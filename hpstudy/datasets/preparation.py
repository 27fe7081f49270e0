"""From a batch of uint8 images to the network's input: what grows the data is done here, on the batch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from hpstudy.spec.study import Normalization


@dataclass(frozen=True)
class Preparation:
    """How a batch becomes the network's input.

    Attributes:
        normalize: Pixels in [0, 1] become (x - mean) / std; None leaves them in [0, 1].
        image_size: Side in pixels of the square that images are resized to; None keeps their size.
    """

    normalize: Normalization | None
    image_size: int | None


def prepare(images: Tensor, *, preparation: Preparation) -> Tensor:
    """The network's input for a batch: pixels in [0, 1], resized where asked, then (x - mean) / std.

    The normalisation is one multiplication and one addition, x * scale + shift with scale = 1 / (255 std)
    and shift = -mean / std. It comes before the resizing, which changes nothing (bilinear weights add up to
    1) and touches fewer pixels, and before the change to channels-last, where a factor for each
    channel takes twice as long (a batch of 256 pictures of 3×32×32 on one thread: 2.4 ms against 1.2 ms).

    Args:
        images: uint8 [B, C, H, W] on any device; C as many as the normalisation has values, or any where it
            has one.
        preparation: What to do.

    Returns:
        float32 [B, C, H', W'] in channels-last layout on the same device. H' and W' are `image_size`, or H
        and W. Resizing is bilinear with torch's `align_corners=False`.
    """
    scale, shift = _factors(preparation.normalize, images.device)
    pixels = images.to(torch.float32).mul_(scale).add_(shift)
    size = preparation.image_size
    if size is not None and pixels.shape[2:] != (size, size):
        pixels = F.interpolate(pixels, size=(size, size), mode="bilinear", align_corners=False)
    return pixels.to(memory_format=torch.channels_last)


# Kept between batches: a GPU would otherwise wait for two small copies from the host in every step.
@lru_cache(maxsize=32)
def _factors(normalize: Normalization | None, device: torch.device) -> tuple[Tensor, Tensor]:
    """Scale and shift, float32 [C or 1, 1, 1] on a device; computed in float64."""
    mean, std = (normalize.mean, normalize.std) if normalize else ((0.0,), (1.0,))
    means = torch.tensor(mean, dtype=torch.float64).reshape(-1, 1, 1)
    stds = torch.tensor(std, dtype=torch.float64).reshape(-1, 1, 1)
    return (1 / (255 * stds)).to(device, torch.float32), (-means / stds).to(device, torch.float32)
