"""How values and names are worded in messages."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterable, Sequence

from hpstudy.spec.rows import Interval, Option, Scalar
from hpstudy.spec.scalars import plain_value

_SHOWN_CHARACTERS = 60


class RefusedError(Exception):
    """A value that is not allowed; its text is the fact to report."""


def shown(value: object) -> str:
    """A value as a message shows it: text in quotes and cut at 60 characters, numbers as YAML writes them."""
    if value is None:
        return "nothing"
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    if isinstance(value, str):
        cut = value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "…"
        return json.dumps(cut, ensure_ascii=not cut.isprintable())
    if isinstance(value, (list, tuple)):
        return "a list" if value else "an empty list"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    return json.dumps(value)


def expected(wanted: str, value: object) -> str:
    """The fact that another value belongs here.

    Args:
        wanted: What is allowed: `a whole number of at least 1`.
        value: What stands there. A repair is added for a number in quotes, a whole number written as 2.0,
            and a number where text belongs.
    """
    fact = f"expected {wanted}, got {shown(value)}"
    number = plain_value(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        return fact
    if isinstance(value, str) and "number" in wanted:
        return f"{fact}; write it without quotes"
    if wanted.startswith("a whole number") and isinstance(value, float) and value.is_integer():
        return f"{fact}; write {value:.0f}"
    if wanted.startswith("text"):
        return f"{fact}; put it in quotes"
    return fact


def wanted(option: Option) -> str:
    """What an option takes, in words: `a number above 0`, `one of sgd, adam`, `true or false`."""
    if option.kind == "bool":
        return "true or false"
    if option.kind == "choice":
        return "one of " + ", ".join(option.choices)
    return _wanted_number("a whole number" if option.kind == "int" else "a number", option.legal)


def _wanted_number(noun: str, legal: Interval) -> str:
    if legal == Interval():
        return noun
    return f"{noun} of {legal}" if str(legal).startswith("at") else f"{noun} {legal}"


def only_once(value: Scalar, values: Sequence[Scalar]) -> Scalar:
    """The value, where the list so far does not have it.

    Raises:
        RefusedError: It has it, or its equal: Optuna cannot tell `1` from `true` and `1.0`.
    """
    for other in values:
        if value == other:
            fact = "stands twice in the list" if type(value) is type(other) else f"equals {shown(other)} in the list"
            raise RefusedError(f"{shown(value)} {fact}; keep one")
    return value


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a mistyped one most likely means, or None; capitals do not count."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    matches = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.65)
    return by_folded[matches[0]] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean "lenet5"?` with a space in front, or nothing where no known name is near."""
    near = nearest(name, known)
    return f' Did you mean "{near}"?' if near else ""


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The fact that a name is unknown, with the nearest known one, or with all where none is near.

    Args:
        kind: What it should name: `setting`, `key`.
        name: The unknown name.
        known: The known ones, in the order to list them.
    """
    names = tuple(known)
    hint = did_you_mean(name, names) or (f" Known: {', '.join(names)}" if names else "")
    return f"no {kind} {shown(name)}.{hint}"
