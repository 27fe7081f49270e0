"""The colours of the figures, read from the style sheet that the HTML report uses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

PALETTE_FILE = Path(__file__).parents[1] / "assets" / "palette.css"

SERIES = ("s1", "s2", "s3", "s4", "s5", "s6", "s7")
"""Colours of what is compared; s1 is the accent."""

HEAT_TURN = 0.68
"""Share of the way from heat0 to heat1 from which text on it is `onhigh`; below it `onlow` has the better contrast."""


@cache
def light_palette() -> Mapping[str, str]:
    """Colour of each token on a light page, as `#rrggbb`."""
    return _colours(PALETTE_FILE.read_text(encoding="utf-8").partition("@media")[0])


@cache
def dark_palette() -> Mapping[str, str]:
    """Colour of each token on a dark page, as `#rrggbb`."""
    return _colours(PALETTE_FILE.read_text(encoding="utf-8").partition("@media")[2])


def _colours(css: str) -> dict[str, str]:
    return dict(re.findall(r"--figure-(\w+): (#[0-9a-f]{6});", css))
