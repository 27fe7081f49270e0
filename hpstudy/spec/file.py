"""The shape of a study file: which keys there are, of what type, and what holds where one is absent."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

NAME_RULE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$"


class Shape(BaseModel):
    """A mapping of the file: unknown keys are refused, and nothing is converted (`"3"` is no number)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _named(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def _none_word(value: object) -> object:
    """`none` becomes None; nothing at all stays wrong, lest an unfinished line turn something off."""
    return _unless_empty(None if value == "none" else value, written=value)


def _confirmed(value: object) -> object:
    """`false` becomes None and `true` the defaults."""
    if isinstance(value, bool):
        return {} if value else None
    return _unless_empty(value, written=value)


def _unless_empty(value: object, *, written: object) -> object:
    if written is None:
        raise ValueError("nothing is written")
    return value


def _empty_mapping(value: object) -> object:
    """A heading whose entries are all commented out is an empty mapping."""
    return {} if value is None else value


Positive = Annotated[float, Field(gt=0)]


class NormalizeShape(Shape):
    """`normalize` of a data set: a number for all channels, or a list with one a channel."""

    mean: Annotated[list[float], BeforeValidator(_listed)] = Field(
        min_length=1, description="a number, or a list of numbers, one a channel"
    )
    std: Annotated[list[Positive], BeforeValidator(_listed)] = Field(
        min_length=1, description="a number above 0, or a list of them, one a channel"
    )


class DatasetShape(Shape):
    """`dataset`; a bare name is the mapping with that name."""

    name: str = Field(description="the name of a data set")
    root: str = Field(default="", min_length=1, description="the folder of your pictures")
    share: float = Field(default=1.0, gt=0, le=1, description="a number above 0 and at most 1")
    image_size: int | None = Field(default=None, ge=8, le=1024, description="a whole number from 8 to 1024")
    normalize: Annotated[NormalizeShape | None, BeforeValidator(_none_word)] = Field(
        default=None, description="none, or a mapping with mean and std"
    )
    pad_resize: int = Field(default=0, ge=0, le=64, description="a whole number from 0 to 64")
    shuffle: bool = Field(default=True, description="true or false")
    greyscale_to_rgb: bool = Field(default=False, description="true or false")
    test_share: float = Field(default=0.2, gt=0, lt=1, description="a number above 0 and below 1")


class ComponentShape(Shape):
    """`sampler` or `pruner`; a bare name is the mapping with that name. The catalogue checks the options."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(description="a name")


class ConfirmShape(Shape):
    """`confirm`; `true` is the mapping with nothing in it."""

    top: int = Field(default=2, ge=1, description="a whole number of at least 1")
    seeds: int = Field(default=3, ge=2, le=50, description="a whole number from 2 to 50")


Named = BeforeValidator(_named)
OwnKeys = Annotated[dict[str, Any], BeforeValidator(_empty_mapping)]


class StudyShape(Shape):
    """The whole file. Name, data set and architecture are required; their absence is reported apart."""

    name: Annotated[str, StringConstraints(pattern=NAME_RULE)] = Field(
        default="",
        description="text of 1 to 80 letters, digits, dots, dashes, underscores, the first a letter or digit",
    )
    description: str = Field(default="", description="text")
    dataset: Annotated[DatasetShape | None, Named] = Field(
        default=None, description="the name of a data set, or a mapping with its name"
    )
    architecture: Annotated[list[str], BeforeValidator(_listed)] = Field(
        default=[], min_length=1, description="a name, or a list of different names"
    )
    epochs: int = Field(default=10, ge=1, description="a whole number of at least 1")
    trials: int = Field(default=50, ge=1, le=1_000_000, description="a whole number from 1 to 1000000")
    seed: int = Field(default=0, ge=0, lt=2**32, description="a whole number from 0 to 4294967295")
    settings: OwnKeys = Field(default={}, description="a mapping of settings")
    validation: float = Field(default=0.1, gt=0, le=0.5, description="a number above 0 and at most 0.5")
    sampler: Annotated[ComponentShape, Named] = Field(
        default=ComponentShape(name="tpe"),
        description="the name of a sampler, or a mapping with its name and options",
    )
    pruner: Annotated[ComponentShape, Named] = Field(
        default=ComponentShape(name="successive_halving"),
        description="the name of a pruner, or a mapping with its name and options",
    )
    confirm: Annotated[ConfirmShape | None, BeforeValidator(_confirmed)] = Field(
        default=ConfirmShape(), description="true, false, or a mapping with top and seeds"
    )
    baselines: OwnKeys = Field(default={}, description="a mapping of names to settings")
    fair: bool = Field(default=False, description="true or false")
    max_seconds: Annotated[float | None, BeforeValidator(_none_word)] = Field(
        default=None, gt=0, description="a number of seconds above 0, or none"
    )


REQUIRED = ("name", "dataset", "architecture")

NESTED: dict[str, type[Shape]] = {
    "dataset": DatasetShape,
    "normalize": NormalizeShape,
    "sampler": ComponentShape,
    "pruner": ComponentShape,
    "confirm": ConfirmShape,
}
