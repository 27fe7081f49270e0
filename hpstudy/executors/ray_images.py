"""Images as numpy arrays: in Ray's object store, processes of one machine read these without a copy of their own."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from hpstudy.datasets.images import LabelledImages, TrainingData, stored_channels, with_channels
from hpstudy.datasets.preparation import Preparation


@dataclass(frozen=True, eq=False)
class PackedImages:
    """`LabelledImages` for the way.

    Attributes:
        images: uint8 [N, C, H, W]; C is 1 where a grey channel is repeated.
        n_channels: As the images had.
        labels: int64 [N].
        class_names: The classes in the order of their labels.
        checksums: Of the files read.
    """

    images: NDArray[Any]
    n_channels: int
    labels: NDArray[Any]
    class_names: tuple[str, ...]
    checksums: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class PackedData:
    """`TrainingData` for the way."""

    train: PackedImages
    evaluation: PackedImages
    preparation: Preparation


def pack(data: TrainingData) -> PackedData:
    """The data for the way; arrays share its memory where it lies on the CPU."""
    return PackedData(_packed(data.train), _packed(data.evaluation), data.preparation)


def unpack(packed: PackedData) -> TrainingData:
    """The data on the CPU, in the memory of the arrays; it must not be written to."""
    return TrainingData(_unpacked(packed.train), _unpacked(packed.evaluation), packed.preparation)


def _packed(data: LabelledImages) -> PackedImages:
    return PackedImages(
        images=stored_channels(data.images).cpu().numpy(),
        n_channels=data.images.shape[1],
        labels=data.labels.cpu().numpy(),
        class_names=data.class_names,
        checksums=dict(data.checksums),
    )


def _unpacked(packed: PackedImages) -> LabelledImages:
    images = with_channels(_tensor(packed.images), packed.n_channels)
    return LabelledImages(images, _tensor(packed.labels), packed.class_names, packed.checksums)


def _tensor(array: NDArray[Any]) -> Tensor:
    """The array as a tensor without a copy. torch warns of arrays that are read-only; nothing writes into images."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)
