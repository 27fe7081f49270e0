"""Files of data sets: where they lie, their sums, and what is said when one is not as it must be."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from hpstudy.errors import DataError
from hpstudy.regular_file import read_regular
from hpstudy.spec.catalogue import DATASETS

TITLES: Mapping[str, str] = {
    "fashion_mnist": "Fashion-MNIST",
    "mnist": "MNIST",
    "kmnist": "KMNIST",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "svhn": "SVHN",
    "fer2013": "FER2013",
}
"""The data sets that lie in files, by their name in print."""

FER2013_FILES = ("fer2013.csv", "icml_face_data.csv")
"""Kaggle's files that carry the test labels, in the order of preference."""

SVHN_FILES = {"train": "train_32x32.mat", "test": "test_32x32.mat"}
"""The MATLAB files of SVHN's cropped digits, by part."""

KAGGLE_COMPETITION = "challenges-in-representation-learning-facial-expression-recognition-challenge"
"""Where FER2013 comes from."""


def home_of(name: str, *, folder: Path) -> Path:
    """The folder of a data set's files under the data folder."""
    return folder / next(row.folder for row in DATASETS if row.name == name)


def sha256(content: bytes) -> str:
    """The SHA-256 of bytes, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def md5(content: bytes) -> str:
    """The MD5 of bytes, hexadecimal. It finds damage; it is no defence against a forger."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def read(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        DataError: It cannot be read.
    """
    try:
        return read_regular(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; repair its permissions or its disk.") from error


def wanted(name: str, *, folder: Path) -> str:
    """What the user can put where to have a data set, as a clause: `put … into …`."""
    home = home_of(name, folder=folder)
    if name == "fer2013":
        source = f"the Kaggle competition {KAGGLE_COMPETITION} (an account is needed)"
        return f"download {' or '.join(FER2013_FILES)} from {source} and put it into {home}"
    if name == "svhn":
        return f"put the official {' and '.join(SVHN_FILES.values())} into {home}"
    if name in ("cifar10", "cifar100"):
        return f"unpack the official archive of {TITLES[name]}, binary or Python version, in {folder}"
    return f"put the four official .gz files into {home}"


def absent(name: str, *, folder: Path, missing: Sequence[Path]) -> DataError:
    """The error for a data set of which files are missing.

    Args:
        name: The data set's row.
        folder: The data folder that was searched.
        missing: The files missed; empty where the data set is not there at all.

    Returns:
        The error, to be raised by the caller.
    """
    fact = f"no {TITLES[name]} under {folder}"
    if missing:
        fact = f"{TITLES[name]} under {folder} lacks {', '.join(path.name for path in missing)}"
    fetch = "" if name == "fer2013" else f"run `hpstudy datasets fetch {name}`, or "
    return DataError(f"{fact}: {fetch}{wanted(name, folder=folder)}, or give another folder with --data")


def damaged(name: str, *, facts: Mapping[Path, str]) -> DataError:
    """The error for files that are not what they must be.

    Args:
        name: The data set's row.
        facts: Each bad file and what is wrong with it.

    Returns:
        The error, to be raised by the caller; it names every file.
    """
    lines = "; ".join(f"{path}: {fact}" for path, fact in facts.items())
    what = "it" if len(facts) == 1 else "them"
    again = "put Kaggle's file there again" if name == "fer2013" else f"run `hpstudy datasets fetch {name}`"
    return DataError(f"{lines}. Delete {what}, then {again}.")


def difference(content: bytes, *, expected: str, found: str) -> str:
    """What is wrong with a file whose sum is not the official one, in words.

    Args:
        content: The file's bytes.
        expected: The official sum, hexadecimal.
        found: The file's sum, hexadecimal.

    Returns:
        One clause.
    """
    return web_page_or_empty(content) or (
        f"altered or cut short (checksum {found[:12]}…, the official file has {expected[:12]}…)"
    )


def web_page_or_empty(content: bytes) -> str:
    """The clause for a file that is empty or a web page; empty for anything else."""
    if not content:
        return "an empty file"
    return "a web page saved under this name" if content.lstrip()[:1] == b"<" else ""
