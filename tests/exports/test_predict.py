"""Predictions of an exported model: the same bits as the model gave, from files of every kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hpstudy.datasets.digits import load_digits
from hpstudy.datasets.load import fit_images, load_split, preparation_for
from hpstudy.datasets.preparation import prepare
from hpstudy.errors import ArtifactError, DataError, InputError
from hpstudy.exports.model import TrainedModel
from hpstudy.exports.predict import predict
from hpstudy.exports.read import read_export
from hpstudy.spec.study import DatasetSpec, Normalization
from tests.exports.conftest import COLOUR, Export, network

CPU = torch.device("cpu")
GREY_AS_RGB = DatasetSpec("digits", image_size=16, pad_resize=2, greyscale_to_rgb=True, normalize=COLOUR.normalize)


def saved(images: torch.Tensor, folder: Path) -> list[Path]:
    """uint8 images [N, C, H, W] as PNG files."""
    folder.mkdir()
    paths = [folder / f"{index}.png" for index in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        pixels = image.permute(1, 2, 0).numpy()
        Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(path)
    return paths


def direct(model: TrainedModel, images: torch.Tensor, folder: Path) -> np.ndarray:
    """Probabilities of the network before it was exported, for the data set's own tensors."""
    spec = model.config.dataset
    fitted = fit_images(images, spec=spec)
    inputs = prepare(fitted, preparation=preparation_for(fitted, spec=spec))
    with torch.inference_mode():
        return network(model, folder)(inputs).softmax(1).numpy()


def noise(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(3), dtype=torch.uint8)


def check(model: TrainedModel, images: torch.Tensor, *, export: Export, tmp_path: Path) -> None:
    found = predict(read_export(export(model)), saved(images, tmp_path / "pictures"), device=CPU)
    assert found.dtype == np.float32
    assert found.shape == (len(images), len(model.class_names))
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)
    np.testing.assert_array_equal(found, direct(model, images, tmp_path))


def test_grey_pictures_give_the_bits_of_the_model_that_was_exported(trained, export, tmp_path) -> None:
    check(trained, load_digits(tmp_path, trained.config.dataset, "test").images[:5], export=export, tmp_path=tmp_path)


def test_so_do_pictures_in_colour(in_colour, export, tmp_path) -> None:
    check(in_colour, noise(4, 3, 32, 32), export=export, tmp_path=tmp_path)


def test_so_does_a_users_own_network(own, export, tmp_path) -> None:
    check(own, noise(3, 1, 8, 8), export=export, tmp_path=tmp_path)


def test_so_does_torchvisions(in_colour, export, tmp_path) -> None:
    config = replace(in_colour.config, architecture="torchvision:mobilenet_v3_small", options={}, dropout=0.1)
    check(replace(in_colour, config=config), noise(2, 3, 32, 32), export=export, tmp_path=tmp_path)


def test_so_do_pictures_that_are_padded_grown_and_made_rgb(trained, export, tmp_path) -> None:
    model = replace(trained, config=replace(trained.config, dataset=GREY_AS_RGB), input_shape=(3, 16, 16))
    images = load_digits(tmp_path, GREY_AS_RGB, "test").images[:3]
    whole = load_split(GREY_AS_RGB, folder=tmp_path, split="test")
    assert torch.equal(fit_images(images, spec=GREY_AS_RGB), whole.images[:3])
    check(model, images, export=export, tmp_path=tmp_path)


def test_more_pictures_than_a_batch_keep_their_order(trained, export, tmp_path) -> None:
    images = noise(70, 1, 8, 8)
    found = predict(read_export(export(trained)), saved(images, tmp_path / "pictures"), device=CPU)
    np.testing.assert_allclose(found, direct(trained, images, tmp_path), atol=1e-6)
    assert np.unique(found[:, 0]).size > 60


def test_pictures_of_every_kind_become_the_data_sets(trained, export, tmp_path) -> None:
    pixels = np.full((8, 8), 200, dtype=np.uint8)
    kinds = {
        "grey.png": Image.fromarray(pixels),
        "rgb.png": Image.fromarray(pixels).convert("RGB"),
        "cmyk.tiff": Image.fromarray(pixels).convert("RGB").convert("CMYK"),
        "sixteen.png": Image.fromarray(pixels.astype(np.uint16) * 257),
        "large.png": Image.fromarray(pixels).resize((50, 20)),
    }
    for name, image in kinds.items():
        image.save(tmp_path / name)
    found = predict(read_export(export(trained)), [tmp_path / name for name in kinds], device=CPU)
    for row in found[1:]:
        np.testing.assert_array_equal(row, found[0])


def test_the_exif_rotation_is_applied(trained, export, tmp_path) -> None:
    upright = noise(1, 1, 8, 8)[0, 0].numpy()
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90° clockwise
    Image.fromarray(upright).save(tmp_path / "upright.png")
    Image.fromarray(np.rot90(upright).copy()).save(tmp_path / "lying.png", exif=exif)
    found = predict(read_export(export(trained)), [tmp_path / "upright.png", tmp_path / "lying.png"], device=CPU)
    np.testing.assert_array_equal(found[0], found[1])


def test_pictures_that_are_not_square_are_resized_to_the_data_sets(trained, export, tmp_path) -> None:
    spec = DatasetSpec("image_folder", normalize=Normalization((0.5,), (0.5,)))
    config = replace(trained.config, dataset=spec)
    model = replace(trained, config=config, picture_shape=(1, 8, 12), input_shape=(1, 8, 12))
    paths = saved(noise(1, 1, 8, 12), tmp_path / "pictures")
    flat = tmp_path / "flat.png"
    Image.new("L", (30, 7), 90).save(flat)
    Image.new("L", (12, 8), 90).save(tmp_path / "same.png")
    found = predict(read_export(export(model)), [*paths, flat, tmp_path / "same.png"], device=CPU)
    np.testing.assert_array_equal(found[1], found[2])
    assert not np.array_equal(found[0], found[1])


def test_no_picture_gives_no_row(trained, export) -> None:
    assert predict(read_export(export(trained)), [], device=CPU).shape == (0, 10)


def test_every_bad_file_is_named_at_once(trained, export, tmp_path) -> None:
    (good,) = saved(noise(1, 1, 8, 8), tmp_path / "pictures")
    text, empty, gone = tmp_path / "notes.png", tmp_path / "empty.jpg", tmp_path / "gone.png"
    text.write_text("hello")
    empty.write_bytes(b"")
    with pytest.raises(DataError) as raised:
        predict(read_export(export(trained)), [text, good, empty, tmp_path, gone], device=CPU)
    assert raised.value.exit_code == 4
    assert str(raised.value) == (
        f"4 of 5 pictures cannot be used:\n  {text}: no picture\n  {empty}: an empty file\n"
        f"  {tmp_path}: cannot be read: Is a directory\n  {gone}: cannot be read: No such file or directory"
    )


def test_predicting_leaves_torchs_random_state(trained, export, tmp_path) -> None:
    exported = read_export(export(trained))
    paths = saved(noise(1, 1, 8, 8), tmp_path / "pictures")
    torch.manual_seed(5)
    predict(exported, paths, device=CPU)
    after = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(1))


def test_a_model_that_does_not_fit_its_pictures_is_told(trained, export, tmp_path) -> None:
    wrong = replace(trained, input_shape=(1, 9, 9))
    paths = saved(noise(1, 1, 8, 8), tmp_path / "pictures")
    with pytest.raises(ArtifactError, match=r"its pictures become \[1, 8, 8\], but the model takes \[1, 9, 9\]"):
        predict(read_export(export(wrong)), paths, device=CPU)


def test_own_code_that_raises_is_told_with_its_line(own, export, tmp_path) -> None:
    source = (
        "from torch import nn\n\ndef tiny(input_shape, n_classes, *, dropout=0.0, hidden=8):\n    return neighbour\n"
    )
    exported = read_export(export(own, source=source))
    with pytest.raises(
        InputError,
        match=r"out: its architecture cannot be built: architecture.py:4: NameError: name 'neighbour' is not",
    ):
        predict(exported, [], device=CPU)
