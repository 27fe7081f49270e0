"""How strings of the user's are shown in a figure."""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


def shown(text: object, *, limit: int = 28) -> str:
    """A string on one line, without control characters, cut with an ellipsis.

    Args:
        text: The string, or what becomes one.
        limit: The room for it, in letters; one of Chinese, Japanese or Korean takes that of two.
    """
    line = _UNPRINTABLE.sub(" ", str(text)).strip()
    return line if cell_len(line) <= limit else f"{set_cell_size(line, limit - 1).rstrip()}…"
