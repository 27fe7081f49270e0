"""Images on their way through Ray's object store: the same values, and no copy."""

from __future__ import annotations

from dataclasses import replace

import torch

from hpstudy.datasets.images import TrainingData
from hpstudy.executors.ray_images import pack, unpack


def test_values_and_memory_stay(data: TrainingData) -> None:
    packed = pack(data)
    for array in (packed.train.images, packed.train.labels):
        array.flags.writeable = False  # as the object store's are; torch would warn
    again = unpack(packed)
    assert torch.equal(again.train.images, data.train.images)
    assert torch.equal(again.evaluation.labels, data.evaluation.labels)
    assert again.train.images.data_ptr() == data.train.images.data_ptr()
    assert (again.preparation, again.class_names) == (data.preparation, ("dark", "bright"))


def test_a_repeated_grey_channel_travels_once(data: TrainingData) -> None:
    wide = replace(data, train=replace(data.train, images=data.train.images.expand(-1, 3, -1, -1)))
    packed = pack(wide)
    assert packed.train.images.shape == (64, 1, 8, 8)
    again = unpack(packed).train.images
    assert torch.equal(again, wide.train.images)
    assert (again.shape, again.stride(1)) == ((64, 3, 8, 8), 0)
