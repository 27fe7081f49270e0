"""`hpstudy datasets`: whether a data set is there, and how it gets there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from hpstudy.datasets.cifar import CIFAR10_BINARY, CIFAR100_BINARY, PIXELS, PYTHON_FOLDERS, version_folder
from hpstudy.datasets.files import FER2013_FILES, SVHN_FILES, TITLES, home_of, wanted
from hpstudy.datasets.idx import STEMS, found
from hpstudy.datasets.load import load_split
from hpstudy.datasets.ways import WAYS, Way, WayFailedError
from hpstudy.errors import DataError, InputError
from hpstudy.spec.catalogue import DATASETS
from hpstudy.spec.study import DatasetSpec
from hpstudy.spec.wording import unknown

Status = Literal["ready", "absent", "damaged", "built in", "yours"]

_NOTHING_TO_FETCH = {
    "digits": "digits: comes with scikit-learn; there is nothing to fetch",
    "image_folder": "image_folder: reads your own pictures from dataset.root; there is nothing to fetch",
}
_IDX = ("fashion_mnist", "mnist", "kmnist")
_CIFAR = ("cifar10", "cifar100")
_IDX_COUNTS = {"train": 60_000, "t10k": 10_000}
_GZIP_MAGIC = b"\x1f\x8b"


def verify(name: str, folder: Path) -> None:
    """Reads a data set completely, both parts.

    Args:
        name: The data set's row.
        folder: The data folder.

    Raises:
        DataError: It is absent or damaged.
    """
    load_split(DatasetSpec(name), folder=folder, split="train")
    load_split(DatasetSpec(name), folder=folder, split="test")


def fetch(
    name: str,
    *,
    folder: Path,
    say: Callable[[str], None],
    check: Callable[[str, Path], None] = verify,
) -> Path:
    """The folder of a data set's files, which are obtained first where they are absent or damaged.

    Each way is tried in turn in a hidden folder under the data folder; only files that pass the check get
    their final names, each in one step. Files that were damaged are replaced.

    Args:
        name: The data set's row.
        folder: The data folder; created where it is needed.
        say: Gets one sentence for each thing that is done.
        check: Raises DataError where the data set under a data folder is absent or damaged.

    Returns:
        The folder that holds the files; the data folder where there is nothing to fetch.

    Raises:
        InputError: No data set has that name.
        DataError: No way led to the files (each is named with its reason), or the user has to bring them.
    """
    _require_known(name)
    if name in _NOTHING_TO_FETCH:
        say(_NOTHING_TO_FETCH[name])
        return folder
    try:
        check(name, folder)
    except DataError:
        if name not in WAYS:
            raise
    else:
        say(f"{TITLES[name]}: complete in {_home(name, folder)}")
        return _home(name, folder)
    reasons = []
    for way in WAYS[name]:
        say(f"{TITLES[name]}: trying {way.title} …")
        try:
            _obtain(name, folder, way, check)
        except (WayFailedError, DataError, OSError) as error:
            reasons.append(f"{way.title}: {error}")
        else:
            say(f"{TITLES[name]}: ready in {_home(name, folder)}")
            return _home(name, folder)
    tried = "".join(f"\n  {reason}" for reason in reasons)
    repair = f"With internet, run it again; without, {wanted(name, folder=folder)}."
    raise DataError(f"{TITLES[name]}: no way led to its files:{tried}\n{repair}")


def status(name: str, *, folder: Path) -> Status:
    """How a data set stands, from existence, sizes and first bytes alone; nothing is decoded or summed.

    Args:
        name: The data set's row.
        folder: The data folder.

    Returns:
        `ready`; `absent` where no file of it is there; `damaged` where some are missing, empty, of another
        size or no gzip files; `built in` for digits; `yours` for image_folder.

    Raises:
        InputError: No data set has that name.
    """
    _require_known(name)
    if name in _NOTHING_TO_FETCH:
        return "built in" if name == "digits" else "yours"
    looks_right = _files(name, folder)
    if not any(path.exists() for path in looks_right):
        return "absent"
    return "ready" if all(path.is_file() and right(path) for path, right in looks_right.items()) else "damaged"


def _require_known(name: str) -> None:
    names = [row.name for row in DATASETS]
    if name not in names:
        raise InputError(f"datasets: {unknown('data set', name, names)}")


def _home(name: str, folder: Path) -> Path:
    return version_folder(name, folder=folder) if name in _CIFAR else home_of(name, folder=folder)


def _obtain(name: str, folder: Path, way: Way, check: Callable[[str, Path], None]) -> None:
    """Tries one way in a hidden folder, checks what came, and gives the files their final names."""
    with _stage(folder) as stage:
        way.bring(name, stage)
        check(name, stage)
        for path in sorted(_home(name, stage).iterdir()):
            # torchvision unpacks IDX files beside the packed ones; those are enough.
            if path.is_file() and (name not in _IDX or path.suffix == ".gz"):
                _publish(path, folder / path.relative_to(stage))
    check(name, folder)


@contextmanager
def _stage(folder: Path) -> Iterator[Path]:
    """A hidden folder on the same disk as the data folder, gone afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".fetch-") as temporary:
        yield Path(temporary)


def _publish(path: Path, target: Path) -> None:
    """Gives a complete file its final name in one step, its content safe on the disk first."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with path.open("rb+") as content:
        os.fsync(content.fileno())
    path.replace(target)


def _files(name: str, folder: Path) -> dict[Path, Callable[[Path], bool]]:
    """Every file that a data set needs, and what tells at a glance whether it can be right."""
    home = _home(name, folder)
    if name in _IDX:
        return {found(home / stem): _idx_check(stem) for stem in STEMS}
    if name in _CIFAR and home.name != PYTHON_FOLDERS[name]:
        version = CIFAR10_BINARY if name == "cifar10" else CIFAR100_BINARY
        return {
            home / file: _size_check(count * (version.label_bytes + PIXELS))
            for files in version.files.values()
            for file, count in files.items()
        }
    if name == "fer2013":
        present = [home / file for file in FER2013_FILES if (home / file).exists()]
        return dict.fromkeys(present[:1], _not_empty)
    names = {"cifar10": _CIFAR10_PYTHON, "cifar100": ("train", "test"), "svhn": tuple(SVHN_FILES.values())}[name]
    return {home / file: _not_empty for file in names}


_CIFAR10_PYTHON = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")


def _not_empty(path: Path) -> bool:
    return path.stat().st_size > 0


def _size_check(size: int) -> Callable[[Path], bool]:
    return lambda path: path.stat().st_size == size


def _idx_check(stem: str) -> Callable[[Path], bool]:
    """Whether a file of IDX data has the official size once unpacked; a .gz file ends with that size."""
    count = _IDX_COUNTS[stem.split("-", maxsplit=1)[0]]
    size = 16 + count * 28 * 28 if "images" in stem else 8 + count

    def right(path: Path) -> bool:
        if path.suffix != ".gz":
            return path.stat().st_size == size
        with path.open("rb") as content:
            magic = content.read(2)
            content.seek(max(0, path.stat().st_size - 4))
            return magic == _GZIP_MAGIC and content.read(4) == size.to_bytes(4, "little")

    return right
