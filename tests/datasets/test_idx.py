from __future__ import annotations

import gzip
import hashlib
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from hpstudy.datasets import idx
from hpstudy.datasets.idx import STEMS, Sums, read_idx
from hpstudy.datasets.images import LabelledImages
from hpstudy.errors import DataError
from hpstudy.spec.study import DatasetSpec

CLASSES = tuple("0123456789")
N = {"train": 30, "t10k": 10}


def plain_files() -> dict[str, bytes]:
    """The four files of a tiny data set, unpacked."""
    files = {}
    for stem in STEMS:
        n = N[stem.split("-")[0]]
        pixels = np.arange(n * 784, dtype=np.int64).astype(np.uint8).tobytes()
        labels = bytes(index % 10 for index in range(n))
        images = struct.pack(">4B3I", 0, 0, 8, 3, n, 28, 28) + pixels
        files[stem] = images if "images" in stem else struct.pack(">4BI", 0, 0, 8, 1, n) + labels
    return files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with the tiny data set, packed."""
    home = tmp_path / "MNIST/raw"
    home.mkdir(parents=True)
    for stem, content in plain_files().items():
        (home / f"{stem}.gz").write_bytes(gzip.compress(content, mtime=0))
    return tmp_path


def read(folder: Path, split: str = "train", sums: Sums | None = None) -> LabelledImages:
    return read_idx(folder, name="mnist", split=split, class_names=CLASSES, sums=sums or Sums())


def known(*, packed: bool) -> Sums:
    """The sums of the tiny data set."""
    if packed:
        sums = {f"{stem}.gz": hashlib.md5(gzip.compress(c, mtime=0)).hexdigest() for stem, c in plain_files().items()}
        return Sums(packed=sums)
    return Sums(unpacked={stem: hashlib.sha256(c).hexdigest() for stem, c in plain_files().items()})


@pytest.mark.parametrize(("split", "prefix"), [("train", "train"), ("test", "t10k")])
@pytest.mark.parametrize("sums", [Sums(), known(packed=True), known(packed=False)])
def test_images_and_labels_are_those_written(folder: Path, split: str, prefix: str, sums: Sums) -> None:
    data = read(folder, split, sums)
    expected = np.arange(N[prefix] * 784, dtype=np.int64).astype(np.uint8).reshape(-1, 1, 28, 28)
    assert data.images.dtype == torch.uint8
    assert np.array_equal(data.images.numpy(), expected)
    assert data.labels.tolist() == [index % 10 for index in range(N[prefix])]
    name = f"{prefix}-images-idx3-ubyte.gz"
    assert sorted(data.checksums) == [name, f"{prefix}-labels-idx1-ubyte.gz"]
    assert data.checksums[name] == hashlib.sha256((folder / "MNIST/raw" / name).read_bytes()).hexdigest()


def test_unpacked_files_are_read_where_no_packed_one_is(folder: Path) -> None:
    packed = read(folder)
    for stem, content in plain_files().items():
        (folder / "MNIST/raw" / f"{stem}.gz").unlink()
        (folder / "MNIST/raw" / stem).write_bytes(content)
    plain = read(folder, sums=known(packed=False))
    assert torch.equal(plain.images, packed.images)
    assert sorted(plain.checksums) == ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]


def test_a_repacked_file_with_the_official_content_is_accepted(folder: Path) -> None:
    path = folder / "MNIST/raw/train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=1, mtime=7))
    assert len(read(folder, sums=known(packed=False))) == 30


def test_an_absent_data_set_is_told_with_every_repair(tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        idx.load_fashion_mnist(tmp_path, DatasetSpec("fashion_mnist"), "train")
    assert str(raised.value) == (
        f"no Fashion-MNIST under {tmp_path}: run `hpstudy datasets fetch fashion_mnist`, or put the "
        f"four official .gz files into {tmp_path}/FashionMNIST/raw, or give another folder with --data"
    )


def test_missing_files_are_named_and_the_other_part_still_loads(folder: Path) -> None:
    for stem in STEMS[2:]:
        (folder / "MNIST/raw" / f"{stem}.gz").unlink()
    assert len(read(folder, "train")) == 30
    with pytest.raises(DataError, match=r"lacks t10k-images-idx3-ubyte.gz, t10k-labels"):
        read(folder, "test")


def packed_images(shape: tuple[int, ...], n_bytes: int, magic: bytes = b"\0\0\x08\x03") -> bytes:
    return gzip.compress(magic + struct.pack(f">{len(shape)}I", *shape) + bytes(n_bytes), mtime=0)


WHOLE = gzip.compress(plain_files()["train-images-idx3-ubyte"], mtime=0)


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"", "an empty file. Delete"),
        (b"<!DOCTYPE html><html>404</html>", "a web page saved under this name. Delete"),
        (WHOLE[:-100], "cut short or altered: it does not unpack"),
        (WHOLE[:200] + b"\xff\x00\xff" + WHOLE[203:], "cut short or altered: it does not unpack"),
        (gzip.compress(b"hello", mtime=0), r"no IDX file of bytes in 3 dimensions \(it begins with 68656c6c\)"),
        (gzip.compress(b"", mtime=0), r"no IDX file of bytes in 3 dimensions \(it begins with nothing\)"),
        (packed_images((30, 28, 28), 30 * 784, b"\0\0\x0d\x03"), r"\(it begins with 00000d03\)"),
        (packed_images((30, 32, 32), 30 * 1024), "pictures of 32×32, not 28×28"),
        (packed_images((31, 28, 28), 30 * 784), "23536 bytes, but 24320 by its header of 31 entries"),
        (packed_images((0, 28, 28), 0), "it holds no image"),
    ],
)
def test_a_file_of_another_structure_is_refused(folder: Path, content: bytes, fact: str) -> None:
    path = folder / "MNIST/raw/train-images-idx3-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=fact) as raised:
        read(folder)
    assert str(raised.value).startswith(f"{path}: ")
    assert str(raised.value).endswith(" Delete it, then run `hpstudy datasets fetch mnist`.")


@pytest.mark.parametrize("packed", [True, False])
def test_one_altered_byte_is_found_by_the_sum(folder: Path, packed: bool) -> None:
    plain = bytearray(plain_files()["train-images-idx3-ubyte"])
    plain[5000] ^= 1
    path = folder / "MNIST/raw/train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(bytes(plain), mtime=0))
    assert len(read(folder)) == 30
    with pytest.raises(DataError, match=r"altered or cut short \(checksum [0-9a-f]{12}…, the official file has"):
        read(folder, sums=known(packed=packed))


@pytest.mark.parametrize(
    ("content", "fact"),
    [(b"<html>", "a web page saved under this name"), (b"", "an empty file"), (b"x", "altered")],
)
def test_with_a_known_sum_the_kind_of_damage_is_told(folder: Path, content: bytes, fact: str) -> None:
    (folder / "MNIST/raw/t10k-labels-idx1-ubyte.gz").write_bytes(content)
    with pytest.raises(DataError, match=fact):
        read(folder, "test", known(packed=True))


def test_all_bad_files_are_named(folder: Path) -> None:
    for stem in STEMS[:2]:
        (folder / "MNIST/raw" / f"{stem}.gz").write_bytes(b"<html>")
    with pytest.raises(DataError, match=r"train-images.*; .*train-labels.*Delete them, then"):
        read(folder)


@pytest.mark.parametrize(
    ("labels", "fact"),
    [(bytes(29), "29 labels for 30 images"), (bytes(29) + b"\x0a", "label 10, but the classes")],
)
def test_labels_must_fit(folder: Path, labels: bytes, fact: str) -> None:
    content = struct.pack(">4BI", 0, 0, 8, 1, len(labels)) + labels
    (folder / "MNIST/raw/train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(content))
    with pytest.raises(DataError, match=re.escape(fact)):
        read(folder)


def test_an_altered_file_never_passes_for_the_official_one(folder: Path) -> None:
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz: altered or cut short"):
        idx.load_mnist(folder, DatasetSpec("mnist"), "train")


def test_kmnist_sums_name_the_four_files() -> None:
    assert set(idx.kmnist_sums().packed) == {f"{stem}.gz" for stem in STEMS}


@pytest.mark.parametrize(("name", "load"), [("mnist", idx.load_mnist), ("fashion_mnist", idx.load_fashion_mnist)])
def test_the_official_files_pass(real_data: Path, name: str, load: object) -> None:
    if not (real_data / ("MNIST" if name == "mnist" else "FashionMNIST")).is_dir():
        pytest.skip(f"no {name} here")
    data = load(real_data, DatasetSpec(name), "test")
    assert data.images.shape == (10_000, 1, 28, 28)
    assert data.labels[:5].tolist() == {"mnist": [7, 2, 1, 0, 4], "fashion_mnist": [9, 2, 1, 1, 6]}[name]
