"""A data set by name: its images, prepared once, and the parts that a training sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from torch import Tensor

from hpstudy.datasets.images import LabelledImages, TrainingData, select
from hpstudy.datasets.preparation import Preparation
from hpstudy.datasets.resizing import resize
from hpstudy.datasets.splits import stratified_split
from hpstudy.errors import DataError, InputError
from hpstudy.spec.catalogue import DATASETS, by_name, resolve
from hpstudy.spec.seeds import derive_seed
from hpstudy.spec.study import DatasetSpec

Split = Literal["train", "test"]
Loader = Callable[[Path, DatasetSpec, Split], LabelledImages]


def load_split(spec: DatasetSpec, *, folder: Path, split: Split) -> LabelledImages:
    """The training set or the test set of a data set, with the preparation that does not grow it done.

    In this order: `pad_resize` (zero padding, then antialiased bilinear back to the size before),
    `image_size` where the square has fewer pixels than the picture (antialiased bilinear), `greyscale_to_rgb`
    (the grey channel repeated without memory). An `image_size` that grows the pictures is left to
    `Preparation`.

    Args:
        spec: Which images. `share` is not applied here: the whole set is returned.
        folder: The data folder, under which each data set has its own.
        split: Which of the two; no file of the other is opened.

    Returns:
        The images, on the CPU.

    Raises:
        DataError: The data set is absent or damaged.
    """
    data = _loader(spec.name)(folder, spec, split)
    return replace(data, images=fit_images(data.images, spec=spec))


def check_test_set(spec: DatasetSpec, *, folder: Path) -> None:
    """Makes sure that a confirmation can read the test set: all of its files are decoded, and nothing of it is kept.

    Args:
        spec: Which images.
        folder: The data folder.

    Raises:
        DataError: The test set is absent, damaged or empty.
    """
    _nonempty(_loader(spec.name)(folder, spec, "test"), spec, f"test_share {spec.test_share:g}")


def fit_images(images: Tensor, *, spec: DatasetSpec) -> Tensor:
    """Pictures as their data set holds them, with the preparation that does not grow them done, as in `load_split`.

    Args:
        images: uint8 [N, C, H, W] on the CPU.
        spec: Gives `pad_resize`, `image_size` and `greyscale_to_rgb`.

    Returns:
        uint8 [N, C', H', W']; a grey channel that is repeated shares one channel's memory.
    """
    height, width = images.shape[2:]
    if spec.pad_resize:
        images = resize(images, height=height, width=width, padding=spec.pad_resize)
    if spec.image_size is not None and _shrinks(spec.image_size, height, width):
        images = resize(images, height=spec.image_size, width=spec.image_size)
    if spec.greyscale_to_rgb and images.shape[1] == 1:
        images = images.expand(-1, 3, -1, -1)
    return images


def preparation_for(images: Tensor, *, spec: DatasetSpec) -> Preparation:
    """What is left to be done on each batch of images that `fit_images` gave.

    Raises:
        InputError: The normalisation has another number of values than the images have channels.
    """
    channels, height, width = images.shape[1:]
    for values in (spec.normalize.mean, spec.normalize.std) if spec.normalize else ():
        if len(values) not in (1, channels):
            raise InputError(
                f"dataset.normalize: {len(values)} values, but the pictures of {spec.name} have {channels} "
                f"channel{'s' if channels > 1 else ''}: give one value for all, or one a channel."
            )
    grows = spec.image_size is not None and (height, width) != (spec.image_size, spec.image_size)
    return Preparation(normalize=spec.normalize, image_size=spec.image_size if grows else None)


def load_training_data(
    spec: DatasetSpec,
    *,
    folder: Path,
    validation: float,
    split_seed: int,
    part: Literal["search", "confirm"],
) -> TrainingData:
    """The part to learn from and the part to evaluate on.

    Args:
        spec: Which images. A `share` below 1 keeps a stratified part of the training set, never of the test
            set.
        folder: The data folder.
        validation: Share of the training images that is the validation part, in (0, 1), stratified by class.
        split_seed: Decides both splits; at least 0.
        part: `search`: train and validation, both from the training set; the test set is never opened.
            `confirm`: the whole (shared) training set, and the test set as evaluation.

    Returns:
        Both parts, on the CPU, and the preparation of their batches.

    Raises:
        DataError: The data set is absent, damaged, or too small to be split.
        InputError: The normalisation has another number of values than the images have channels.
    """
    whole = load_split(spec, folder=folder, split="train")
    preparation = preparation_for(whole.images, spec=spec)
    if spec.share < 1:
        _, shared = stratified_split(whole.labels, share=spec.share, seed=derive_seed(split_seed, "share"))
        whole = _nonempty(select(whole, shared), spec, f"share {spec.share:g}")
    if part == "confirm":
        test = _nonempty(load_split(spec, folder=folder, split="test"), spec, f"test_share {spec.test_share:g}")
        return TrainingData(whole, test, preparation)
    kept, held_out = stratified_split(whole.labels, share=validation, seed=split_seed)
    train = _nonempty(select(whole, kept), spec, f"validation {validation:g}")
    evaluation = _nonempty(select(whole, held_out), spec, f"validation {validation:g}")
    return TrainingData(train, evaluation, preparation)


def _loader(name: str) -> Loader:
    """The function that a data set's row names."""
    return cast("Loader", resolve(by_name(DATASETS)[name].target))


def _shrinks(size: int, height: int, width: int) -> bool:
    return size * size < height * width


def _nonempty(data: LabelledImages, spec: DatasetSpec, cause: str) -> LabelledImages:
    if len(data):
        return data
    raise DataError(f"{spec.name}: too few images: {cause} leaves a part empty; add images or change it.")
