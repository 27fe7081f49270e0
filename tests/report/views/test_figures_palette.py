"""The palette: what is read on it can be read, in both themes."""

from __future__ import annotations

import numpy as np
import pytest

from hpstudy.report.drawing.palette import HEAT_TURN, SERIES, dark_palette, light_palette


def luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance of sRGB values in [0, 1] (WCAG 2.2)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def parts(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", [light_palette(), dark_palette()], ids=["light", "dark"])
def test_text_and_marks_stand_out_from_the_page(palette: dict[str, str]) -> None:
    page = parts(palette["paper"])
    for name in ("text", "muted"):
        assert contrast(parts(palette[name]), page) >= 4.5
    for name in (*SERIES, "grey", "accent", "wrong", "right"):
        assert contrast(parts(palette[name]), page) >= 3.0


@pytest.mark.parametrize("palette", [light_palette(), dark_palette()], ids=["light", "dark"])
def test_numbers_can_be_read_on_every_cell(palette: dict[str, str]) -> None:
    low, high = np.array(parts(palette["heat0"])), np.array(parts(palette["heat1"]))
    for share in np.linspace(0, 1, 101):
        cell = tuple(low * (1 - share) + high * share)
        text = palette["onhigh" if share >= HEAT_TURN else "onlow"]
        assert contrast(parts(text), cell) >= 4.5, share
    assert contrast(parts(palette["text"]), parts(palette["neutral"])) >= 4.5


def test_both_themes_have_the_same_colours() -> None:
    assert light_palette().keys() == dark_palette().keys()
