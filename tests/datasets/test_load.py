from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from hpstudy.datasets.load import load_split, load_training_data
from hpstudy.datasets.preparation import prepare
from hpstudy.datasets.splits import stratified_split
from hpstudy.errors import DataError, InputError
from hpstudy.spec.catalogue import DATASETS
from hpstudy.spec.rows import DatasetRow
from hpstudy.spec.seeds import derive_seed
from hpstudy.spec.study import DatasetSpec, Normalization

DIGITS = DatasetSpec("digits", normalize=Normalization((0.5,), (0.5,)))


@pytest.mark.parametrize("row", DATASETS, ids=lambda row: row.name)
def test_each_row_names_a_loader_and_fits_its_shape(row: DatasetRow) -> None:
    module, function = row.target.split(":")
    load = getattr(importlib.import_module(module), function)
    assert list(inspect.signature(load).parameters) == ["folder", "spec", "split"]
    if row.shape is not None:
        assert len(row.mean) == len(row.std) in (1, row.shape[0])


@pytest.mark.parametrize("row", DATASETS, ids=lambda row: row.name)
def test_a_data_set_that_is_not_there_is_a_data_error(row: DatasetRow, tmp_path: Path) -> None:
    spec = DatasetSpec(row.name, root=str(tmp_path / "none"))
    if row.name == "digits":
        data = load_split(spec, folder=tmp_path, split="train")
        assert (*data.images.shape[1:],) == row.shape
        assert (len(data), len(data.class_names)) == (row.n_train, row.n_classes)
        return
    with pytest.raises(DataError):
        load_split(spec, folder=tmp_path, split="train")


@pytest.mark.parametrize("name", ["fashion_mnist", "mnist", "cifar10"])
def test_the_row_tells_what_the_official_files_hold(name: str, real_data: Path) -> None:
    row = next(row for row in DATASETS if row.name == name)
    if not (real_data / row.folder).is_dir():
        pytest.skip(f"no {name} here")
    data = load_split(DatasetSpec(name), folder=real_data, split="train")
    assert (len(data), *data.images.shape[1:]) == (row.n_train, *(row.shape or ()))
    assert len(data.class_names) == row.n_classes == int(data.labels.max()) + 1


def test_search_splits_the_training_set_alone(tmp_path: Path) -> None:
    data = load_training_data(DIGITS, folder=tmp_path, validation=0.1, split_seed=5, part="search")
    whole = load_split(DIGITS, folder=tmp_path, split="train")
    kept, held_out = stratified_split(whole.labels, share=0.1, seed=5)
    assert (len(data.train), len(data.evaluation)) == (1293, 144)
    assert torch.equal(data.train.images, whole.images[kept])
    assert torch.equal(data.evaluation.labels, whole.labels[held_out])
    assert data.input_shape == (1, 8, 8)
    assert data.n_classes == 10


def test_confirm_takes_the_whole_training_set_and_the_test_set(tmp_path: Path) -> None:
    data = load_training_data(DIGITS, folder=tmp_path, validation=0.1, split_seed=5, part="confirm")
    assert (len(data.train), len(data.evaluation)) == (1437, 360)


@pytest.mark.parametrize(("part", "sizes"), [("search", (258, 29)), ("confirm", (287, 360))])
def test_share_keeps_a_stratified_part_of_the_training_set(tmp_path: Path, part: str, sizes: tuple[int, int]) -> None:
    spec = DatasetSpec("digits", share=0.2)
    data = load_training_data(spec, folder=tmp_path, validation=0.1, split_seed=5, part=part)
    assert (len(data.train), len(data.evaluation)) == sizes
    whole = load_split(spec, folder=tmp_path, split="train")
    _, shared = stratified_split(whole.labels, share=0.2, seed=derive_seed(5, "share"))
    if part == "confirm":
        assert torch.equal(data.train.images, whole.images[shared])


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of four grey training pictures and two test pictures each, 8×6 pixels."""
    for split, count in (("train", 4), ("test", 2)):
        for name, value in (("dark", 10), ("light", 200)):
            (tmp_path / split / name).mkdir(parents=True)
            for number in range(count):
                Image.new("L", (8, 6), value + number).save(tmp_path / split / name / f"{number}.png")
    return tmp_path


def test_a_search_never_opens_the_test_files(photos: Path) -> None:
    spec = DatasetSpec("image_folder", root=str(photos))
    before = load_training_data(spec, folder=photos, validation=0.25, split_seed=0, part="search")
    for path in (photos / "test").rglob("*.png"):
        path.unlink()
    after = load_training_data(spec, folder=photos, validation=0.25, split_seed=0, part="search")
    assert torch.equal(before.train.images, after.train.images)
    assert torch.equal(before.evaluation.images, after.evaluation.images)
    with pytest.raises(DataError, match="test/dark: an empty class"):
        load_training_data(spec, folder=photos, validation=0.25, split_seed=0, part="confirm")


def test_a_grey_channel_is_repeated_without_memory(tmp_path: Path) -> None:
    spec = DatasetSpec("digits", greyscale_to_rgb=True)
    data = load_training_data(spec, folder=tmp_path, validation=0.1, split_seed=1, part="search")
    assert data.input_shape == (3, 8, 8)
    assert data.train.images.untyped_storage().nbytes() == 1293 * 64
    assert torch.equal(data.train.images[:, 0], data.train.images[:, 2])


@pytest.mark.parametrize(("size", "stored", "shape"), [(5, 5, (1, 5, 5)), (8, 8, (1, 8, 8)), (12, 8, (1, 12, 12))])
def test_only_what_does_not_grow_is_resized_at_loading(
    tmp_path: Path, size: int, stored: int, shape: tuple[int, int, int]
) -> None:
    spec = DatasetSpec("digits", image_size=size)
    data = load_training_data(spec, folder=tmp_path, validation=0.1, split_seed=1, part="search")
    assert data.train.images.shape[2:] == (stored, stored)
    assert data.input_shape == shape
    assert data.preparation.image_size == (size if size > stored else None)
    assert prepare(data.train.images[:2], preparation=data.preparation).shape == (2, *shape)


def test_pad_resize_keeps_the_size_and_darkens_the_edge(tmp_path: Path) -> None:
    plain = load_split(DatasetSpec("digits"), folder=tmp_path, split="test")
    padded = load_split(DatasetSpec("digits", pad_resize=4), folder=tmp_path, split="test")
    assert padded.images.shape == plain.images.shape
    assert padded.images[:, :, 0].max().item() == 0
    # A picture of half the side keeps a quarter of the light.
    assert padded.images.float().mean().item() == pytest.approx(plain.images.float().mean().item() / 4, rel=0.01)


def test_a_normalisation_for_other_channels_is_told(tmp_path: Path) -> None:
    spec = DatasetSpec("digits", normalize=Normalization((0.5, 0.5, 0.5), (0.5,)))
    with pytest.raises(InputError) as raised:
        load_training_data(spec, folder=tmp_path, validation=0.1, split_seed=1, part="search")
    assert str(raised.value) == (
        "dataset.normalize: 3 values, but the pictures of digits have 1 channel: "
        "give one value for all, or one a channel."
    )


def test_a_set_too_small_to_split_is_told(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.new("L", (4, 4)).save(tmp_path / name / "1.png")
    spec = DatasetSpec("image_folder", root=str(tmp_path))
    for part, cause in (("search", "validation 0.1"), ("confirm", "test_share 0.2")):
        with pytest.raises(DataError, match=f"image_folder: too few images: {cause} leaves a part empty"):
            load_training_data(spec, folder=tmp_path, validation=0.1, split_seed=1, part=part)


def test_importing_the_room_leaves_heavy_libraries_out() -> None:
    imports = "import sys; from hpstudy.datasets import load, images, augmentation, obtain"
    heavy = "{'torchvision', 'sklearn', 'scipy', 'PIL'}"
    code = f"{imports}; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
