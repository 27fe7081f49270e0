"""Images in shared memory: the same images, once."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from hpstudy.datasets.images import TrainingData
from hpstudy.errors import InputError
from hpstudy.executors.sharing import share


def test_tensors_are_shared_in_place(data: TrainingData) -> None:
    wide = data.train.images.clone().expand(-1, 3, -1, -1)  # a grey channel shown as RGB has a stride of 0
    before = wide.clone()
    images = replace(data, train=replace(data.train, images=wide))
    share(images)
    assert wide.is_shared()
    assert images.train.labels.is_shared()
    assert images.evaluation.images.is_shared()
    assert wide.stride() == (64, 0, 8, 1)
    assert wide.untyped_storage().nbytes() == 64 * 64
    assert torch.equal(wide, before)


def test_too_little_shared_memory_is_told(data: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_tensor: torch.Tensor) -> None:
        raise RuntimeError("unable to allocate shared memory(shm): No space left on device (28)")

    monkeypatch.setattr(torch.Tensor, "share_memory_", refuse)
    with pytest.raises(InputError, match=r"--workers: the images \(0 MB\) do not fit into shared memory.*--shm-size"):
        share(data)
