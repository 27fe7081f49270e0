"""What makes a study the same study: as it is stored, read again, and in which lines two differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hpstudy.spec.rows import Scalar
from hpstudy.spec.study import Choices, Domain, Fixed, Range, Setting, StudySpec
from hpstudy.spec.wording import shown

_ABSENT = object()


def identity(spec: StudySpec) -> dict[str, Any]:
    """What makes the study, as plain JSON data in the file's own words.

    Trials, confirmation, `max_seconds`, name, description, path, text and positions are no part of it, nor are the
    baselines: `baseline_identities` has those.
    """
    return _plain(
        {
            "dataset": asdict(spec.dataset),
            "architecture": list(spec.architectures),
            "epochs": spec.epochs,
            "seed": spec.seed,
            "settings": {name: _setting(setting) for name, setting in spec.settings.items()},
            "validation": spec.validation,
            "sampler": {"name": spec.sampler.name, **spec.sampler.options},
            "pruner": {"name": spec.pruner.name, **spec.pruner.options},
            "fair": spec.fair,
        }
    )


def baseline_identities(spec: StudySpec) -> dict[str, Any]:
    """What makes each baseline, by name: its architecture, epochs and own values, as plain JSON data.

    What a baseline takes from the study's fixed settings is part of the study's identity.
    """
    return _plain(
        {
            baseline.name: {
                "architecture": baseline.architecture,
                "epochs": baseline.epochs,
                **baseline.values,
            }
            for baseline in spec.baselines
        }
    )


def identity_domains(identity: Mapping[str, Any]) -> dict[str, Domain]:
    """What each searched setting of a study is drawn from, from its identity, which is written as a study file."""
    settings = identity_settings(identity)
    return {setting.name: setting.domain for setting in settings if not isinstance(setting.domain, Fixed)}


def identity_settings(identity: Mapping[str, Any]) -> tuple[Setting, ...]:
    """The settings of a study as its file has them, the choice of the architecture first."""
    architectures = tuple(identity["architecture"])
    several = Choices(architectures) if len(architectures) > 1 else Fixed(architectures[0])
    written = identity["settings"].items()
    return (
        Setting("architecture", several),
        *(Setting(name, _written_domain(value), _written_condition(value)) for name, value in written),
    )


def differences(stored: Mapping[str, Any], current: Mapping[str, Any]) -> tuple[str, ...]:
    """Where two identities differ, a line each; none where they are the same study.

    Args:
        stored: The identity that the storage has.
        current: The identity of the file.

    Returns:
        Lines such as `settings.learning_rate.high: 0.1 in the storage, 0.3 in the file`, in the order of the
        stored identity; what only the file has comes last.
    """
    return tuple(_compared((), dict(stored), dict(current)))


def changed_baselines(stored: Mapping[str, Any], current: Mapping[str, Any]) -> tuple[str, ...]:
    """Where baselines that both have differ, a line each as in `differences`.

    Args:
        stored: The baselines' identities that the storage has, by name.
        current: Those of the file. Baselines that only one of them has are no difference.
    """
    both = [name for name in stored if name in current]
    return tuple(line for name in both for line in _compared(("baselines", name), stored[name], current[name]))


def short_sum(checksum: str) -> str:
    """The first twelve digits of a checksum: an identity has no more, so that its differences can be read."""
    return checksum[:12]


def _plain(data: object) -> dict[str, Any]:
    """Data as it comes back from JSON: tuples are lists."""
    plain: dict[str, Any] = json.loads(json.dumps(data))
    return plain


def _setting(setting: Setting) -> object:
    """A setting as a study file would write it."""
    domain = setting.domain
    when = {"when": {key: list(allowed) for key, allowed in setting.when.items()}} if setting.when else {}
    if isinstance(domain, Fixed):
        return {"value": domain.value, **when} if when else domain.value
    if isinstance(domain, Choices):
        return {"choices": list(domain.values), **when} if when else list(domain.values)
    step = {} if domain.step is None else {"step": domain.step}
    return {"low": domain.low, "high": domain.high, "log": domain.log, **step, **when}


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


def _written_condition(written: Scalar | Sequence[Scalar] | Mapping[str, Any]) -> dict[str, tuple[Scalar, ...]]:
    conditions = written.get("when", {}) if isinstance(written, Mapping) else {}
    return {key: tuple(allowed) for key, allowed in conditions.items()}


def _compared(path: tuple[str, ...], stored: object, current: object) -> Iterator[str]:
    if isinstance(stored, dict) and isinstance(current, dict):
        for key in {**stored, **current}:
            yield from _compared((*path, key), stored.get(key, _ABSENT), current.get(key, _ABSENT))
    elif stored != current:
        yield f"{'.'.join(path)}: {_worded(stored)} in the storage, {_worded(current)} in the file"


def _worded(value: object) -> str:
    if value is _ABSENT:
        return "absent"
    if isinstance(value, str):
        return value if value.isprintable() else shown(value)
    return json.dumps(value, ensure_ascii=False).replace('"', "")
