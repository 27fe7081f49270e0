"""What a setting may be: from a value of the file to a `Domain`."""

from __future__ import annotations

from hpstudy.spec.findings import Findings
from hpstudy.spec.ranges import read_range
from hpstudy.spec.rows import Option, Scalar
from hpstudy.spec.study import Choices, Domain, Fixed, KeyPath
from hpstudy.spec.values import legal_value
from hpstudy.spec.wording import RefusedError, expected, only_once, unknown

_KEYS = ("low", "high", "log", "step", "choices", "value", "when")


def read_domain(option: Option | None, raw: object, *, path: KeyPath, findings: Findings) -> Domain | None:
    """The domain of a setting, or None where it has a problem.

    Args:
        option: What the setting is in the catalogue; None for an option of a user's own architecture.
        raw: A scalar, a list of choices, or a mapping with low and high, choices, or value.
        path: Where it stands.
        findings: Takes the problems.
    """
    if isinstance(raw, list):
        return _choices(option, raw, path=path, findings=findings)
    if not isinstance(raw, dict):
        return _fixed(option, raw, path=path, findings=findings)
    for key in raw.keys() - set(_KEYS):
        findings.at_key((*path, key), unknown("key", key, _KEYS))
    forms = [form for form in ("value", "choices") if form in raw]
    forms += ["low and high"] if raw.keys() & {"low", "high", "log", "step"} else []
    if len(forms) != 1:
        got = " and ".join(forms) or "neither"
        findings.at(path, f"expected one of low and high, choices, or value, got {got}")
        return None
    if forms == ["value"]:
        return _fixed(option, raw["value"], path=(*path, "value"), findings=findings)
    if forms == ["choices"]:
        return _listed(option, raw["choices"], path=(*path, "choices"), findings=findings)
    return read_range(option, raw, path=path, findings=findings)


def _fixed(option: Option | None, raw: object, *, path: KeyPath, findings: Findings) -> Fixed | None:
    try:
        return Fixed(legal_value(option, raw))
    except RefusedError as refused:
        findings.at(path, str(refused))
        return None


def _listed(option: Option | None, raw: object, *, path: KeyPath, findings: Findings) -> Domain | None:
    if not isinstance(raw, list):
        findings.at(path, expected("a list", raw))
        return None
    return _choices(option, raw, path=path, findings=findings)


def _choices(option: Option | None, raw: list[object], *, path: KeyPath, findings: Findings) -> Domain | None:
    values: list[Scalar] = []
    n_wrong = 0
    for index, entry in enumerate(raw):
        try:
            values.append(only_once(legal_value(option, entry), values))
        except RefusedError as refused:
            findings.at((*path, index), str(refused))
            n_wrong += 1
    if not raw:
        findings.at(path, "an empty list; give the values to choose from")
    if n_wrong or not raw:
        return None
    return Choices(tuple(values)) if len(values) > 1 else Fixed(values[0])
