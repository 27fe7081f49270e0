"""MNIST and its relatives: four IDX files, packed with gzip.

The format: two zero bytes, a type (8 is unsigned byte), the number of dimensions, each dimension as a
big-endian 32-bit number, then the values.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from hpstudy.datasets.files import absent, damaged, difference, home_of, md5, read, sha256, web_page_or_empty
from hpstudy.datasets.images import LabelledImages
from hpstudy.spec.study import DatasetSpec
from hpstudy.torchvision_repair import import_torchvision

PREFIXES: Mapping[str, str] = {"train": "train", "test": "t10k"}
STEMS = tuple(f"{prefix}-{kind}-ubyte" for prefix in PREFIXES.values() for kind in ("images-idx3", "labels-idx1"))
"""The four files, without their `.gz`."""

_SIDE = 28


@dataclass(frozen=True)
class Sums:
    """What the official files are known by.

    Attributes:
        packed: Name of a `.gz` file to its MD5.
        unpacked: Name of the file without `.gz` to the SHA-256 of its content. It decides where a file has
            both: distributors pack the same content again (Debian's `.gz` files have other sums than the
                official ones).
    """

    packed: Mapping[str, str] = field(default_factory=dict)
    unpacked: Mapping[str, str] = field(default_factory=dict)


# Contents of the official .gz files. MNIST's match the MD5 sums that torchvision carries. Fashion-MNIST's
# were read from Debian's files, whose compressed data gives torchvision's MD5 sums when the original header
# is put back.
MNIST_SUMS = Sums(
    unpacked={
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }
)
FASHION_MNIST_SUMS = Sums(
    unpacked={
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    }
)

_CLOTHES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_DIGITS = tuple("0123456789")
_KANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")


def load_fashion_mnist(folder: Path, spec: DatasetSpec, split: Literal["train", "test"]) -> LabelledImages:
    """Fashion-MNIST (Xiao, Rasul and Vollgraf 2017): uint8 [60000 or 10000, 1, 28, 28].

    Args:
        folder: The data folder.
        spec: Names the data set; nothing else of it is used.
        split: Which part; the files of the other are not opened.

    Returns:
        Images in the official order.

    Raises:
        DataError: Files are absent, or are not the official ones.
    """
    return read_idx(folder, name=spec.name, split=split, class_names=_CLOTHES, sums=FASHION_MNIST_SUMS)


def load_mnist(folder: Path, spec: DatasetSpec, split: Literal["train", "test"]) -> LabelledImages:
    """MNIST (LeCun, Cortes and Burges 1998): uint8 [60000 or 10000, 1, 28, 28]. As `load_fashion_mnist`."""
    return read_idx(folder, name=spec.name, split=split, class_names=_DIGITS, sums=MNIST_SUMS)


def load_kmnist(folder: Path, spec: DatasetSpec, split: Literal["train", "test"]) -> LabelledImages:
    """Kuzushiji-MNIST (Clanuwat and others 2018): uint8 [60000 or 10000, 1, 28, 28]. As `load_fashion_mnist`.

    Unpacked files without the `.gz` beside them have no known sum: their structure alone is checked.
    """
    return read_idx(folder, name=spec.name, split=split, class_names=_KANA, sums=kmnist_sums())


def kmnist_sums() -> Sums:
    """The MD5 sums of KMNIST's official `.gz` files, as torchvision carries them."""
    return Sums(packed=dict(import_torchvision().datasets.KMNIST.resources))


def read_idx(
    folder: Path,
    *,
    name: str,
    split: Literal["train", "test"],
    class_names: tuple[str, ...],
    sums: Sums,
) -> LabelledImages:
    """One part of a data set in IDX files.

    Args:
        folder: The data folder; the files lie in the row's folder under it, each as `.gz` or unpacked. Where
            both are there, the `.gz` is read.
        name: The data set's row.
        split: Which part.
        class_names: In the order of their labels.
        sums: What the files are checked against; a file without a sum is checked for its structure alone.

    Returns:
        Images and labels; `checksums` are of the files as they lie there.

    Raises:
        DataError: A file is absent, does not unpack, has another sum, or another structure. All bad files are
            named.
    """
    paths = _paths(folder, name=name, split=split)
    contents = {path: read(path) for path in paths}
    arrays: dict[str, NDArray[np.uint8]] = {}
    facts: dict[Path, str] = {}
    for path, content in contents.items():
        try:
            arrays[path.name] = _values(_unpacked(path, content, sums), n_dimensions=3 if "-idx3-" in path.name else 1)
        except _FaultyFileError as error:
            facts[path] = str(error)
    if facts:
        raise damaged(name, facts=facts)
    images, labels = (arrays[path.name] for path in paths)
    if len(images) != len(labels):
        raise damaged(name, facts={paths[1]: f"{len(labels)} labels for {len(images)} images"})
    if labels.max() >= len(class_names):
        raise damaged(name, facts={paths[1]: f"label {labels.max()}, but the classes are 0 to {len(class_names) - 1}"})
    return LabelledImages(
        images=torch.from_numpy(images.copy()).unsqueeze(1),
        labels=torch.from_numpy(labels.astype(np.int64)),
        class_names=class_names,
        checksums={path.name: sha256(content) for path, content in contents.items()},
    )


class _FaultyFileError(Exception):
    """What is wrong with one file, as a clause."""


def _paths(folder: Path, *, name: str, split: Literal["train", "test"]) -> tuple[Path, Path]:
    """The file of images and the file of labels of one part, both there."""
    home = home_of(name, folder=folder)
    images, labels = (found(home / f"{PREFIXES[split]}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1"))
    missing = [path for path in (images, labels) if not path.is_file()]
    if missing:
        present = any(found(home / stem).is_file() for stem in STEMS)
        raise absent(name, folder=folder, missing=missing if present else ())
    return images, labels


def found(path: Path) -> Path:
    """The packed form of an unpacked file's path, or that path where only the unpacked file exists."""
    packed = path.with_name(f"{path.name}.gz")
    return path if path.is_file() and not packed.is_file() else packed


def _unpacked(path: Path, content: bytes, sums: Sums) -> bytes:
    """The content of a file, its sums checked."""
    if fact := web_page_or_empty(content):
        raise _FaultyFileError(fact)
    packed = sums.packed.get(path.name)
    if packed is not None and md5(content) != packed:
        raise _FaultyFileError(difference(content, expected=packed, found=md5(content)))
    try:
        plain = gzip.decompress(content) if path.suffix == ".gz" else content
    except (EOFError, OSError, zlib.error) as error:
        raise _FaultyFileError("cut short or altered: it does not unpack") from error
    unpacked = sums.unpacked.get(path.name.removesuffix(".gz"))
    if unpacked is not None and sha256(plain) != unpacked:
        raise _FaultyFileError(difference(plain, expected=unpacked, found=sha256(plain)))
    return plain


def _values(plain: bytes, *, n_dimensions: int) -> NDArray[np.uint8]:
    """The values of an IDX file of bytes, a view of them."""
    header = 4 + 4 * n_dimensions
    if plain[:4] != bytes((0, 0, 8, n_dimensions)) or len(plain) < header:
        start = plain[:4].hex() or "nothing"
        raise _FaultyFileError(f"no IDX file of bytes in {n_dimensions} dimensions (it begins with {start})")
    shape = struct.unpack(f">{n_dimensions}I", plain[4:header])
    if shape[1:] not in ((), (_SIDE, _SIDE)):
        raise _FaultyFileError(f"pictures of {shape[1]}×{shape[2]}, not {_SIDE}×{_SIDE}")
    size = header + math.prod(shape)
    if not shape[0]:
        raise _FaultyFileError("it holds no image")
    if len(plain) != size:
        raise _FaultyFileError(f"{len(plain)} bytes, but {size} by its header of {shape[0]} entries")
    return np.frombuffer(plain, dtype=np.uint8, offset=header).reshape(shape)
