from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hpstudy.datasets.folder import load_image_folder
from hpstudy.datasets.images import LabelledImages
from hpstudy.errors import DataError
from hpstudy.spec.study import DatasetSpec

RED, GREEN, GREY = (255, 0, 0), (0, 255, 0), 77


def picture(path: Path, colour: object = RED, size: tuple[int, int] = (6, 4), mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)
    return path


def read(root: Path, split: str = "train", **options: object) -> LabelledImages:
    return load_image_folder(Path("unused"), DatasetSpec("image_folder", root=str(root), **options), split)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two classes, three training pictures and one test picture each."""
    for name, colour in (("cat", RED), ("dog", GREEN)):
        for number in range(3):
            picture(tmp_path / "train" / name / f"{number}.png", colour)
        picture(tmp_path / "test" / name / "9.png", colour)
    return tmp_path


def test_train_and_test_folders_are_the_two_parts(root: Path) -> None:
    train, test = read(root), read(root, "test")
    assert train.images.shape == (6, 3, 4, 6)
    assert train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert train.class_names == test.class_names == ("cat", "dog")
    assert train.images[:, :, 0, 0].tolist() == [list(RED)] * 3 + [list(GREEN)] * 3
    assert (len(test), test.labels.tolist()) == (2, [0, 1])


def test_the_checksum_covers_names_and_contents(root: Path) -> None:
    digest = hashlib.sha256()
    for path in sorted((root / "test").rglob("*.png")):
        digest.update(f"{path.relative_to(root)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    assert read(root, "test").checksums == {"test": digest.hexdigest()}
    before = read(root).checksums["train"]
    (root / "train/cat/0.png").rename(root / "train/cat/00.png")
    assert read(root).checksums["train"] != before


def test_one_folder_a_class_is_split_the_same_way_each_time(tmp_path: Path) -> None:
    for name in ("b", "a"):
        for number in range(10):
            picture(tmp_path / name / f"{number}.png", (number, 0, 0))
    train, test = read(tmp_path, test_share=0.3), read(tmp_path, "test", test_share=0.3)
    assert torch.bincount(train.labels).tolist() == [7, 7]
    assert torch.bincount(test.labels).tolist() == [3, 3]
    for label in (0, 1):
        shown = [*train.images[train.labels == label, 0, 0, 0], *test.images[test.labels == label, 0, 0, 0]]
        assert sorted(int(value) for value in shown) == list(range(10))
    # What the test set lost is not missed by the training set.
    for index in (int(value) for value in test.images[test.labels == 0, 0, 0, 0]):
        (tmp_path / "a" / f"{index}.png").write_bytes(b"broken")
    assert torch.equal(read(tmp_path, test_share=0.3).images, train.images)


def test_all_grey_gives_one_channel_and_the_test_part_follows(root: Path) -> None:
    for path in (root / "train").rglob("*.png"):
        picture(path, GREY, mode="L")
    assert read(root).images.shape == (6, 1, 4, 6)
    # Colour in the test part becomes luma: 0.299 · 255 and 0.587 · 255.
    assert read(root, "test").images[:, 0, 0, 0].tolist() == [76, 150]
    picture(root / "train/cat/1.png", RED)
    assert read(root).images.shape == (6, 3, 4, 6)
    assert read(root).images[0, :, 0, 0].tolist() == [GREY] * 3


def test_hidden_names_and_files_beside_the_classes_are_passed_over(root: Path) -> None:
    (root / "train/.DS_Store").write_bytes(b"x")
    (root / "train/.cache").mkdir()
    (root / "train/cat/.DS_Store").write_bytes(b"x")
    (root / "train/labels.csv").write_text("a,b")
    (root / "other").mkdir()
    assert len(read(root)) == 6


def test_pictures_are_resized_when_a_size_is_set(root: Path) -> None:
    picture(root / "train/cat/0.png", RED, size=(30, 10))
    data = read(root, image_size=5)
    assert data.images.shape == (6, 3, 5, 5)
    assert data.images[0, :, 2, 2].tolist() == list(RED)


def test_the_home_folder_is_expanded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(root.parent))
    assert len(read(Path("~") / root.name)) == 6


def test_a_home_that_nobody_has_is_told() -> None:
    with pytest.raises(DataError, match=r"^~nobody-of-this-name/photos: there is no such user, or none with a home\.$"):
        read(Path("~nobody-of-this-name/photos"))


def test_a_name_may_have_any_bytes(root: Path) -> None:
    (root / "train/cat/0.png").rename(root / "train/cat" / os.fsdecode(b"caf\xe9.png"))
    assert len(read(root)) == 6


def test_several_sizes_without_image_size_are_told(root: Path) -> None:
    picture(root / "train/cat/0.png", RED, size=(30, 10))
    with pytest.raises(DataError) as raised:
        read(root)
    assert str(raised.value) == (
        f"{root}: the pictures differ in size (6×4: 5, 30×10: 1); "
        "set dataset.image_size, the side in pixels that all are resized to."
    )


def test_a_test_picture_of_another_size_is_told(root: Path) -> None:
    picture(root / "test/dog/9.png", GREEN, size=(7, 7))
    assert len(read(root)) == 6
    with pytest.raises(DataError, match=r"test/dog/9.png: 7×7, but the training pictures are 6×4"):
        read(root, "test")


def cut_short(path: Path) -> None:
    picture(path, size=(64, 64))
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:-2000])


def outside(path: Path) -> None:
    path.symlink_to(picture(path.parents[3] / "elsewhere" / "far.png"))


@pytest.mark.parametrize(
    ("spoil", "fact"),
    [
        (lambda path: path.write_text("hello"), "no picture"),
        (lambda path: path.write_bytes(b""), "an empty file"),
        (cut_short, r"broken or cut short \(.*truncated.*\)"),
        (lambda path: path.mkdir(), "a folder within a class"),
        (os.mkfifo, "not a regular file"),
        (outside, "a link out of the root"),
        (lambda path: path.symlink_to(path.parent / "gone.png"), "not a regular file"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, spoil: Callable[[Path], None], fact: str) -> None:
    root = tmp_path / "photos"
    for name in ("cat", "dog"):
        picture(root / "train" / name / "0.png")
    spoil(root / "train/dog/bad.png")
    with pytest.raises(
        DataError, match=f"1 of its files cannot be used; repair or remove them:\n  train/dog/bad.png: {fact}"
    ):
        read(root, image_size=4)


def test_links_within_the_root_are_followed(root: Path) -> None:
    (root / "train/cat/link.png").symlink_to(root / "test/cat/9.png")
    assert len(read(root)) == 7


def test_a_class_that_is_a_link_out_of_the_root_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "secret/1.png")
    for name in ("a", "b"):
        picture(tmp_path / "photos" / name / "1.png")
    (tmp_path / "photos/c").symlink_to(tmp_path / "secret")
    with pytest.raises(DataError, match="\n  c: a link out of the root"):
        read(tmp_path / "photos")


def test_every_bad_file_is_named_in_one_go(root: Path) -> None:
    (root / "train/cat/1.png").write_text("no header")
    cut_short(root / "train/dog/2.png")
    (root / "train/eel").mkdir()
    (root / "test/eel").mkdir()
    named = (
        r"3 of its files.*\n  train/cat/1.png: no picture\n  train/dog/2.png: broken.*\n  train/eel: an empty class$"
    )
    with pytest.raises(DataError, match=named):
        read(root, image_size=4)
    (root / "train/eel").rmdir()
    (root / "test/eel").rmdir()
    with pytest.raises(DataError, match=r"2 of its files.*\n  train/cat/1.png: no picture\n  train/dog/2.png: broken"):
        read(root, image_size=4)


def test_after_twenty_files_the_rest_is_counted(root: Path) -> None:
    for number in range(25):
        (root / "train/cat" / f"x{number:02}.png").write_text("no")
    with pytest.raises(DataError, match="25 of its files") as raised:
        read(root)
    lines = str(raised.value).splitlines()
    assert len(lines) == 22
    assert lines[1] == "  train/cat/x00.png: no picture"
    assert lines[-1] == "  and 5 more"


def test_folders_that_are_no_classes_are_told(tmp_path: Path, root: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: there is no such folder; dataset.root .* If it was moved, put"):
        read(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: no class folder; put the pictures into one folder a class, at least"):
        read(tmp_path / "empty")
    picture(tmp_path / "single/cat/1.png")
    with pytest.raises(DataError, match=r"single: only one class folder \(cat\); put"):
        read(tmp_path / "single")
    (root / "test/dog/9.png").rename(root / "test/cat/8.png")
    (root / "test/dog").rename(root / "test/wolf")
    for split in ("train", "test"):  # a search tells too, before hours are spent on what cannot be confirmed
        with pytest.raises(DataError, match=r"not those of train \(lacking: dog; unknown: wolf\); give both the same"):
            read(root, split)
    (root / "test/wolf").rename(root / "test/dog")
    picture(root / "test/dog/1.png").write_text("a search opens no test picture")
    assert len(read(root)) == 6


def test_without_a_test_folder_the_search_works_and_the_confirmation_says_so(root: Path) -> None:
    for path in (root / "test").rglob("*.png"):
        path.unlink()
    for name in ("test/cat", "test/dog", "test"):
        (root / name).rmdir()
    assert len(read(root)) == 6
    with pytest.raises(DataError, match=r"no test folder beside train.*; add test/CLASS folders with the same classes"):
        read(root, "test")
