from __future__ import annotations

import pytest
import torch

from hpstudy.datasets.augmentation import augment, padding_of

KINDS = ("none", "flip", "crop", "crop_flip")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def one_by_one(images: torch.Tensor, kind: str, generator: torch.Generator) -> torch.Tensor:
    """The same draws, applied to each image in a loop over pixels' rows."""
    batch, _, height, width = images.shape
    result = images.clone()
    if "crop" in kind:
        padding = padding_of(height)
        rows = torch.randint(2 * padding + 1, (batch,), generator=generator).tolist()
        columns = torch.randint(2 * padding + 1, (batch,), generator=generator).tolist()
        for index in range(batch):
            canvas = torch.zeros(images.shape[1], height + 2 * padding, width + 2 * padding, dtype=torch.uint8)
            canvas[:, padding : padding + height, padding : padding + width] = result[index]
            row, column = rows[index], columns[index]
            result[index] = canvas[:, row : row + height, column : column + width]
    if "flip" in kind:
        for index, flipped in enumerate(torch.randint(2, (batch,), generator=generator).tolist()):
            if flipped:
                result[index] = result[index].flip(2)
    return result


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(40, 1, 28, 28), (17, 3, 32, 32), (9, 1, 8, 8), (5, 3, 20, 12)])
def test_a_batch_changes_as_its_images_one_by_one(kind: str, shape: tuple[int, ...]) -> None:
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=seeded(5))
    before = images.clone()
    result = augment(images, kind=kind, generator=seeded(1))
    assert torch.equal(result, one_by_one(images, kind, seeded(1)))
    assert result.dtype == torch.uint8
    assert torch.equal(images, before)


@pytest.mark.parametrize("kind", ["flip", "crop", "crop_flip"])
def test_images_of_a_batch_change_differently(kind: str) -> None:
    image = torch.randint(0, 256, (1, 1, 28, 28), dtype=torch.uint8, generator=seeded(2))
    result = augment(image.repeat(64, 1, 1, 1), kind=kind, generator=seeded(3))
    n_different = len({bytes(picture.flatten().tolist()) for picture in result})
    # 64 draws from 81 places hit 44 of them on average, from 162 places 53.
    low, high = {"flip": (2, 2), "crop": (36, 52), "crop_flip": (44, 61)}[kind]
    assert low <= n_different <= high


def test_half_of_the_images_are_mirrored() -> None:
    image = torch.tensor([1, 2], dtype=torch.uint8).view(1, 1, 1, 2).repeat(4000, 1, 1, 1)
    mirrored = augment(image, kind="flip", generator=seeded(4))[:, 0, 0, 0] == 2
    assert 0.47 < mirrored.float().mean().item() < 0.53


def test_none_returns_the_batch_itself_and_draws_nothing() -> None:
    images = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    generator = seeded(9)
    assert augment(images, kind="none", generator=generator) is images
    assert torch.equal(generator.get_state(), seeded(9).get_state())


def test_a_repeated_grey_channel_stays_equal_in_all_three() -> None:
    grey = torch.randint(0, 256, (6, 1, 16, 16), dtype=torch.uint8, generator=seeded(6))
    result = augment(grey.expand(-1, 3, -1, -1), kind="crop_flip", generator=seeded(7))
    assert torch.equal(result, augment(grey, kind="crop_flip", generator=seeded(7)).expand(-1, 3, -1, -1))


@pytest.mark.parametrize(("height", "padding"), [(4, 1), (8, 1), (15, 1), (16, 4), (28, 4), (224, 4)])
def test_padding_fits_the_height(height: int, padding: int) -> None:
    assert padding_of(height) == padding


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="augment: no kind 'rotate'; known: none, flip, crop, crop_flip"):
        augment(torch.zeros(1, 1, 4, 4, dtype=torch.uint8), kind="rotate", generator=seeded())
