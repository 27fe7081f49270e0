from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from hpstudy.datasets.preparation import Preparation, prepare
from hpstudy.spec.study import Normalization

RGB = Normalization((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616))


@pytest.mark.parametrize(
    ("channels", "normalize"),
    [
        (1, Normalization((0.5,), (0.5,))),
        (3, Normalization((0.5,), (0.5,))),
        (3, RGB),
        (1, Normalization((0.1307,), (0.3081,))),
    ],
)
def test_the_numbers_are_those_of_the_plain_formula(channels: int, normalize: Normalization) -> None:
    images = torch.arange(2 * channels * 16 * 16).remainder(256).to(torch.uint8).reshape(2, channels, 16, 16)
    mean = torch.tensor(normalize.mean, dtype=torch.float64).view(-1, 1, 1)
    std = torch.tensor(normalize.std, dtype=torch.float64).view(-1, 1, 1)
    result = prepare(images, preparation=Preparation(normalize, None))
    assert result.dtype == torch.float32
    assert result.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(result.double(), (images / 255.0 - mean) / std, rtol=0, atol=1e-6)


def test_without_normalisation_pixels_lie_in_zero_to_one() -> None:
    images = torch.tensor([0, 51, 128, 255], dtype=torch.uint8).view(1, 1, 2, 2)
    result = prepare(images, preparation=Preparation(None, None))
    assert result.flatten().tolist() == pytest.approx([0.0, 0.2, 128 / 255, 1.0], abs=1e-7)


def test_a_half_and_a_half_maps_to_minus_one_and_one() -> None:
    images = torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 1, 2)
    result = prepare(images, preparation=Preparation(Normalization((0.5,), (0.5,)), None))
    assert result.flatten().tolist() == pytest.approx([-1.0, 1.0], abs=1e-6)


def test_images_grow_to_the_size_asked() -> None:
    images = torch.randint(0, 256, (3, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    result = prepare(images, preparation=Preparation(RGB, 20))
    mean, std = torch.tensor(RGB.mean).view(-1, 1, 1), torch.tensor(RGB.std).view(-1, 1, 1)
    grown = F.interpolate(images / 255.0, size=(20, 20), mode="bilinear", align_corners=False)
    assert result.shape == (3, 3, 20, 20)
    assert result.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(result, (grown - mean) / std, rtol=0, atol=2e-6)


def test_the_batch_is_not_written_to_and_a_repeated_channel_works() -> None:
    grey = torch.tensor([[0, 255], [51, 102]], dtype=torch.uint8).view(1, 1, 2, 2)
    repeated = grey.expand(-1, 3, -1, -1)
    result = prepare(repeated, preparation=Preparation(None, None))
    assert grey.flatten().tolist() == [0, 255, 51, 102]
    assert torch.equal(result[:, 0], result[:, 2])
    assert result[0, 1].flatten().tolist() == pytest.approx([0.0, 1.0, 0.2, 0.4], abs=1e-7)
