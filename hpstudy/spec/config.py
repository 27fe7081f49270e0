"""`TrialConfig`: the concrete values of one training, and how a study's settings become one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hpstudy.spec.catalogue import ARCHITECTURES, MOMENTUM_OPTIMIZERS, SETTINGS
from hpstudy.spec.rows import Scalar
from hpstudy.spec.seeds import Seeds
from hpstudy.spec.study import Baseline, Choices, DatasetSpec, Fixed, Normalization, Setting, StudySpec

NO_SETTINGS = frozenset({"options", "dataset", "validation", "seeds", "epochs"})
"""What a configuration has beside settings."""


@dataclass(frozen=True)
class TrialConfig:
    """Everything that decides a training; equal configurations on equal machines give equal bits on the CPU.

    Attributes:
        architecture: Name as in the study file.
        options: Options of that architecture that the study or the baseline sets; the others have their defaults.
        dataset: Which images, and how they are prepared.
        validation: Share of the training set that is the validation part.
        epochs: Epochs of the whole training.
        optimizer: A row of the catalogue's optimizers.
        learning_rate: Of the first epoch.
        momentum: None for an optimizer without it.
        weight_decay: L2 factor, at least 0.
        batch_size: Images a step.
        dropout: Share of units left out, in [0, 1); None is the default of an architecture that hpstudy does not
            ship.
        step_gamma: The learning rate is multiplied by it every `step_size` epochs.
        step_size: Epochs between two multiplications.
        augment: `none`, `flip`, `crop` or `crop_flip`.
        precision: `float32` or `bfloat16` (autocast).
        seeds: Of split, weights, batches and dropout.
    """

    architecture: str
    options: Mapping[str, Scalar]
    dataset: DatasetSpec
    validation: float
    epochs: int
    optimizer: str
    learning_rate: float
    momentum: float | None
    weight_decay: float
    batch_size: int
    dropout: float | None
    step_gamma: float
    step_size: int
    augment: str
    precision: str
    seeds: Seeds

    def to_json(self) -> dict[str, Any]:
        """The configuration as plain JSON data; `from_json` reads it back equal."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TrialConfig:
        """The configuration that `to_json` wrote."""
        dataset = dict(data["dataset"])
        if dataset["normalize"] is not None:
            normalize = dataset["normalize"]
            dataset["normalize"] = Normalization(tuple(normalize["mean"]), tuple(normalize["std"]))
        return cls(**{**data, "dataset": DatasetSpec(**dataset), "seeds": Seeds(**data["seeds"])})


def holds(setting: Setting, values: Mapping[str, Scalar | None]) -> bool:
    """Whether a setting exists under the values so far: every key of its condition has one of its values."""
    return all(key in values and is_among(values[key], allowed) for key, allowed in setting.when.items())


def is_among(value: Scalar | None, allowed: tuple[Scalar, ...]) -> bool:
    """Whether a condition that allows some values holds for a value; floats need not be equal to the last bit."""
    if not isinstance(value, float):
        return value in allowed
    # A stepped range counts 0.1 + 0.1 + 0.1, which is not 0.3.
    numbers = [other for other in allowed if isinstance(other, (int, float))]
    return any(math.isclose(value, number, rel_tol=1e-9, abs_tol=1e-12) for number in numbers)


def published_dropout(architecture: str) -> float | None:
    """The dropout that an architecture was published with; None for one that hpstudy does not ship."""
    return next((row.dropout for row in ARCHITECTURES if row.name == architecture), None)


def configure(spec: StudySpec, values: Mapping[str, Scalar], *, epochs: int, seeds: Seeds) -> TrialConfig:
    """The configuration of one training of a study.

    Args:
        spec: The study; its data set and validation share hold.
        values: `architecture` and every setting that exists; what is absent takes the catalogue's default.
        epochs: Epochs of the training.
        seeds: Its seeds.

    Returns:
        The configuration. Momentum is None unless the optimizer has it.
    """
    architecture = str(values["architecture"])
    defaults = _setting_defaults(architecture)
    known = {name: values.get(name, default) for name, default in defaults.items()}
    if known["optimizer"] not in MOMENTUM_OPTIMIZERS:
        known["momentum"] = None
    prefix = f"{architecture}."
    options = {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
    return TrialConfig(
        architecture=architecture,
        options=options,
        dataset=spec.dataset,
        validation=spec.validation,
        epochs=epochs,
        seeds=seeds,
        **known,  # type: ignore[arg-type]  # the catalogue's kinds are the fields' types; a test compares them
    )


def baseline_values(spec: StudySpec, baseline: Baseline) -> dict[str, Scalar]:
    """The values of a baseline: its own, else what the study fixes; what is absent has its default."""
    values: dict[str, Scalar] = {"architecture": baseline.architecture, **baseline.values}
    # What a condition is held against: a parent that is left to its default has a value all the same.
    known = default_values(baseline.architecture) | values
    for setting in spec.settings.values():  # parents come before their children
        if setting.name not in values and isinstance(setting.domain, Fixed) and holds(setting, known):
            values[setting.name] = known[setting.name] = setting.domain.value
    return values


def option_defaults(architecture: str) -> dict[str, Scalar | None]:
    """What each option of an architecture that ships is where nothing is said; none are known of a user's own."""
    rows = [row for row in ARCHITECTURES if row.name == architecture]
    return {option.name: option.default for row in rows for option in row.options}


def default_values(architecture: str) -> dict[str, Scalar | None]:
    """What each setting is that a configuration does not have; of the user's own options that is not known."""
    options = {f"{architecture}.{name}": default for name, default in option_defaults(architecture).items()}
    return _setting_defaults(architecture) | options


def _setting_defaults(architecture: str) -> dict[str, Scalar | None]:
    return {row.name: row.default for row in SETTINGS} | {"dropout": published_dropout(architecture)}


def searched_settings(spec: StudySpec) -> tuple[str, ...]:
    """The settings that a study varies, `architecture` first where it is one of them."""
    settings = (architecture_setting(spec), *spec.settings.values())
    return tuple(setting.name for setting in settings if not isinstance(setting.domain, Fixed))


def setting_value(config: TrialConfig, name: str) -> Scalar | None:
    """What a configuration has for a setting; None where the setting does not exist for it."""
    architecture, _, option = name.rpartition(".")
    if not architecture:
        value: Scalar | None = getattr(config, name)
        return value
    return config.options.get(option) if architecture == config.architecture else None


def architecture_setting(spec: StudySpec) -> Setting:
    """The choice of the architecture as a setting, the parent of every other."""
    if len(spec.architectures) == 1:
        return Setting("architecture", Fixed(spec.architectures[0]))
    return Setting("architecture", Choices(spec.architectures))
