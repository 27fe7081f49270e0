"""Street View House Numbers, from the MATLAB files of its makers."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from scipy.io import loadmat

from hpstudy.datasets.files import SVHN_FILES, absent, damaged, difference, home_of, md5, read, sha256
from hpstudy.datasets.images import LabelledImages
from hpstudy.spec.study import DatasetSpec
from hpstudy.torchvision_repair import import_torchvision

_CLASSES = tuple("0123456789")


def load_svhn(folder: Path, spec: DatasetSpec, split: Literal["train", "test"]) -> LabelledImages:
    """Street View House Numbers, cropped digits (Netzer and others 2011): uint8 [73257 or 26032, 3, 32, 32].

    Args:
        folder: The data folder.
        spec: Names the data set; nothing else of it is used.
        split: Which part; the file of the other is not opened.

    Returns:
        Images in the official order; the file's label 10 is the digit 0.

    Raises:
        DataError: The file is absent or not the official one.
    """
    return read_svhn(folder, split=split, sum_md5=svhn_sums()[split])


def svhn_sums() -> Mapping[str, str]:
    """The official MD5 of each part's file, as torchvision carries them."""
    listed = import_torchvision().datasets.SVHN.split_list
    sums = {file: official for _, file, official in listed.values()}
    return {split: sums[file] for split, file in SVHN_FILES.items()}


def read_svhn(folder: Path, *, split: Literal["train", "test"], sum_md5: str) -> LabelledImages:
    """One part of SVHN from its MATLAB file.

    Args:
        folder: The data folder.
        split: Which part.
        sum_md5: The MD5 that the file must have.

    Returns:
        Images, labels and the checksum of the file.

    Raises:
        DataError: The file is absent or has another sum.
    """
    path = home_of("svhn", folder=folder) / SVHN_FILES[split]
    if not path.is_file():
        raise absent("svhn", folder=folder, missing=(path,) if path.parent.is_dir() else ())
    content = read(path)
    if md5(content) != sum_md5:
        raise damaged("svhn", facts={path: difference(content, expected=sum_md5, found=md5(content))})
    matrices = loadmat(io.BytesIO(content))
    images = np.ascontiguousarray(matrices["X"].transpose(3, 2, 0, 1))
    labels = matrices["y"].astype(np.int64).reshape(-1) % 10
    return LabelledImages(torch.from_numpy(images), torch.from_numpy(labels), _CLASSES, {path.name: sha256(content)})
