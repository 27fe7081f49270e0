"""One picture file, decoded with Pillow to bytes of grey or of red, green and blue."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
"""What is opened; Pillow's others (some run programs of their own) are not."""

MOST_PIXELS = Image.MAX_IMAGE_PIXELS or 0
"""No larger picture is decoded: Pillow's limit, 89 million."""

MOST_BYTES = 4 * MOST_PIXELS
"""Of a file: the largest picture, in four channels and not compressed."""

_GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N")
_TURNED = (5, 6, 7, 8)  # the EXIF orientations that exchange width and height

# What Pillow raises on broken files: it parses with struct, zlib and plain indexing.
_BROKEN = (
    ArithmeticError,
    EOFError,
    Image.DecompressionBombError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,
    struct.error,
    zlib.error,
)


class PictureError(Exception):
    """What is wrong with one picture, as a clause."""


@dataclass(frozen=True)
class PictureShape:
    """What a picture's header says.

    Attributes:
        width: In pixels, after the EXIF rotation.
        height: In pixels, after the EXIF rotation.
        channels: 1 where the file's mode is grey, 3 otherwise (a palette counts as colour).
    """

    width: int
    height: int
    channels: int


def read_shape(content: bytes) -> PictureShape:
    """Size and channels from a picture's header, its pixels not decoded.

    Args:
        content: The file's bytes.

    Returns:
        The shape that `read_pixels` gives without a size.

    Raises:
        PictureError: The file is empty, no picture, or too large to be meant.
    """
    with _opened(content) as image:
        turned = image.getexif().get(ExifTags.Base.Orientation) in _TURNED
        width, height = image.size[::-1] if turned else image.size
        return PictureShape(width, height, channels=1 if image.mode in _GREY_MODES else 3)


def read_pixels(content: bytes, *, channels: int, size: int | None) -> NDArray[np.uint8]:
    """A picture's pixels.

    The EXIF rotation is applied; 16-bit grey is scaled to 8 bits; palettes and CMYK become RGB; transparency
    is dropped; of several frames the first is taken.

    Args:
        content: The file's bytes.
        channels: 1 for grey (colour becomes its luma), 3 for RGB.
        size: Side of the square that the picture is resized to, antialiased, its aspect not kept; None keeps
            its own width and height.

    Returns:
        uint8 [channels, height, width].

    Raises:
        PictureError: The file is no picture, broken, cut short, or of a kind that cannot become bytes.
    """
    with _opened(content) as image:
        upright = ImageOps.exif_transpose(image)
        plain = _as_bytes(upright).convert("L" if channels == 1 else "RGB")
        if size is not None and plain.size != (size, size):
            plain = plain.resize((size, size), Image.Resampling.BILINEAR)
        pixels = np.asarray(plain)
    return pixels[np.newaxis] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


@contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    """The open picture; whatever Pillow raises on a bad one becomes a PictureError."""
    if not content:
        raise PictureError("an empty file")
    with warnings.catch_warnings():
        # Pillow warns of oddities that do no harm; a picture large enough to fill the memory is an error
        # here.
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                yield image
        except UnidentifiedImageError as error:
            raise PictureError("no picture") from error
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise PictureError(f"more than {Image.MAX_IMAGE_PIXELS} pixels") from error
        except _BROKEN as error:
            raise PictureError(f"broken or cut short ({error})") from error


def _as_bytes(image: Image.Image) -> Image.Image:
    """A picture with 8 bits a value."""
    if image.mode == "F":
        raise PictureError("its pixels are fractions; save it with 8 or 16 bits")
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65_535:
        raise PictureError("its pixels have more than 16 bits; save it with 8 or 16")
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))
