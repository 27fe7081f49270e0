from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat
from sklearn.datasets import load_digits as load_bunch

from hpstudy.datasets.digits import load_digits
from hpstudy.datasets.fer2013 import fer2013_sums, load_fer2013, read_fer2013
from hpstudy.datasets.svhn import load_svhn, read_svhn, svhn_sums
from hpstudy.errors import DataError
from hpstudy.spec.study import DatasetSpec


def test_digits_are_split_once_and_for_all(tmp_path: Path) -> None:
    train, test = (load_digits(tmp_path, DatasetSpec("digits"), split) for split in ("train", "test"))
    assert train.images.shape == (1437, 1, 8, 8)
    assert test.images.shape == (360, 1, 8, 8)
    assert torch.bincount(test.labels).tolist() == [36, 37, 35, 37, 36, 36, 36, 36, 35, 36]
    assert test.class_names == tuple("0123456789")
    everything = np.concatenate([train.images.numpy(), test.images.numpy()]).astype(int).sum()
    assert everything == np.rint(load_bunch().images * 255 / 16).sum()
    assert sorted(train.images.unique().tolist())[:3] == [0, 16, 32]
    assert train.images.max().item() == 255


def md5_of(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def svhn(tmp_path: Path) -> Path:
    home = tmp_path / "svhn"
    home.mkdir()
    pixels = np.zeros((32, 32, 3, 4), dtype=np.uint8)
    pixels[5, 7, 1, 2] = 99
    savemat(home / "train_32x32.mat", {"X": pixels, "y": np.array([[1], [9], [10], [5]], dtype=np.uint8)})
    return tmp_path


def test_svhn_is_turned_to_channels_first_and_ten_is_zero(svhn: Path) -> None:
    path = svhn / "svhn/train_32x32.mat"
    data = read_svhn(svhn, split="train", sum_md5=md5_of(path))
    assert data.images.shape == (4, 3, 32, 32)
    assert data.images[2, 1, 5, 7].item() == 99
    assert data.labels.tolist() == [1, 9, 0, 5]
    assert data.checksums == {"train_32x32.mat": hashlib.sha256(path.read_bytes()).hexdigest()}


def test_svhn_errors(svhn: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"svhn/train_32x32.mat: altered or cut short .* Delete it, then run"):
        load_svhn(svhn, DatasetSpec("svhn"), "train")
    with pytest.raises(DataError, match=r"SVHN under .* lacks test_32x32.mat: run `hpstudy datasets"):
        load_svhn(svhn, DatasetSpec("svhn"), "test")
    with pytest.raises(DataError, match=r"no SVHN under .*: run .* put the official train_32x32.mat and"):
        load_svhn(tmp_path / "elsewhere", DatasetSpec("svhn"), "train")
    assert svhn_sums() == {
        "train": "e26dedcc434d2e4c54c9b2d4a06d8373",
        "test": "eb5a983be6a315427106f1b164d9cef3",
    }


def face(value: int) -> str:
    return " ".join([str(value)] * 2304)


@pytest.mark.parametrize(
    ("name", "header", "order"),
    [
        ("fer2013.csv", "emotion,pixels,Usage", "{0},{1},{2}"),
        ("icml_face_data.csv", "emotion, Usage, pixels", "{0},{2},{1}"),
    ],
)
def test_fer2013_reads_both_of_kaggles_files(tmp_path: Path, name: str, header: str, order: str) -> None:
    (tmp_path / "fer2013").mkdir()
    rows = [(6, 1, "Training"), (0, 2, "PublicTest"), (3, 255, "Training"), (4, 4, "PrivateTest")]
    lines = [header, *(order.format(label, face(value), usage) for label, value, usage in rows)]
    path = tmp_path / "fer2013" / name
    path.write_text("\n".join(lines) + "\n")
    train, test = (read_fer2013(tmp_path, split=split, sums={name: md5_of(path)}) for split in ("train", "test"))
    assert train.images.shape == (2, 1, 48, 48)
    assert train.images[:, 0, 47, 47].tolist() == [1, 255]
    assert [train.class_names[label] for label in train.labels.tolist()] == ["neutral", "happy"]
    assert test.labels.tolist() == [0, 4]


def test_fer2013_errors_name_kaggles_files(tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        load_fer2013(tmp_path, DatasetSpec("fer2013"), "train")
    assert str(raised.value) == (
        f"no FER2013 under {tmp_path}: download fer2013.csv or icml_face_data.csv from the Kaggle "
        "competition challenges-in-representation-learning-facial-expression-recognition-challenge "
        f"(an account is needed) and put it into {tmp_path}/fer2013, or give another folder with --data"
    )
    (tmp_path / "fer2013").mkdir()
    (tmp_path / "fer2013/fer2013.csv").write_text("<html>")
    with pytest.raises(DataError, match=r"a web page saved under this name. Delete it, then put Kaggle's file there"):
        load_fer2013(tmp_path, DatasetSpec("fer2013"), "train")
    assert set(fer2013_sums()) == {"fer2013.csv", "icml_face_data.csv"}
