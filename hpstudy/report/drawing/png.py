"""Small pictures as PNG, written with the standard library: a report embeds them as they are."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray


def png_bytes(image: NDArray[np.uint8]) -> bytes:
    """An image as PNG.

    Args:
        image: uint8 [C, H, W]; C is 1 (grey) or 3 (red, green, blue).
    """
    channels, height, width = image.shape
    rows = np.ascontiguousarray(image.transpose(1, 2, 0)).reshape(height, width * channels)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)  # 0: no filter
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def image_url(image: NDArray[np.uint8]) -> str:
    """An image as a `data:` address, for a page that may load nothing."""
    return f"data:image/png;base64,{base64.b64encode(png_bytes(image)).decode()}"


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
