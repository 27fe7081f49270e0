"""Plain YAML scalars as values: the core schema of YAML 1.2 (specification 1.2.2, section 10.3.2)."""

from __future__ import annotations

import math
import re

_NULL = re.compile(r"null|Null|NULL|~|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NAN = re.compile(r"\.(nan|NaN|NAN)")

MAX_NUMBER_CHARACTERS = 40


def plain_value(text: str) -> bool | int | float | str | None:
    """The value of an unquoted scalar.

    Args:
        text: The scalar as it stands in the file, without quotes.

    Returns:
        None for `null`, `~` and nothing at all; a bool for `true` and `false`; an int for `12`, `0777`
        (777), `0o17` and `0x1F`; a float for `0.1`, `1e-4`, `.inf` and `.nan`; the text itself for
        everything else, so `no`, `on`, `1:30` and `1_000` are words. A number of more than 40 characters
        stays text: no setting needs one, and Python refuses to read integers of several thousand digits.
    """
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return bool(_TRUE.fullmatch(text))
    if _NAN.fullmatch(text):
        return math.nan
    if _INFINITY.fullmatch(text):
        return -math.inf if text.startswith("-") else math.inf
    return text if len(text) > MAX_NUMBER_CHARACTERS else _number_or_text(text)


def _number_or_text(text: str) -> int | float | str:
    if _INTEGER.fullmatch(text):
        prefix = text[:2]
        return int(text, 8) if prefix == "0o" else int(text, 16) if prefix == "0x" else int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
