"""`StudySpec`: a checked study file as frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from hpstudy.spec.rows import Scalar

KeyPath = tuple[str | int, ...]
"""Where a value stands in the file: `("settings", "learning_rate", "low")`."""


@dataclass(frozen=True)
class Position:
    """Line and column from 1; (0, 0) for a value that came from the command line or from a default."""

    line: int = 0
    column: int = 0


@dataclass(frozen=True)
class Fixed:
    """A setting with one value."""

    value: Scalar


@dataclass(frozen=True)
class Choices:
    """A setting chosen from at least two different values; the order is the file's."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Range:
    """A setting drawn from [low, high]; both ends are int for an integer setting and float otherwise.

    Attributes:
        low: Lower end, included.
        high: Upper end, included (with a step: the last value that the steps reach).
        log: Drawn evenly in the logarithm; never together with a step.
        step: Distance of neighbouring values; None for a continuous range (an integer one then steps by 1).
    """

    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None


Domain = Fixed | Choices | Range


@dataclass(frozen=True)
class Setting:
    """One setting of a study.

    Attributes:
        name: A built-in setting (`learning_rate`) or an architecture's option (`lenet5.width`).
        domain: What it may be.
        when: Other settings (or `"architecture"`) and the values of theirs under which this one exists; all
            must hold. It carries the file's `when` and what follows by itself: momentum exists for the
            optimizers that have it, an option where its architecture is chosen.
    """

    name: str
    domain: Domain
    when: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Normalization:
    """Pixels in [0, 1] become (x - mean) / std; one value a channel, or one for all."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class DatasetSpec:
    """Which images, and how they are prepared.

    Attributes:
        name: A row of the catalogue.
        root: Folder of the user's pictures (`image_folder`), as written; empty otherwise.
        share: Stratified part of the training set that is used, in (0, 1].
        image_size: Side of the square that pictures are resized to; None keeps their own.
        normalize: Normalisation that holds (the catalogue's where the file says nothing); None leaves [0, 1].
        pad_resize: Pixels of zero padding on each side before resizing back to the size before.
        shuffle: Whether the training images come in a new order each epoch.
        greyscale_to_rgb: Whether a grey picture is repeated in three channels.
        test_share: `image_folder` without a train folder: the part kept as test set, in (0, 1).
    """

    name: str
    root: str = ""
    share: float = 1.0
    image_size: int | None = None
    normalize: Normalization | None = None
    pad_resize: int = 0
    shuffle: bool = True
    greyscale_to_rgb: bool = False
    test_share: float = 0.2


@dataclass(frozen=True)
class Component:
    """A sampler or a pruner: its name and every option of it, defaults included."""

    name: str
    options: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True)
class Confirm:
    """How many of the best configurations are confirmed, on how many fresh seeds each."""

    top: int = 2
    seeds: int = 3


@dataclass(frozen=True)
class Baseline:
    """A named configuration.

    Attributes:
        name: As the file calls it.
        architecture: One name, its own or the study's only one.
        epochs: Its own, or the study's.
        values: The settings and `architecture.option` values that it gives itself.
    """

    name: str
    architecture: str
    epochs: int
    values: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True)
class StudySpec:
    """A checked study file.

    Attributes:
        name: The study's name in the storage.
        description: The question that it asks.
        dataset: Which images.
        architectures: Names offered, at least one: a catalogue row, `torchvision:NAME`, `package.module:NAME`
            or `file.py:NAME` beside the study file.
        epochs: Epochs of a trial.
        trials: Sampled trials in all.
        seed: What every random stream derives from.
        settings: By name, parents before what depends on them. A setting that is absent has its default.
        validation: Share of the training set that is the validation part, in (0, 1).
        sampler: Sampler and options.
        pruner: Pruner and options.
        confirm: None where the file says `false`.
        baselines: In the file's order.
        fair: Whether each architecture gets the same number of trials, with a history of its own.
        max_seconds: A sampled trial whose epochs have taken longer in all is stopped; None for no limit.
        path: The file as the user named it, for messages.
        text: The file's text as it was read.
        positions: Where each value stands.
    """

    name: str
    description: str
    dataset: DatasetSpec
    architectures: tuple[str, ...]
    epochs: int
    trials: int
    seed: int
    settings: Mapping[str, Setting]
    validation: float
    sampler: Component
    pruner: Component
    confirm: Confirm | None
    baselines: tuple[Baseline, ...]
    fair: bool
    max_seconds: float | None
    path: str
    text: str
    positions: Mapping[KeyPath, Position]

    @property
    def folder(self) -> FilePath:
        """Where the study file lies: a user's own architectures are found beside it."""
        return FilePath(self.path).resolve().parent

    def position(self, *path: str | int) -> Position:
        """Where a value stands; that of the nearest enclosing value where the value itself is not written."""
        while path and path not in self.positions:
            path = path[:-1]
        return self.positions.get(path, Position())
