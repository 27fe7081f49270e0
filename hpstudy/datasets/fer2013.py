"""FER2013, faces and their expressions, from the table that the user brings from Kaggle."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from hpstudy.datasets.files import FER2013_FILES, absent, damaged, difference, home_of, md5, read, sha256
from hpstudy.datasets.images import LabelledImages
from hpstudy.spec.study import DatasetSpec
from hpstudy.torchvision_repair import import_torchvision

_EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def load_fer2013(folder: Path, spec: DatasetSpec, split: Literal["train", "test"]) -> LabelledImages:
    """FER2013 (Goodfellow and others 2013), seven expressions: uint8 [28709 or 7178, 1, 48, 48].

    The test set is Kaggle's public and private test together. Both parts lie in one file: the other part's
    rows are passed over undecoded.

    Args:
        folder: The data folder.
        spec: Names the data set; nothing else of it is used.
        split: Which part.

    Returns:
        Images in the file's order.

    Raises:
        DataError: Neither of Kaggle's files is there, or it is not the official one.
    """
    return read_fer2013(folder, split=split, sums=fer2013_sums())


def fer2013_sums() -> Mapping[str, str]:
    """File name to official MD5 of the accepted files, as torchvision carries them."""
    # torchvision has no public name for this table; without one, a copy of it would have to stand here.
    table = vars(import_torchvision().datasets.FER2013)["_RESOURCES"]
    return {name: sum_md5 for name, sum_md5 in table.values() if name in FER2013_FILES}


def read_fer2013(folder: Path, *, split: Literal["train", "test"], sums: Mapping[str, str]) -> LabelledImages:
    """One part of FER2013 from Kaggle's table.

    Args:
        folder: The data folder.
        split: Which part.
        sums: File name to the MD5 that it must have.

    Returns:
        Images, labels and the checksum of the file.

    Raises:
        DataError: No accepted file is there, or it has another sum.
    """
    home = home_of("fer2013", folder=folder)
    path = next((home / name for name in FER2013_FILES if (home / name).is_file()), None)
    if path is None:
        raise absent("fer2013", folder=folder, missing=())
    content = read(path)
    if md5(content) != sums[path.name]:
        fact = difference(content, expected=sums[path.name], found=md5(content))
        raise damaged("fer2013", facts={path: fact})
    pixels, labels = zip(*_faces(content, split), strict=True)
    return LabelledImages(
        images=torch.from_numpy(np.stack(pixels).reshape(-1, 1, 48, 48)),
        labels=torch.tensor(labels, dtype=torch.int64),
        class_names=_EXPRESSIONS,
        checksums={path.name: sha256(content)},
    )


def _faces(content: bytes, split: Literal["train", "test"]) -> Iterator[tuple[NDArray[np.uint8], int]]:
    """Pixels [2304] and label of each row of one part."""
    rows = csv.reader(io.StringIO(content.decode("ascii")))
    # icml_face_data.csv has a space before its names.
    columns = {name.strip(): number for number, name in enumerate(next(rows))}
    usages = ("Training",) if split == "train" else ("PublicTest", "PrivateTest")
    for row in rows:
        if row[columns["Usage"]] in usages:
            pixels = np.array(row[columns["pixels"]].split(), dtype=np.uint8)
            yield pixels, int(row[columns["emotion"]])
