"""The baselines of a study file: named configurations with one value a setting."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hpstudy.spec.architecture import architecture_name
from hpstudy.spec.catalogue import COUNT, SETTINGS
from hpstudy.spec.config import holds
from hpstudy.spec.findings import Findings
from hpstudy.spec.options import find_option
from hpstudy.spec.rows import Option, Scalar
from hpstudy.spec.study import Baseline, Fixed, KeyPath, Setting
from hpstudy.spec.values import legal_value
from hpstudy.spec.wording import RefusedError, expected, shown, wanted

_EPOCHS = Option("epochs", "int", None, COUNT)
_OPTIMIZER = next(row for row in SETTINGS if row.name == "optimizer")

_NAMES = "a baseline's name is 1 to 80 printable characters with a letter, without /, not best, no trial N; rename it"


@dataclass(frozen=True)
class Surroundings:
    """What a baseline takes from its study.

    Attributes:
        architectures: The architectures offered; empty where they could not be read.
        epochs: Epochs of a trial.
        settings: The sound settings.
    """

    architectures: tuple[str, ...]
    epochs: int
    settings: Mapping[str, Setting]


def read_baselines(
    raw: Mapping[str, object], *, surroundings: Surroundings, findings: Findings
) -> tuple[Baseline, ...]:
    """The sound baselines, in the file's order.

    Args:
        raw: The file's mapping: names to mappings of `architecture`, `epochs` and settings to one value each.
        surroundings: What a baseline takes from its study.
        findings: Takes the problems. A wrong value is left out, and so is a baseline without a usable name or
            architecture.
    """
    baselines = (_read(name, values, surroundings, findings) for name, values in raw.items())
    return tuple(baseline for baseline in baselines if baseline is not None)


def _read(name: str, raw: object, surroundings: Surroundings, findings: Findings) -> Baseline | None:
    path: KeyPath = ("baselines", name)
    usable = _is_name(name)
    if not usable:
        findings.at_key(path, _NAMES)
    if not isinstance(raw, dict):
        findings.at(path, f"expected a mapping such as {{optimizer: sgd, learning_rate: 0.01}}, got {shown(raw)}")
        return None
    architecture = _architecture(raw, path, surroundings, findings)
    values = _values(raw, path, architecture, findings)
    optimizer = values.get("optimizer", _studied_optimizer(values, architecture, surroundings))
    _check_momentum(values, path, optimizer, findings)
    epochs = _checked(_EPOCHS, raw["epochs"], (*path, "epochs"), findings) if "epochs" in raw else None
    if not usable or architecture is None:
        return None
    return Baseline(name, architecture, epochs if isinstance(epochs, int) else surroundings.epochs, values)


def _is_name(name: str) -> bool:
    """Whether commands and tables can tell the name from a trial, from `best`, and from a path."""
    fits = 1 <= len(name) <= 80 and name.isprintable() and "/" not in name
    return (
        fits
        and name != "best"
        and not re.fullmatch(r"trial \d+", name)
        and any(character.isalpha() for character in name)
    )


def _architecture(
    raw: Mapping[str, object], path: KeyPath, surroundings: Surroundings, findings: Findings
) -> str | None:
    """Its own architecture, or the study's only one; None where neither can be told."""
    offered = surroundings.architectures
    if "architecture" in raw:
        try:
            return architecture_name(raw["architecture"])
        except RefusedError as refused:
            findings.at((*path, "architecture"), str(refused))
            return None
    if len(offered) > 1:
        fact = f"architecture is missing, and the study offers several; name one of {', '.join(offered)}"
        findings.at_key(path, fact)
    return offered[0] if len(offered) == 1 else None


def _values(
    raw: Mapping[str, object], path: KeyPath, architecture: str | None, findings: Findings
) -> dict[str, Scalar]:
    values: dict[str, Scalar] = {}
    for name, value in raw.items():
        if name in {"architecture", "epochs"}:
            continue
        try:
            option = find_option(name, architectures=(architecture,) if architecture else ())
        except RefusedError as refused:
            findings.at_key((*path, name), str(refused))
            continue
        checked = _checked(option, value, (*path, name), findings)
        if checked is not None:
            values[name] = checked
    return values


def _checked(option: Option | None, raw: object, path: KeyPath, findings: Findings) -> Scalar | None:
    """The value where it is one legal value, else None and a problem."""
    try:
        return _single_value(option, raw)
    except RefusedError as refused:
        findings.at(path, str(refused))
        return None


def _single_value(option: Option | None, raw: object) -> Scalar:
    if isinstance(raw, (list, dict)):
        noun = wanted(option) if option else "a value"
        raise RefusedError(f"{expected(noun, raw)}; a baseline has one value each")
    return legal_value(option, raw)


def _studied_optimizer(
    values: Mapping[str, Scalar], architecture: str | None, surroundings: Surroundings
) -> Scalar | None:
    """The optimizer of a baseline that names none."""
    fixed = surroundings.settings.get("optimizer")
    if fixed and isinstance(fixed.domain, Fixed) and holds(fixed, {"architecture": architecture, **values}):
        return fixed.domain.value
    return _OPTIMIZER.default


def _check_momentum(values: Mapping[str, Scalar], path: KeyPath, optimizer: Scalar | None, findings: Findings) -> None:
    """A setting that the baseline's optimizer lacks is refused unless it is 0, which says just that."""
    for option in SETTINGS:
        if option.optimizers and optimizer not in option.optimizers and values.get(option.name):
            having = " and ".join(option.optimizers)
            fact = f"{optimizer} has no {option.name}, only {having} have; delete it or set it to 0"
            findings.at((*path, option.name), fact)
