"""The shapes of what hpstudy and Optuna store as JSON.

They hold for every format that was ever released: what only some of them have may be absent, and a key that is not
named here may hold anything.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from hpstudy.results.stored import MOST_DIGITS
from hpstudy.tables import (
    ARTIFACTS_ATTRIBUTE,
    BASELINE,
    BASELINES_ATTRIBUTE,
    CANDIDATES_ATTRIBUTE,
    CONFIG,
    CONFIRM_ATTRIBUTE,
    CONFIRM_SEED,
    CONFIRMS,
    DESCRIPTION_ATTRIBUTE,
    IDENTITY_ATTRIBUTE,
    MESSAGE,
    N_PARAMETERS,
    PREDICTIONS_SHA256,
    REASON,
    REPEATS,
    RULES_ATTRIBUTE,
    RUN,
    TEST_DATA_ATTRIBUTE,
    TRACEBACK,
    TRAIN_ACCURACY,
    WEIGHTS_SHA256,
)

Word = Annotated[str, Field(max_length=300_000)]  # a study file has 256 kB at most
Name = Annotated[str, Field(min_length=1, max_length=512)]
Whole = Annotated[int, Field(gt=-MOST_DIGITS, lt=MOST_DIGITS)]
Count = Annotated[int, Field(ge=0, lt=MOST_DIGITS)]
Positive = Annotated[int, Field(gt=0, lt=MOST_DIGITS)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Epochs = Annotated[int, Field(ge=1, le=1_000_000)]
Repeats = Annotated[int, Field(ge=0, le=1_000_000)]
Scalar = bool | Whole | Number | Word
Scalars = Annotated[list[Scalar], Field(min_length=1)]


class Stored(BaseModel):
    """A mapping of which some keys are known; nothing is converted."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, allow_inf_nan=False)


class Normalize(Stored):
    """How pixels are normalised."""

    mean: list[Number]
    std: list[Number]


class Dataset(Stored):
    """`DatasetSpec`."""

    name: Name
    root: Word = ""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    image_size: Positive | None = None
    normalize: Normalize | None = None
    pad_resize: Count = 0
    shuffle: bool = True
    greyscale_to_rgb: bool = False
    test_share: Fraction = 0.2


class TrainingSeeds(Stored):
    """`Seeds`."""

    split: Count
    weights: Count
    batches: Count
    dropout: Count


class Config(Stored):
    """`TrialConfig`, as its `to_json` writes it; what is not named here is a setting too."""

    __pydantic_extra__: dict[str, Scalar | None] = Field(init=False)

    architecture: Name
    options: dict[Name, Scalar | None]
    dataset: Dataset
    validation: Fraction
    epochs: Epochs
    optimizer: Name
    learning_rate: Number
    momentum: Number | None
    weight_decay: Number
    batch_size: Positive
    dropout: Number | None
    step_gamma: Number
    step_size: Positive
    augment: Word
    precision: Name
    seeds: TrainingSeeds


class Condition(Stored):
    """What the mappings of a study file's settings have in common."""

    when: dict[Name, list[Scalar]] = Field(default_factory=dict)


class FixedValue(Condition):
    """A setting with one value under a condition."""

    value: Scalar


class SomeChoices(Condition):
    """A setting chosen from some values under a condition."""

    choices: Scalars


class NumberRange(Condition):
    """A setting drawn from a range."""

    low: Whole | Number
    high: Whole | Number
    log: bool = False
    step: Whole | Number | None = None


class Part(Stored):
    """A sampler or a pruner: its name and its options."""

    __pydantic_extra__: dict[str, Scalar | None] = Field(init=False)

    name: Name


class Identity(Stored):
    """What makes a study, as `spec.identity` writes it."""

    dataset: Dataset
    architecture: Annotated[list[Name], Field(min_length=1)]
    epochs: Epochs
    seed: Count
    settings: dict[Name, FixedValue | SomeChoices | NumberRange | Scalars | Scalar]
    validation: Fraction
    sampler: Part
    pruner: Part
    fair: bool
    source: dict[str, str] = Field(default_factory=dict)
    data: dict[str, str] = Field(default_factory=dict)


class NamedModel(Stored):
    """The identity of a baseline: its architecture, its epochs, and the values that it gives itself."""

    architecture: Name
    epochs: Epochs
    source: dict[str, str] = Field(default_factory=dict)


class Seeds(Stored):
    """How far a study is to be confirmed."""

    top: Repeats
    seeds: Repeats


class Images(Stored):
    """What a run has noted of its images."""

    train: Count
    validation: Count
    test: Count = 0
    input_shape: Annotated[list[Positive], Field(min_length=3, max_length=3)]
    channels: Positive = 1
    classes: Annotated[list[Word], Field(min_length=1, max_length=100_000)]


class Git(Stored):
    """The commit of a run's folder."""

    commit: Name
    clean: bool | None = None


class Layer(Stored):
    """A row of a layer table."""

    name: Word
    kind: Word
    output_shape: list[Count]
    parameters: Count
    mult_adds: Count


class Model(Stored):
    """The layer table of a network."""

    n_parameters: Count
    layers: list[Layer]


class Record(Stored):
    """What a run has recorded of its machine, its software and its data."""

    versions: dict[str, str] | None = None
    device: Word = ""
    processor: Word | None = None
    engine: Whole | None = None
    platform: Word = ""
    host: Word = ""
    git: Git | None = None
    data: dict[str, str] = Field(default_factory=dict)
    test_data: dict[str, str] = Field(default_factory=dict)
    images: Images | None = None
    folder: Word = ""
    architectures: list[Name] = Field(default_factory=list)
    architecture_sources: dict[str, str] = Field(default_factory=dict)
    architecture_defaults: dict[str, dict[str, Scalar | None]] = Field(default_factory=dict)
    models: dict[str, Model] = Field(default_factory=dict)
    equal_weights: list[Name] = Field(default_factory=list)
    threads: Positive = 1
    workers: Positive = 1


class Described(Stored):
    """The attributes of a distribution, as Optuna writes them."""

    choices: Annotated[list[Any], Field(min_length=1, max_length=100_000)] | None = None
    low: Number | None = None
    high: Number | None = None
    log: bool = False
    step: Number | None = None
    q: Number | None = None


class Distribution(Stored):
    """What Optuna has drawn a parameter from; Optuna 1 and 2 have names of their own."""

    name: Name
    attributes: Described


TRIAL_SHAPES: dict[str, Any] = {
    BASELINE: Name,
    CONFIG: Config,
    CONFIRMS: Name,
    CONFIRM_SEED: Repeats,
    MESSAGE: str,
    N_PARAMETERS: Count | None,
    PREDICTIONS_SHA256: Name,
    REASON: str,
    REPEATS: Count | None,
    RUN: Whole,
    TRACEBACK: str,
    TRAIN_ACCURACY: Fraction | None,
    WEIGHTS_SHA256: Name | None,
}
"""The user attributes of a trial."""

STUDY_SHAPES: dict[str, Any] = {
    IDENTITY_ATTRIBUTE: Identity,
    BASELINES_ATTRIBUTE: dict[Name, NamedModel],
    DESCRIPTION_ATTRIBUTE: str,
    CONFIRM_ATTRIBUTE: Seeds,
    CANDIDATES_ATTRIBUTE: list[Name],
    ARTIFACTS_ATTRIBUTE: Name,
    RULES_ATTRIBUTE: Positive,
    TEST_DATA_ATTRIBUTE: dict[str, str],
}
"""Those of a study, and of a part of it."""
