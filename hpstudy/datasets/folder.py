"""The user's own pictures, one folder a class.

Two layouts: `root/train/CLASS/*` with `root/test/CLASS/*`, or `root/CLASS/*`, which hpstudy splits. The first
holds where `root/train` is a folder; other folders beside `train` and `test` are then not read. Names that
begin with a dot are hidden and passed over everywhere, and so are files that lie beside the class folders.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from hpstudy.datasets.images import LabelledImages
from hpstudy.datasets.pictures import MOST_BYTES, PictureError, PictureShape, read_pixels, read_shape
from hpstudy.datasets.splits import stratified_split
from hpstudy.errors import DataError
from hpstudy.regular_file import read_regular
from hpstudy.spec.study import DatasetSpec

_NAMED = 20  # bad files named one by one; the rest are counted
_NAMED_SIZES = 5

Labelled = Sequence[tuple[Path, int]]
"""Picture files with their labels, by class and name."""


def load_image_folder(folder: Path, spec: DatasetSpec, split: Literal["train", "test"]) -> LabelledImages:
    """The user's pictures: uint8 [N, C, H, W].

    Pictures are grey (C = 1) where every training picture is, else RGB; the test pictures follow. With
    `image_size` each is resized to that square when it is read, antialiased and without keeping its aspect,
    so that memory stays bounded; without it, all must have one size. Classes are sorted by name. In the
    layout `root/CLASS` a part `test_share` of each class is the test set, the same for every study (seed 0).

    Args:
        folder: Not used: `spec.root` says where the pictures are.
        spec: `root` (absolute or relative to the working directory; `~` is the home), `image_size`,
            `test_share`.
        split: Which part; pictures of the other are not opened, save that the test set reads the headers of
            the training pictures to take their shape.

    Returns:
        The pictures by class and name. `checksums` has one entry, the part's name, over its sorted relative
        names and contents.

    Raises:
        DataError: No class folder or only one, an empty class, test classes other than the training ones (told by
            their folders' names, for the training part too), files that are no pictures or broken (all are named,
            20 at most), links that lead out of the root, or pictures of several sizes without `image_size`.
    """
    root = _home_expanded(Path(spec.root))
    if not root.is_dir():
        place = "" if root.is_absolute() else f" in {Path.cwd()}"
        raise DataError(
            f"{root}: there is no such folder{place}; dataset.root must be the folder that holds the class folders. "
            "If it was moved, put it back, or a link to it in its place."
        )
    part = _part(root, spec, split)
    shapes = _shapes(root, part if split == "train" else _part(root, spec, "train"))
    shape = _common_shape(shapes, root, spec)
    images, checksum = _decoded(root, part, shape=shape, size=spec.image_size)
    labels = torch.tensor([label for _, label in part.files], dtype=torch.int64)
    return LabelledImages(torch.from_numpy(images), labels, part.class_names, {split: checksum})


def _home_expanded(root: Path) -> Path:
    try:
        return root.expanduser()
    except RuntimeError as error:
        raise DataError(f"{root}: there is no such user, or none with a home.") from error


@dataclass(frozen=True)
class _Part:
    """What lies in the class folders of one part.

    Attributes:
        class_names: Sorted.
        files: By class and name; those with a fault too.
        faults: What cannot be a picture, known without opening it, and why.
    """

    class_names: tuple[str, ...]
    files: Labelled
    faults: Mapping[Path, str]


def _part(root: Path, spec: DatasetSpec, split: Literal["train", "test"]) -> _Part:
    if (root / "train").is_dir():
        class_names = _class_names(root / "train")
        if split == "test" or (root / "test").is_dir():
            _check_test_classes(root, class_names)
        return _listed(root, root / split, class_names)
    whole = _listed(root, root, _class_names(root))
    labels = torch.tensor([label for _, label in whole.files])
    train, test = stratified_split(labels, share=spec.test_share, seed=0)
    chosen = train if split == "train" else test
    return replace(whole, files=[whole.files[index] for index in chosen.tolist()])


def _class_names(place: Path) -> tuple[str, ...]:
    names = _folders(place)
    if len(names) < 2:
        fact = f"only one class folder ({names[0]})" if names else "no class folder"
        raise DataError(f"{place}: {fact}; put the pictures into one folder a class, at least two.")
    return names


def _folders(place: Path) -> tuple[str, ...]:
    return tuple(sorted(path.name for path in place.iterdir() if path.is_dir() and not _hidden(path)))


def _check_test_classes(root: Path, class_names: tuple[str, ...]) -> None:
    if not (root / "test").is_dir():
        alike = [name for name in _folders(root) if name != "train" and _folders(root / name) == class_names]
        rename = f" (or rename {alike[0]}/ to test/, if nothing else needs it)" if alike else ""
        raise DataError(
            f"{root}: no test folder beside train, and a confirmation needs one; add test/CLASS folders with the same "
            f"classes{rename}, or write confirm: false into the study file."
        )
    found = _folders(root / "test")
    if found != class_names:
        lacking = ", ".join(sorted(set(class_names) - set(found))) or "none"
        unknown = ", ".join(sorted(set(found) - set(class_names))) or "none"
        raise DataError(
            f"{root / 'test'}: its classes are not those of train (lacking: {lacking}; unknown: {unknown}); "
            "give both the same class folders."
        )


def _listed(root: Path, place: Path, class_names: tuple[str, ...]) -> _Part:
    """The files of every class."""
    home = root.resolve()
    facts: dict[Path, str] = {}
    files: list[tuple[Path, int]] = []
    for label, name in enumerate(class_names):
        if not (place / name).resolve().is_relative_to(home):
            facts[place / name] = "a link out of the root"
            continue
        entries = sorted(path for path in (place / name).iterdir() if not _hidden(path))
        facts |= {path: fact for path in entries if (fact := _entry_fault(path, home))}
        files += [(path, label) for path in entries]
        if not entries:
            facts[place / name] = "an empty class"
    if not files:
        raise _refused(root, facts)
    return _Part(class_names, files, facts)


def _entry_fault(path: Path, home: Path) -> str:
    """Why something in a class folder cannot be a picture; empty where it can."""
    if not path.resolve().is_relative_to(home):
        return "a link out of the root"
    if path.is_dir():
        return "a folder within a class"
    return "" if path.is_file() else "not a regular file"


def _hidden(path: Path) -> bool:
    return path.name.startswith(".")


def _shapes(root: Path, part: _Part) -> Mapping[Path, PictureShape]:
    """Every file's shape; an error that names all that are no whole pictures."""
    shapes: dict[Path, PictureShape] = {}
    facts = dict(part.faults)
    for path, _ in part.files:
        if path in facts:
            continue
        try:
            shapes[path] = read_shape(_content(path))
        except PictureError as error:
            facts[path] = str(error)
    if not facts:
        return shapes
    # Something has to be repaired anyway: the rest is decoded now, so that one message names every bad file.
    for path in shapes:
        try:
            read_pixels(_content(path), channels=1, size=1)
        except PictureError as error:
            facts[path] = str(error)
    raise _refused(root, facts)


def _common_shape(shapes: Mapping[Path, PictureShape], root: Path, spec: DatasetSpec) -> tuple[int, int, int]:
    """(channels, height, width) of the pictures once read."""
    channels = max(shape.channels for shape in shapes.values())
    if spec.image_size is not None:
        return channels, spec.image_size, spec.image_size
    sizes = Counter((shape.width, shape.height) for shape in shapes.values())
    if len(sizes) > 1:
        raise DataError(
            f"{root}: the pictures differ in size ({_sizes(sizes)}); "
            "set dataset.image_size, the side in pixels that all are resized to."
        )
    (width, height) = next(iter(sizes))
    return channels, height, width


def _sizes(sizes: Counter[tuple[int, int]]) -> str:
    named = [f"{width}×{height}: {count}" for (width, height), count in sizes.most_common(_NAMED_SIZES)]
    more = [f"and {len(sizes) - _NAMED_SIZES} more sizes"] if len(sizes) > _NAMED_SIZES else []
    return ", ".join(named + more)


def _decoded(
    root: Path, part: _Part, *, shape: tuple[int, int, int], size: int | None
) -> tuple[NDArray[np.uint8], str]:
    """The pixels of all files and the checksum of names and contents; an error that names every bad file."""
    images = np.empty((len(part.files), *shape), dtype=np.uint8)
    facts = dict(part.faults)
    digest = hashlib.sha256()
    for index, (path, _) in enumerate(part.files):
        if path in facts:
            continue
        try:
            content = _content(path)
            name = os.fsencode(path.relative_to(root).as_posix())  # whatever bytes it has
            digest.update(name + b"\0" + hashlib.sha256(content).digest())
            pixels = read_pixels(content, channels=shape[0], size=size)
        except PictureError as error:
            facts[path] = str(error)
            continue
        if pixels.shape == shape:
            images[index] = pixels
        else:
            height, width = pixels.shape[1:]
            facts[path] = f"{width}×{height}, but the training pictures are {shape[2]}×{shape[1]}"
    if facts:
        raise _refused(root, facts)
    return images, digest.hexdigest()


def _content(path: Path) -> bytes:
    try:
        return read_regular(path, most_bytes=MOST_BYTES)
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror}") from error


def _refused(root: Path, facts: Mapping[Path, str]) -> DataError:
    """The error that names the bad files."""
    named = [f"{path.relative_to(root)}: {fact}" for path, fact in sorted(facts.items())[:_NAMED]]
    more = [f"and {len(facts) - _NAMED} more"] if len(facts) > _NAMED else []
    return DataError(
        f"{root}: {len(facts)} of its files cannot be used; repair or remove them:\n  " + "\n  ".join(named + more)
    )
