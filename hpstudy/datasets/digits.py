"""The handwritten digits that scikit-learn carries."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from sklearn.datasets import load_digits as load_bunch

from hpstudy.datasets.images import LabelledImages
from hpstudy.datasets.splits import stratified_split
from hpstudy.spec.study import DatasetSpec

_CLASSES = tuple("0123456789")
_TEST_IMAGES = 360


def load_digits(folder: Path, spec: DatasetSpec, split: Literal["train", "test"]) -> LabelledImages:
    """The 1,797 handwritten 8×8 digits that scikit-learn carries: uint8 [1437 or 360, 1, 8, 8].

    Values 0 to 16 become 0 to 255 (times 255 / 16, rounded). The data set has no official test set: hpstudy
    holds out 360 images, stratified by class, the same ones for every study.

    Args:
        folder: Not used: the images come with scikit-learn.
        spec: Not used.
        split: Which part.

    Returns:
        The images in scikit-learn's order, without checksums.
    """
    bunch = load_bunch()
    pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    labels = torch.from_numpy(bunch.target.astype(np.int64))
    train, test = stratified_split(labels, share=_TEST_IMAGES / len(labels), seed=0)
    chosen = train if split == "train" else test
    images = torch.from_numpy(pixels).unsqueeze(1)[chosen]
    return LabelledImages(images, labels[chosen], class_names=_CLASSES, checksums={})
