"""Layer tables and listings on narrow terminals."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pytest
from rich.console import Console

from hpstudy.spec.catalogue import ARCHITECTURES, DATASETS
from hpstudy.terminal.models import architecture_list, dataset_list, layer_table


@dataclass(frozen=True)
class Layer:
    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    mult_adds: int


LAYERS = [
    Layer("layer4.0.downsample.0", "AdaptiveAvgPool2d", (512, 28, 28), 11_176_512, 1_814_073_344),
    Layer("fc", "Linear", (10,), 5130, 5130),
]


def printed(renderable, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    console.print(renderable)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 69, 120])
def test_a_layer_table_is_not_cut_and_its_numbers_stay_whole(width: int) -> None:
    text = printed(layer_table(LAYERS, input_shape=(3, 224, 224)), width)
    assert "…" not in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    for number in ("512×28×28", "11,176,512", "1,814,073,344", "3×224×224"):
        assert number in text
    if width == 120:
        assert "layer4.0.downsample.0" in text


def test_listings_are_not_cut() -> None:
    for listing in (architecture_list(ARCHITECTURES), dataset_list([(row, "absent") for row in DATASETS])):
        text = printed(listing, 60)
        assert "…" not in text.replace(", 32, 64, … ", "")  # the row of cnn has it
        assert max(len(line.rstrip()) for line in text.splitlines()) <= 60
