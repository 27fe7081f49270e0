"""CIFAR-10 and CIFAR-100 in their binary version, or in the Python version that torchvision downloads.

Both hold pictures as 1024 red, 1024 green and 1024 blue bytes. A binary record has one label byte before them
(CIFAR-10) or two (CIFAR-100: the coarse class, then the fine one). Krizhevsky 2009.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from hpstudy.datasets.files import absent, damaged, difference, md5, read, sha256, web_page_or_empty
from hpstudy.datasets.images import LabelledImages
from hpstudy.datasets.numbers_pickle import load_numbers
from hpstudy.spec.study import DatasetSpec
from hpstudy.torchvision_repair import import_torchvision

PIXELS = 3 * 32 * 32
RECORDS = 10_000
"""Pictures in a file of CIFAR-10."""


@dataclass(frozen=True)
class Binary:
    """The binary version of one of the two.

    Attributes:
        folder: Under the data folder.
        files: Part to the files that it is made of, each with its number of records.
        label_bytes: Bytes before the pixels; the last of them is the label.
    """

    folder: str
    files: Mapping[str, Mapping[str, int]]
    label_bytes: int


CIFAR10_BINARY = Binary(
    folder="cifar-10-batches-bin",
    files={
        "train": {f"data_batch_{number}.bin": RECORDS for number in range(1, 6)},
        "test": {"test_batch.bin": RECORDS},
    },
    label_bytes=1,
)
CIFAR100_BINARY = Binary(
    folder="cifar-100-binary",
    files={"train": {"train.bin": 50_000}, "test": {"test.bin": RECORDS}},
    label_bytes=2,
)
PYTHON_FOLDERS: Mapping[str, str] = {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}

_CLASSES_10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
# fmt: off
_CLASSES_100 = (
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl",
    "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair",
    "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin",
    "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp",
    "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain",
    "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck",
    "pine_tree", "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road",
    "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
    "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television",
    "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf",
    "woman", "worm",
)
# fmt: on

Part = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Pixels [N, 3072] and labels [N] of one file."""


def load_cifar10(folder: Path, spec: DatasetSpec, split: Literal["train", "test"]) -> LabelledImages:
    """CIFAR-10: uint8 [50000 or 10000, 3, 32, 32], in the official order.

    The binary version is read where its folder exists, else the Python version. A binary folder that lacks
    files gives way to a Python one.

    Args:
        folder: The data folder.
        spec: Names the data set; nothing else of it is used.
        split: Which part; the files of the other are not opened.

    Returns:
        The images.

    Raises:
        DataError: Files are absent; a binary file has another size or an impossible label; a file of the
            Python version is not the official one.
    """
    if version_folder("cifar10", folder=folder).name == CIFAR10_BINARY.folder:
        return read_binary(folder, name=spec.name, split=split, version=CIFAR10_BINARY, class_names=_CLASSES_10)
    return read_python(folder, name=spec.name, split=split, class_names=_CLASSES_10)


def load_cifar100(folder: Path, spec: DatasetSpec, split: Literal["train", "test"]) -> LabelledImages:
    """CIFAR-100 with its 100 fine classes: uint8 [50000 or 10000, 3, 32, 32]. As `load_cifar10`."""
    if version_folder("cifar100", folder=folder).name == CIFAR100_BINARY.folder:
        return read_binary(folder, name=spec.name, split=split, version=CIFAR100_BINARY, class_names=_CLASSES_100)
    return read_python(folder, name=spec.name, split=split, class_names=_CLASSES_100)


def version_folder(name: str, *, folder: Path) -> Path:
    """The folder of the version of CIFAR-10 or CIFAR-100 that is read; it need not exist."""
    version = CIFAR10_BINARY if name == "cifar10" else CIFAR100_BINARY
    binary, python = folder / version.folder, folder / PYTHON_FOLDERS[name]
    whole = all((binary / file).is_file() for files in version.files.values() for file in files)
    return binary if whole or (binary.is_dir() and not python.is_dir()) else python


def read_binary(
    folder: Path, *, name: str, split: Literal["train", "test"], version: Binary, class_names: tuple[str, ...]
) -> LabelledImages:
    """One part of the binary version. No official sums of these files are known: structure alone is checked.

    Args:
        folder: The data folder.
        name: The data set's row.
        split: Which part.
        version: Files and record layout.
        class_names: In the order of their labels.

    Returns:
        Images, labels and the checksums of the files.

    Raises:
        DataError: A file is absent, has another size, or a label that is no class. All bad files are named.
    """
    records = version.files[split]
    contents = _contents(folder, name=name, home=folder / version.folder, files=records)
    parts = {
        path: _records(content, records[path.name], version.label_bytes, len(class_names))
        for path, content in contents.items()
    }
    return _joined(name, contents=contents, parts=parts, class_names=class_names)


def read_python(
    folder: Path,
    *,
    name: str,
    split: Literal["train", "test"],
    class_names: tuple[str, ...],
    sums: Mapping[str, str] | None = None,
) -> LabelledImages:
    """One part of the Python version; a file is unpickled only once its MD5 is the expected one.

    Args:
        folder: The data folder.
        name: The data set's row.
        split: Which part.
        class_names: In the order of their labels.
        sums: File name to MD5, in reading order; None takes the official ones, which torchvision carries.

    Returns:
        Images, labels and the checksums of the files.

    Raises:
        DataError: A file is absent or has another sum. All bad files are named.
    """
    expected = official_sums(name, split=split) if sums is None else sums
    contents = _contents(folder, name=name, home=folder / PYTHON_FOLDERS[name], files=expected)
    parts = {path: _unpickled(content, expected[path.name]) for path, content in contents.items()}
    return _joined(name, contents=contents, parts=parts, class_names=class_names)


def official_sums(name: str, *, split: Literal["train", "test"]) -> Mapping[str, str]:
    """File name to MD5 of one part's official files of the Python version, in reading order."""
    datasets = import_torchvision().datasets
    row = datasets.CIFAR10 if name == "cifar10" else datasets.CIFAR100
    return dict(row.train_list if split == "train" else row.test_list)


def _contents(folder: Path, *, name: str, home: Path, files: Iterable[str]) -> dict[Path, bytes]:
    """The bytes of each file of a part, all there."""
    paths = [home / file for file in files]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise absent(name, folder=folder, missing=missing if home.is_dir() else ())
    return {path: read(path) for path in paths}


def _joined(
    name: str,
    *,
    contents: Mapping[Path, bytes],
    parts: Mapping[Path, Part | str],
    class_names: tuple[str, ...],
) -> LabelledImages:
    """The images of all files; an error where a part is a clause that says what is wrong."""
    facts = {path: part for path, part in parts.items() if isinstance(part, str)}
    if facts:
        raise damaged(name, facts=facts)
    good = [part for part in parts.values() if not isinstance(part, str)]
    return LabelledImages(
        images=torch.from_numpy(np.concatenate([pixels for pixels, _ in good]).reshape(-1, 3, 32, 32)),
        labels=torch.from_numpy(np.concatenate([labels for _, labels in good])),
        class_names=class_names,
        checksums={path.name: sha256(content) for path, content in contents.items()},
    )


def _unpickled(content: bytes, expected: str) -> Part | str:
    """Pixels and labels of a file of the Python version, or what is wrong with it."""
    if md5(content) != expected:
        return difference(content, expected=expected, found=md5(content))
    entry = load_numbers(io.BytesIO(content))
    labels = entry["labels"] if "labels" in entry else entry["fine_labels"]
    return np.asarray(entry["data"], dtype=np.uint8), np.asarray(labels, dtype=np.int64)


def _records(content: bytes, n_records: int, label_bytes: int, n_classes: int) -> Part | str:
    """Pixels and labels of a binary file, or what is wrong with it."""
    size = n_records * (label_bytes + PIXELS)
    if len(content) != size:
        return web_page_or_empty(content) or f"{len(content)} bytes, not {size}: altered or cut short"
    records = np.frombuffer(content, dtype=np.uint8).reshape(n_records, label_bytes + PIXELS)
    labels = records[:, label_bytes - 1].astype(np.int64)
    if labels.max() >= n_classes:
        return f"label {labels.max()} in record {int(labels.argmax())}, but the classes are 0 to {n_classes - 1}"
    return records[:, label_bytes:], labels
