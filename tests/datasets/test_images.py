from __future__ import annotations

import pytest
import torch

from hpstudy.datasets.images import LabelledImages, TrainingData, select
from hpstudy.datasets.preparation import Preparation
from hpstudy.datasets.resizing import resize


def grey(n: int) -> LabelledImages:
    pixels = torch.arange(n * 4, dtype=torch.uint8).view(n, 1, 2, 2)
    return LabelledImages(pixels, torch.arange(n) % 2, ("even", "odd"), {"file": "0" * 64})


def repeated(n: int) -> LabelledImages:
    data = grey(n)
    return LabelledImages(data.images.expand(-1, 3, -1, -1), data.labels, data.class_names, data.checksums)


def test_a_selection_is_in_the_order_asked_and_keeps_the_rest() -> None:
    chosen = select(grey(5), torch.tensor([4, 1]))
    assert len(chosen) == 2
    assert chosen.images[:, 0, 0, 0].tolist() == [16, 4]
    assert chosen.labels.tolist() == [0, 1]
    assert (chosen.class_names, dict(chosen.checksums)) == (("even", "odd"), {"file": "0" * 64})


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_repeated_channel_keeps_one_channel_of_memory(device: str) -> None:
    moved = select(repeated(4), torch.tensor([3, 0])).to(device)
    assert moved.images.shape == (2, 3, 2, 2)
    assert moved.images.untyped_storage().nbytes() == 2 * 4
    assert moved.labels.device.type == device


@pytest.mark.parametrize(("size", "shape"), [(None, (3, 2, 2)), (64, (3, 64, 64))])
def test_training_data_knows_the_network_input(size: int | None, shape: tuple[int, int, int]) -> None:
    data = TrainingData(repeated(4), repeated(2), Preparation(None, size)).to("cpu")
    assert data.input_shape == shape
    assert data.n_classes == 2
    assert data.class_names == ("even", "odd")


def test_resizing_averages_and_rounds() -> None:
    images = torch.tensor([[0, 1], [255, 255]], dtype=torch.uint8).view(1, 1, 2, 2)
    # The mean of four pixels is 127.75.
    assert resize(images, height=1, width=1).flatten().tolist() == [128]


def test_padding_brings_zeros_in_from_the_edge() -> None:
    white = torch.full((2, 1, 4, 4), 255, dtype=torch.uint8)
    result = resize(white, height=4, width=4, padding=4)
    assert result.shape == (2, 1, 4, 4)
    assert result[0, 0, 0, 0].item() == 0
    # The triangle filter of three pixels either side sees two thirds of white in each direction: 255 · 4/9.
    assert result[0, 0, 1, 1].item() == result[0, 0, 2, 2].item() == 113


def test_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.randint(0, 256, (7, 3, 9, 9), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    whole = resize(images, height=5, width=5, padding=1)
    monkeypatch.setattr("hpstudy.datasets.resizing._CHUNK_PIXELS", 800)
    assert torch.equal(resize(images, height=5, width=5, padding=1), whole)
