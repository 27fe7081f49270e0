"""Which option of the catalogue a setting's name means."""

from __future__ import annotations

from hpstudy.spec.catalogue import ARCHITECTURES, SETTINGS, TORCHVISION
from hpstudy.spec.other_names import meant_by
from hpstudy.spec.rows import Option
from hpstudy.spec.wording import RefusedError, did_you_mean, shown, unknown

_SETTINGS = {option.name: option for option in SETTINGS}
_ARCHITECTURES = {row.name: row for row in ARCHITECTURES}


def find_option(name: str, *, architectures: tuple[str, ...]) -> Option | None:
    """The option that a setting's name means.

    Args:
        name: A built-in setting (`dropout`), or an architecture's option (`lenet5.width`), split at its last
            dot.
        architectures: The architectures that the study offers; empty where they could not be read, and then
            any architecture will do.

    Returns:
        The option; None for one of a user's own architecture, which may be of any kind.

    Raises:
        RefusedError: There is no such setting, or its architecture is not offered.
    """
    if name in _SETTINGS:
        return _SETTINGS[name]
    architecture, dot, option = name.rpartition(".")
    if not dot:
        raise RefusedError(_no_setting(name, architectures))
    if architectures and architecture not in architectures:
        offered = ", ".join(architectures)
        near = did_you_mean(name, _known(architectures))
        fact = f"architecture {shown(architecture)} is not offered here, only {offered}"
        raise RefusedError(f"{fact}.{near}" if near else f"{fact}; delete this line or offer it")
    if architecture in _ARCHITECTURES:
        return _shipped_option(architecture, option)
    if architecture.startswith(TORCHVISION):
        raise RefusedError(f"{architecture} has no options; delete this line")
    return None


def _no_setting(name: str, architectures: tuple[str, ...]) -> str:
    meant = meant_by(name)
    if meant is None:
        return unknown("setting", name, _known(architectures))
    if meant.setting:
        return f'no setting {shown(name)}. Did you mean "{meant.name}"?'
    return f"no setting {shown(name)}; {meant.name} stands beside settings, at the top of the file"


def _shipped_option(architecture: str, name: str) -> Option:
    options = {option.name: option for option in _ARCHITECTURES[architecture].options}
    if name in options:
        return options[name]
    if not options:
        raise RefusedError(f"{architecture} has no options; delete this line")
    raise RefusedError(f"{architecture} has {unknown('option', name, options)}")


def _known(architectures: tuple[str, ...]) -> list[str]:
    rows = [_ARCHITECTURES[name] for name in architectures if name in _ARCHITECTURES]
    return [*_SETTINGS, *(f"{row.name}.{option.name}" for row in rows for option in row.options)]
