"""Images with their labels in memory, and the two parts that a training sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from hpstudy.datasets.preparation import Preparation


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images and the class of each.

    Attributes:
        images: uint8 [N, C, H, W], C being 1 (grey) or 3 (red, green, blue). Grey pictures shown as RGB share
            one channel's memory (a stride of 0), so nothing may write into them.
        labels: int64 [N], each in [0, number of classes).
        class_names: The classes in the order of their labels.
        checksums: File name to the SHA-256 (hexadecimal) of each file read. `image_folder` has one entry for
            a part: over its sorted relative names and contents. Empty for images that came from no file.
    """

    images: Tensor
    labels: Tensor
    class_names: tuple[str, ...]
    checksums: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device | str) -> LabelledImages:
        """The same on another device; tensors that lie there already are not copied.

        Args:
            device: As torch takes it, for example `"cuda"`.

        Returns:
            Images and labels on that device. A repeated grey channel travels once and is repeated there.
        """
        channels = self.images.shape[1]
        moved = stored_channels(self.images).to(device)
        return replace(self, images=with_channels(moved, channels), labels=self.labels.to(device))


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What one training sees: the part it learns from and the part it is evaluated on.

    Attributes:
        train: Images that the network learns from.
        evaluation: The validation part of a search, the test set of a confirmation.
        preparation: What turns a batch of either into the network's input.
    """

    train: LabelledImages
    evaluation: LabelledImages
    preparation: Preparation

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of the network's input, after the preparation."""
        channels, height, width = self.train.images.shape[1:]
        size = self.preparation.image_size
        return (channels, height, width) if size is None else (channels, size, size)

    @property
    def n_classes(self) -> int:
        """Number of classes, those without an image in this part included."""
        return len(self.class_names)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of their labels."""
        return self.train.class_names

    def to(self, device: torch.device | str) -> TrainingData:
        """The same with both parts on another device."""
        return replace(self, train=self.train.to(device), evaluation=self.evaluation.to(device))


def select(data: LabelledImages, indices: Tensor) -> LabelledImages:
    """Some of the images, as a copy.

    Args:
        data: The images to choose from.
        indices: int64 [M], in [0, N); the order is that of the result.

    Returns:
        M images and labels. A grey channel that is repeated without memory stays so.
    """
    chosen = stored_channels(data.images)[indices]
    return replace(data, images=with_channels(chosen, data.images.shape[1]), labels=data.labels[indices])


def stored_channels(images: Tensor) -> Tensor:
    """The channels that have memory of their own: one where a grey channel is repeated."""
    return images[:, :1] if images.shape[1] > 1 and images.stride(1) == 0 else images


def with_channels(images: Tensor, channels: int) -> Tensor:
    """The images with their one channel repeated without memory, where there are fewer than asked."""
    return images if images.shape[1] == channels else images.expand(-1, channels, -1, -1)
