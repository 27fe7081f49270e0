"""Resizing of a whole set of images, once, when it is loaded."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_CHUNK_PIXELS = 16_000_000  # float32 copies of at most 64 MB at a time


def resize(images: Tensor, *, height: int, width: int, padding: int = 0) -> Tensor:
    """The images in another size, after zero padding.

    Args:
        images: uint8 [N, C, H, W].
        height: Of the result, in pixels.
        width: Of the result, in pixels.
        padding: Zero pixels added on each of the four sides first.

    Returns:
        uint8 [N, C, height, width]: antialiased bilinear, rounded to the nearest whole value. Worked in
        chunks, so that memory is needed for two or three of them in float32 beside the result.
    """
    count, channels = images.shape[:2]
    result = torch.empty((count, channels, height, width), dtype=torch.uint8)
    pixels = channels * max(height * width, (images.shape[2] + 2 * padding) * (images.shape[3] + 2 * padding))
    chunk = max(1, _CHUNK_PIXELS // pixels)
    for start in range(0, count, chunk):
        part = F.pad(images[start : start + chunk].to(torch.float32), (padding,) * 4)
        resized = F.interpolate(part, size=(height, width), mode="bilinear", antialias=True, align_corners=False)
        result[start : start + chunk] = resized.round_().clamp_(0, 255).to(torch.uint8)
    return result
