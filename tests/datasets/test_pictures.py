from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import ExifTags, Image

from hpstudy.datasets.pictures import PictureError, PictureShape, read_pixels, read_shape


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def of(values: object, dtype: type) -> Image.Image:
    return Image.fromarray(np.array(values, dtype=dtype))


NOISE_JPEG = saved(of(np.random.default_rng(0).integers(0, 256, (40, 40)), np.uint8), "JPEG")
PALETTE = Image.new("P", (1, 1), 1)
PALETTE.putpalette([0, 0, 0, 10, 20, 30])


@pytest.mark.parametrize(
    ("content", "channels", "pixel"),
    [
        (saved(Image.new("L", (1, 1), 77)), 1, [77]),
        (saved(Image.new("1", (1, 1), 1)), 1, [255]),
        (saved(Image.new("LA", (1, 1), (77, 0))), 1, [77]),
        (saved(Image.new("RGB", (1, 1), (1, 2, 3))), 3, [1, 2, 3]),
        (saved(Image.new("RGBA", (1, 1), (1, 2, 3, 0))), 3, [1, 2, 3]),
        (saved(PALETTE), 3, [10, 20, 30]),
        (saved(Image.new("CMYK", (1, 1), (0, 255, 255, 0)), "TIFF"), 3, [255, 0, 0]),
        (saved(of([[65535]], np.uint16)), 1, [255]),
        (saved(of([[32896]], np.uint16)), 1, [128]),
        (saved(of([[257]], np.uint16), "TIFF"), 1, [1]),
        (saved(of([[65535]], np.int32), "TIFF"), 1, [255]),
        (saved(Image.new("RGB", (1, 1), (9, 9, 9)), "BMP"), 3, [9, 9, 9]),
        (saved(Image.new("RGB", (1, 1), (9, 9, 9)), "WEBP", lossless=True), 3, [9, 9, 9]),
        (saved(Image.new("L", (1, 1), 5), "PPM"), 1, [5]),
    ],
)
def test_every_kind_of_picture_becomes_bytes(content: bytes, channels: int, pixel: list[int]) -> None:
    assert read_shape(content) == PictureShape(1, 1, channels)
    pixels = read_pixels(content, channels=channels, size=None)
    assert pixels.dtype == np.uint8
    assert pixels.tolist() == [[[value]] for value in pixel]


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (3, (1, 2)), (6, (0, 1)), (8, (2, 0))])
def test_the_exif_rotation_is_applied(orientation: int, corner: tuple[int, int]) -> None:
    image = Image.new("L", (3, 2), 0)
    image.putpixel((0, 0), 255)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    content = saved(image, exif=exif)
    pixels = read_pixels(content, channels=1, size=None)
    shape = read_shape(content)
    assert pixels.shape == (1, shape.height, shape.width)
    assert np.argwhere(pixels[0] == 255).tolist() == [list(corner)]


def test_resizing_is_antialiased_and_leaves_the_aspect() -> None:
    stripes = np.zeros((4, 8), dtype=np.uint8)
    stripes[:, ::2] = 255
    pixels = read_pixels(saved(of(stripes, np.uint8)), channels=1, size=2)
    assert pixels.shape == (1, 2, 2)
    assert all(110 < value < 150 for value in pixels.flatten().tolist())


def test_one_frame_of_several_is_taken() -> None:
    frames = [Image.new("L", (2, 2), value) for value in (10, 200)]
    content = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert read_pixels(content, channels=1, size=None).flatten().tolist() == [10] * 4


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"", "an empty file"),
        (b"hello", "no picture"),
        (b"<html>", "no picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 2 2\n", "no picture"),
        (saved(Image.new("RGB", (9, 9)))[:48], "broken or cut short"),
        (NOISE_JPEG[: len(NOISE_JPEG) // 2], "broken or cut short .*truncated"),
        (saved(of([[0.5]], np.float32), "TIFF"), "its pixels are fractions"),
        (saved(of([[70_000]], np.int32), "TIFF"), "more than 16 bits"),
    ],
)
def test_what_cannot_become_bytes_is_refused(content: bytes, fact: str) -> None:
    with pytest.raises(PictureError, match=fact):
        read_pixels(content, channels=3, size=None)


@pytest.mark.parametrize("limit", [100, 60])
def test_a_picture_too_large_to_be_meant_is_an_error(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    content = saved(Image.new("L", (11, 11)))  # 121 pixels: Pillow warns above the limit, refuses above its double
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(PictureError, match=f"more than {limit} pixels"):
        read_shape(content)
