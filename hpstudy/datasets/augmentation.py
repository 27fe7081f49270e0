"""Random changes of the training images, drawn for each image by itself."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_PADDING = 4
_SMALL = 16  # below this height, 4 pixels would move too much of the picture out of sight


def augment(images: Tensor, *, kind: str, generator: torch.Generator) -> Tensor:
    """The batch, changed at random.

    Args:
        images: uint8 [B, C, H, W] on any device; never written to.
        kind: `none`: as they are. `flip`: each mirrored left to right with probability 1/2. `crop`: each
            padded by zeros and cut back to its size at a place drawn evenly; the padding is 4 pixels a side,
            for a height below 16 an eighth of it, at least 1. `crop_flip`: crop, then flip.
        generator: On the CPU: the numbers are drawn there and moved, so a CPU and a GPU see the same draws. A
            crop draws B rows, then B columns; a flip draws B bits.

    Returns:
        uint8 [B, C, H, W] on the same device; with `none` the same tensor.

    Raises:
        ValueError: `kind` is none of the four.
    """
    if kind not in ("none", "flip", "crop", "crop_flip"):
        raise ValueError(f"augment: no kind {kind!r}; known: none, flip, crop, crop_flip")
    if kind in ("crop", "crop_flip"):
        images = _crop(images, generator)
    if kind in ("flip", "crop_flip"):
        images = _flip(images, generator)
    return images


def padding_of(height: int) -> int:
    """Pixels of zero padding on each side of a crop, for images of a height in pixels."""
    return _PADDING if height >= _SMALL else max(1, height // 8)


def _crop(images: Tensor, generator: torch.Generator) -> Tensor:
    batch, _, height, width = images.shape
    padding = padding_of(height)
    rows = _draw(2 * padding + 1, batch, generator).to(images.device)
    columns = _draw(2 * padding + 1, batch, generator).to(images.device)
    # A view of every possible crop, [B, C, places, places, H, W]; indexing it copies only the crops drawn.
    crops = F.pad(images, (padding,) * 4).unfold(2, height, 1).unfold(3, width, 1)
    return crops[torch.arange(batch, device=images.device), :, rows, columns]


def _flip(images: Tensor, generator: torch.Generator) -> Tensor:
    flipped = _draw(2, len(images), generator).to(images.device, torch.bool)
    return torch.where(flipped.view(-1, 1, 1, 1), images.flip(3), images)


def _draw(bound: int, count: int, generator: torch.Generator) -> Tensor:
    """`count` numbers drawn evenly from [0, bound), on the CPU."""
    return torch.randint(bound, (count,), generator=generator)
