"""How strings of the user's are shown in a figure."""

from __future__ import annotations

import re

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


def shown(text: object, *, limit: int = 28) -> str:
    """A string on one line, without control characters, cut after `limit` characters with an ellipsis."""
    line = _UNPRINTABLE.sub(" ", str(text)).strip()
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"
