"""The settings of a stored trial as columns, and what they were drawn from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hpstudy.spec.catalogue import ARCHITECTURES, Scalar
from hpstudy.spec.study import Choices, Domain, Fixed, Range

_NO_SETTINGS = frozenset({"options", "dataset", "validation", "seeds", "epochs"})
"""What a stored configuration has beside settings."""


def config_settings(config: Mapping[str, Any]) -> dict[str, Scalar | None]:
    """A stored configuration as one value a setting; an architecture's options with their defaults."""
    architecture = config["architecture"]
    values = {name: value for name, value in config.items() if name not in _NO_SETTINGS}
    options = _DEFAULTS.get(architecture, {}) | config["options"]
    return values | {f"{architecture}.{name}": value for name, value in options.items()}


def identity_domains(identity: Mapping[str, Any]) -> dict[str, Domain]:
    """What each searched setting of a study is drawn from, from its identity, which is written as a study file."""
    architectures = tuple(identity["architecture"])
    first: dict[str, Domain] = {"architecture": Choices(architectures)} if len(architectures) > 1 else {}
    every = first | {name: _written_domain(written) for name, written in identity["settings"].items()}
    return {name: domain for name, domain in every.items() if not isinstance(domain, Fixed)}


def optuna_domain(distribution: str) -> Domain:
    """What an Optuna parameter was drawn from, from its distribution as JSON."""
    described = json.loads(distribution)
    attributes = described["attributes"]
    if described["name"] == "CategoricalDistribution":
        choices = tuple(attributes["choices"])
        return Choices(choices) if len(choices) > 1 else Fixed(choices[0])
    if attributes["low"] == attributes["high"]:
        return Fixed(attributes["low"])
    return Range(attributes["low"], attributes["high"], log=attributes["log"], step=attributes.get("step"))


def optuna_value(internal: float, distribution: str) -> Scalar:
    """The value of an Optuna parameter that the database keeps as a number."""
    described = json.loads(distribution)
    if described["name"] == "CategoricalDistribution":
        choice: Scalar = described["attributes"]["choices"][int(internal)]
        return choice
    return int(internal) if described["name"] == "IntDistribution" else internal


def _written_domain(written: Scalar | Sequence[Scalar] | Mapping[str, Any]) -> Domain:
    if isinstance(written, Mapping):
        if "value" in written:
            return Fixed(written["value"])
        if "choices" in written:
            return Choices(tuple(written["choices"]))
        return Range(written["low"], written["high"], log=written.get("log", False), step=written.get("step"))
    if isinstance(written, Sequence) and not isinstance(written, str):
        return Choices(tuple(written))
    return Fixed(written)


_DEFAULTS = {
    row.name: {option.name: option.default for option in row.options if option.default is not None}
    for row in ARCHITECTURES
}
