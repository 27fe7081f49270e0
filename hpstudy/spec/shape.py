"""A study file's plain data as a `StudyShape`, with what does not fit told in our words and left out."""

from __future__ import annotations

import copy
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hpstudy.spec.file import NESTED, REQUIRED, Shape, StudyShape
from hpstudy.spec.findings import Findings
from hpstudy.spec.other_names import meant_by
from hpstudy.spec.study import KeyPath
from hpstudy.spec.wording import expected, shown, unknown


def read_shape(data: dict[str, Any], findings: Findings) -> StudyShape:
    """The file's values where they have the right type and range, defaults elsewhere.

    Args:
        data: The document's mapping; it is not changed.
        findings: Takes every key that is unknown, missing or of the wrong type or range.

    Returns:
        The shape. A wrong value is left out by itself (`dataset.share`) where its mapping can stand without
        it, so that the rest is checked in the same go.
    """
    for key in REQUIRED:
        if key not in data:
            findings.at((), f"{key} is missing; add a line {key}: with {_description((key,))}")
    remaining = copy.deepcopy(data)
    for detail in _errors(remaining):
        _report(detail, data, findings)
    # In rounds: a mapping may not stand without what was left out of it, as a data set without its name.
    while errors := _errors(remaining):
        for path in dict.fromkeys(_entry(detail["loc"], remaining) for detail in errors):
            _leave_out(path, remaining)
    return StudyShape.model_validate(remaining)


def _errors(data: dict[str, Any]) -> list[ErrorDetails]:
    try:
        StudyShape.model_validate(data)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _report(detail: ErrorDetails, data: dict[str, Any], findings: Findings) -> None:
    path: KeyPath = detail["loc"]
    if detail["type"] == "extra_forbidden":
        findings.at_key(path, _no_key(path))
    elif detail["type"] == "missing":
        findings.at(path[:-1], f"{path[-1]} is missing; add {_description(path)}")
    elif isinstance(path[-1], int):
        findings.at(path, expected(_description(path), detail["input"]))
    else:
        findings.at(path, expected(_description(path), _written(path, data)))


def _no_key(path: KeyPath) -> str:
    name = str(path[-1])
    meant = meant_by(name) if len(path) == 1 else None
    if meant is None:
        return unknown("key", name, _model(path[:-1]).model_fields)
    if meant.setting:
        return f"no key {shown(name)}; {meant.name} is a setting, write it under settings"
    return f'no key {shown(name)}. Did you mean "{meant.name}"?'


def _entry(path: KeyPath, data: dict[str, Any]) -> KeyPath:
    """The smallest mapping entry that holds the wrong value: `dataset`, or `dataset.normalize`."""
    inner = data.get(str(path[0]))
    return path[:2] if len(path) > 1 and isinstance(inner, dict) and path[1] in inner else path[:1]


def _leave_out(path: KeyPath, data: dict[str, Any]) -> None:
    *outer, last = path
    holder = data.get(str(outer[0]), {}) if outer else data  # the whole of it may be out already
    holder.pop(str(last), None)


def _model(path: KeyPath) -> type[Shape]:
    return next((NESTED[part] for part in reversed(path) if isinstance(part, str) and part in NESTED), StudyShape)


def _description(path: KeyPath) -> str:
    """What is allowed at a path, as its field says."""
    names = [part for part in path if isinstance(part, str)]
    return _model(tuple(names[:-1])).model_fields[names[-1]].description or "another value"


def _written(path: KeyPath, data: dict[str, Any]) -> object:
    value: Any = data
    for part in path:
        value = value[part]
    return value
