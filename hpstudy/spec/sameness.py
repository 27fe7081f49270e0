"""Which configurations are one: those that train the same network in the same way, whatever their seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import TypeGuard

from hpstudy.spec.catalogue import MOMENTUM_OPTIMIZERS
from hpstudy.spec.config import NO_SETTINGS, TrialConfig, default_values
from hpstudy.spec.rows import Scalar

TrainingKey = frozenset[tuple[str, str]]
"""What is equal for equal configurations of one study, and differs for others."""

_DIGITS = 12
"""So many digits tell two numbers apart: steps of 0.1 add up to 0.30000000000000004."""


def config_key(config: TrialConfig) -> TrainingKey:
    """The key of a configuration; its seeds, its images and its split are not part of it."""
    values = {field.name: getattr(config, field.name) for field in fields(config) if field.name not in NO_SETTINGS}
    options = {f"{config.architecture}.{name}": value for name, value in config.options.items()}
    return training_key(values | options, epochs=config.epochs)


def training_key(values: Mapping[str, Scalar | None], *, epochs: int) -> TrainingKey:
    """The key of what is trained.

    Args:
        values: `architecture`, and a value a setting. One that is absent has its default; None or NaN stands for one
            that means nothing here, as an option of another architecture.
        epochs: Of the whole training: in more or fewer another network comes of the same settings.
    """
    known = default_values(str(values.get("architecture", ""))) | dict(values)
    if known["optimizer"] not in MOMENTUM_OPTIMIZERS:
        known["momentum"] = None
    if keeps_rate(known, epochs=epochs):
        known["step_gamma"] = known["step_size"] = None
    told = {name: value for name, value in known.items() if _means_something(value)}
    return frozenset({(name, _word(value)) for name, value in told.items()} | {("epochs", str(epochs))})


def keeps_rate(values: Mapping[str, Scalar | None], *, epochs: int) -> bool:
    """Whether the learning rate stays what it is to the end, so that `step_gamma` and `step_size` mean nothing."""
    return float(values["step_size"] or 1) >= epochs or values["step_gamma"] == 1


def _means_something(value: Scalar | None) -> TypeGuard[Scalar]:
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _word(value: Scalar) -> str:
    return repr(value) if isinstance(value, (bool, str)) else f"{value:.{_DIGITS}g}"
