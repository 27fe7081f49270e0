from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hpstudy.datasets import cifar
from hpstudy.datasets.cifar import CIFAR10_BINARY, CIFAR100_BINARY, Binary, read_binary, read_python
from hpstudy.datasets.images import LabelledImages
from hpstudy.errors import DataError
from hpstudy.spec.study import DatasetSpec

TEN = tuple(f"class {label}" for label in range(10))
SMALL_10 = replace(CIFAR10_BINARY, files={p: dict.fromkeys(f, 4) for p, f in CIFAR10_BINARY.files.items()})
SMALL_100 = replace(CIFAR100_BINARY, files={p: dict.fromkeys(f, 4) for p, f in CIFAR100_BINARY.files.items()})


def records(version: Binary, first: int) -> bytes:
    """Four records: the label counts up, coarse labels are 3, and red, green and blue are told apart."""
    lines = []
    for label in range(first, first + 4):
        before = bytes([3, label]) if version.label_bytes == 2 else bytes([label])
        lines.append(before + bytes([10 + label]) * 1024 + bytes([100]) * 1024 + bytes([200]) * 1024)
    return b"".join(lines)


def write(folder: Path, version: Binary) -> Path:
    home = folder / version.folder
    home.mkdir()
    for files in version.files.values():
        for number, name in enumerate(files):
            (home / name).write_bytes(records(version, number))
    return home


def read(folder: Path, split: str = "train") -> LabelledImages:
    return read_binary(folder, name="cifar10", split=split, version=SMALL_10, class_names=TEN)


def test_the_binary_version_of_ten_classes(tmp_path: Path) -> None:
    home = write(tmp_path, SMALL_10)
    data = read(tmp_path)
    assert data.images.shape == (20, 3, 32, 32)
    assert data.labels.tolist() == [0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6, 4, 5, 6, 7]
    assert data.images[5, :, 31, 31].tolist() == [12, 100, 200]
    assert list(data.checksums) == [f"data_batch_{number}.bin" for number in range(1, 6)]
    expected = hashlib.sha256((home / "data_batch_3.bin").read_bytes()).hexdigest()
    assert data.checksums["data_batch_3.bin"] == expected
    assert len(read(tmp_path, "test")) == 4


def test_the_binary_version_of_a_hundred_classes_takes_the_fine_label(tmp_path: Path) -> None:
    write(tmp_path, SMALL_100)
    names = tuple(str(label) for label in range(100))
    data = read_binary(tmp_path, name="cifar100", split="test", version=SMALL_100, class_names=names)
    assert data.labels.tolist() == [0, 1, 2, 3]
    assert data.images[2, :, 0, 0].tolist() == [12, 100, 200]


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (bytes(4 * 3073 - 1), "12291 bytes, not 12292: altered or cut short"),
        (bytes(5 * 3073), "15365 bytes, not 12292: altered or cut short"),
        (b"", "an empty file"),
        (b"\n<html>", "a web page saved under this name"),
        (
            bytes(3073 * 2) + bytes([10]) + bytes(3072 + 3073),
            "label 10 in record 2, but the classes are 0 to 9",
        ),
    ],
)
def test_damaged_binary_files_are_refused_all_at_once(tmp_path: Path, content: bytes, fact: str) -> None:
    home = write(tmp_path, SMALL_10)
    for name in ("data_batch_2.bin", "data_batch_5.bin"):
        (home / name).write_bytes(content)
    with pytest.raises(DataError) as raised:
        read(tmp_path)
    assert str(raised.value) == (
        f"{home}/data_batch_2.bin: {fact}; {home}/data_batch_5.bin: {fact}. "
        "Delete them, then run `hpstudy datasets fetch cifar10`."
    )
    assert len(read(tmp_path, "test")) == 4


def test_missing_files_are_named(tmp_path: Path) -> None:
    home = write(tmp_path, SMALL_10)
    (home / "test_batch.bin").unlink()
    assert len(read(tmp_path)) == 20
    with pytest.raises(DataError, match=r"CIFAR-10 under .* lacks test_batch.bin: run `hpstudy datasets"):
        read(tmp_path, "test")


def test_an_absent_data_set_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        cifar.load_cifar100(tmp_path, DatasetSpec("cifar100"), "train")
    assert str(raised.value) == (
        f"no CIFAR-100 under {tmp_path}: run `hpstudy datasets fetch cifar100`, or unpack the official "
        f"archive of CIFAR-100, binary or Python version, in {tmp_path}, or give another folder with --data"
    )


def python_batch(labels_key: str) -> bytes:
    pixels = np.repeat(np.arange(3, dtype=np.uint8)[:, None], 3072, axis=1)
    return pickle.dumps({"data": pixels, labels_key: [7, 8, 9]}, protocol=2)


@pytest.mark.parametrize(("name", "key"), [("cifar10", "labels"), ("cifar100", "fine_labels")])
def test_the_python_version(tmp_path: Path, name: str, key: str) -> None:
    home = tmp_path / cifar.PYTHON_FOLDERS[name]
    home.mkdir()
    (home / "some").write_bytes(python_batch(key))
    sums = {"some": hashlib.md5(python_batch(key)).hexdigest()}
    data = read_python(tmp_path, name=name, split="train", class_names=TEN, sums=sums)
    assert data.labels.tolist() == [7, 8, 9]
    assert data.images.shape == (3, 3, 32, 32)
    assert data.images[2].unique().tolist() == [2]


class Bomb:
    """A pickle that leaves a mark when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (self.mark,))


def test_an_unofficial_pickle_is_never_loaded(tmp_path: Path) -> None:
    home = tmp_path / "cifar-10-batches-py"
    home.mkdir()
    for name in [f"data_batch_{number}" for number in range(1, 6)]:
        (home / name).write_bytes(pickle.dumps(Bomb(tmp_path / "mark")))
    with pytest.raises(DataError, match=r"data_batch_1: altered or cut short .*data_batch_5: altered or cut short"):
        cifar.load_cifar10(tmp_path, DatasetSpec("cifar10"), "train")
    assert not (tmp_path / "mark").exists()


def test_even_with_the_sum_expected_no_code_runs(tmp_path: Path) -> None:
    home = tmp_path / "cifar-10-batches-py"
    home.mkdir()
    content = pickle.dumps(Bomb(tmp_path / "mark"))
    (home / "some").write_bytes(content)
    with pytest.raises(pickle.UnpicklingError, match="which numbers do not need"):
        read_python(
            tmp_path,
            name="cifar10",
            split="train",
            class_names=TEN,
            sums={"some": hashlib.md5(content).hexdigest()},
        )
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_official_sums_of_the_two_parts_name_different_files(name: str) -> None:
    train, test = (cifar.official_sums(name, split=split) for split in ("train", "test"))
    assert (len(train), len(test)) == ((5, 1) if name == "cifar10" else (1, 1))
    assert not set(train) & set(test)


def test_a_binary_folder_that_lacks_files_gives_way_to_a_python_one(tmp_path: Path) -> None:
    home = write(tmp_path, SMALL_10)
    (tmp_path / "cifar-10-batches-py").mkdir()
    assert cifar.version_folder("cifar10", folder=tmp_path) == home
    (home / "test_batch.bin").unlink()
    assert cifar.version_folder("cifar10", folder=tmp_path) == tmp_path / "cifar-10-batches-py"


def test_the_official_binary_files_pass(real_data: Path) -> None:
    if not (real_data / "cifar-10-batches-bin").is_dir():
        pytest.skip("no CIFAR-10 here")
    data = cifar.load_cifar10(real_data, DatasetSpec("cifar10"), "test")
    assert data.images.shape == (10_000, 3, 32, 32)
    assert torch.bincount(data.labels).tolist() == [1000] * 10
    assert [data.class_names[label] for label in data.labels[:3].tolist()] == ["cat", "ship", "ship"]
