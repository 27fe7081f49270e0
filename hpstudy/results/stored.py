"""What is read from a database, checked as a study file is: every reader passes through these functions.

A database is somebody's file: a disk may have changed it, and SQLite keeps text where a number belongs. What passes
here is what hpstudy and Optuna write; all else is a `DamagedStudyError` that names the place.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from hpstudy.errors import DamagedStudyError

MOST_DIGITS = 2**63
"""Whole numbers lie below it: no column of a database or of a table holds more."""

LONGEST_NAME = 512
"""Characters of a name: Optuna's own limit of what it looks up."""

LONGEST_TEXT = 4_000
"""Characters of a text that people read; what is longer is cut when it is read, since it would be laid out for ever."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?", re.ASCII)
_SHOWN = 40


def read_json(text: object, shape: object, *, place: str) -> Any:  # noqa: ANN401  # what JSON holds
    """What a text of JSON holds.

    Args:
        text: As the database has it.
        shape: A type, of which it must be; pydantic reads it.
        place: For the message: `trial 3, config`.

    Raises:
        DamagedStudyError: It is no text, no JSON, or of another shape.
    """
    if not isinstance(text, str):
        raise DamagedStudyError(f"{place}: is {_kind(text)}, where JSON belongs")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedStudyError(f"{place}: is no JSON ({_why(error)})") from None
    # Names of files that are no UTF-8 have halves of pairs, which pydantic does not take for text.
    told = _with_whole_letters(data) if "\\ud" in text else data
    try:
        _adapter(shape).validate_python(told, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        inside = ".".join(str(key)[:_SHOWN] for key in first["loc"])
        raise DamagedStudyError(f"{place}: {inside + ': ' if inside else ''}{_lower(first['msg'])}") from None
    return data


def read_name(value: object, *, place: str) -> str:
    """A name that Optuna looks up.

    Raises:
        DamagedStudyError: It is no text, or longer than Optuna has it.
    """
    if not isinstance(value, str):
        raise DamagedStudyError(f"{place}: is {_kind(value)}, where a name belongs")
    if len(value) > LONGEST_NAME:
        raise DamagedStudyError(f"{place}: has {len(value):,} characters, and {LONGEST_NAME} at most are allowed")
    return value


def read_text(value: object, *, place: str) -> str:
    """A text of any length; empty where there is none.

    Raises:
        DamagedStudyError: It is no text.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DamagedStudyError(f"{place}: is {_kind(value)}, where text belongs")
    return value


def read_count(value: object, *, place: str) -> int:
    """A whole number of at least 0.

    Raises:
        DamagedStudyError: It is something else.
    """
    if not isinstance(value, int) or not 0 <= value < MOST_DIGITS:
        raise DamagedStudyError(f"{place}: is {_kind(value)}, where a whole number of at least 0 belongs")
    return value


def read_number(value: object, *, place: str) -> float:
    """A finite number.

    Raises:
        DamagedStudyError: It is something else.
    """
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise DamagedStudyError(f"{place}: is {_kind(value)}, where a finite number belongs")
    return float(value)


def read_moment(value: object, *, place: str) -> datetime | None:
    """A date and time, UTC without saying so; None where there is none. SQLite keeps it as text.

    Raises:
        DamagedStudyError: It is something else.
    """
    if value is None or (isinstance(value, datetime) and value.tzinfo is None):
        return value
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    # SQLAlchemy, through which Optuna reads, knows no other form of those that Python reads.
    if moment is None or moment.tzinfo or not _MOMENT.fullmatch(str(value)):
        raise DamagedStudyError(f"{place}: is {_kind(value)}, where a date and time belongs")
    return moment


def read_one_of(value: object, known: Sequence[str], *, place: str) -> str:
    """One of some words.

    Raises:
        DamagedStudyError: It is something else.
    """
    if isinstance(value, str) and value in known:
        return value
    raise DamagedStudyError(f"{place}: is {_kind(value)}, where one of {', '.join(known)} belongs")


def read_table(rows: Sequence[Sequence[object]], *, n_columns: int, place: str) -> NDArray[np.float64]:
    """Rows of numbers alone, float64 [rows, columns]; NULL becomes NaN.

    Raises:
        DamagedStudyError: A cell holds no number.
    """
    try:
        return np.array(rows, dtype=np.float64).reshape(-1, n_columns)
    except (TypeError, ValueError, OverflowError):
        bad = next(cell for row in rows for cell in row if not isinstance(cell, (int, float, type(None))))
    raise DamagedStudyError(f"{place}: one is {_kind(bad)}, where a number belongs")


def shortened(text: str, *, longest: int = LONGEST_TEXT) -> str:
    """A text as it may be laid out: what is longer than a person reads is cut, and says how long it was."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text):,} characters)"


def shortened_choice(text: str) -> str:
    """A choice as it may stand in a table; two that are cut alike have different sums behind."""
    if len(text) <= LONGEST_NAME:
        return text
    digits = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{shortened(text, longest=LONGEST_NAME)} {digits}"


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:  # noqa: ANN401  # a type, or what typing makes of several
    return TypeAdapter(shape)


def _with_whole_letters(data: object) -> Any:  # noqa: ANN401  # what JSON holds
    return json.loads(_SURROGATES.sub("\N{REPLACEMENT CHARACTER}", json.dumps(data, ensure_ascii=False)))


def _kind(value: object) -> str:
    """A value as a message may name it, whatever it is."""
    if value is None:
        return "absent"
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, str):
        return repr(value) if len(value) <= _SHOWN else f"a text of {len(value):,} characters"
    if isinstance(value, int) and abs(value) >= MOST_DIGITS:
        return "a number of many digits"
    return repr(value)


def _why(error: Exception) -> str:
    return "nested too deep" if isinstance(error, RecursionError) else str(error).partition("\n")[0][:100]


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
