"""One value of the file as a value of an option of the catalogue."""

from __future__ import annotations

import math

from hpstudy.spec.rows import Option, Scalar
from hpstudy.spec.wording import RefusedError, did_you_mean, expected, wanted


def legal_value(option: Option | None, raw: object) -> Scalar:
    """A value that the option may have.

    Args:
        option: The option; None for one of a user's own architecture, which takes any scalar.
        raw: The value as the file has it.

    Returns:
        The value, with an int made a float where the option is one.

    Raises:
        RefusedError: It has the wrong type, is out of bounds, or is not finite.
    """
    if option is None:
        return _any_scalar(raw)
    value = typed_value(option, raw)
    if value is not None and _is_legal(option, value):
        return value
    near = did_you_mean(raw, option.choices) if isinstance(raw, str) else ""
    raise RefusedError(expected(wanted(option), raw) + (f".{near}" if near else ""))


def typed_value(option: Option, raw: object) -> Scalar | None:
    """A value of the option's kind, legal or not; None where the type is wrong or the number not finite."""
    if isinstance(raw, bool):
        return raw if option.kind == "bool" else None
    if isinstance(raw, int) and option.kind in {"int", "float"}:
        return float(raw) if option.kind == "float" else raw
    if isinstance(raw, float) and option.kind == "float" and math.isfinite(raw):
        return raw
    return raw if isinstance(raw, str) and option.kind == "choice" else None


def _is_legal(option: Option, value: Scalar) -> bool:
    if isinstance(value, bool):
        return True
    return value in option.choices if isinstance(value, str) else value in option.legal


def _any_scalar(raw: object) -> Scalar:
    if isinstance(raw, (bool, int, str)) or (isinstance(raw, float) and math.isfinite(raw)):
        return raw
    raise RefusedError(expected("a finite number, true, false or text", raw))
