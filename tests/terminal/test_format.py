"""Numbers and times as people read them."""

from __future__ import annotations

import math

import pytest

from hpstudy.terminal.format import about, duration, percent, plural, value


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "40 ms"),
        (4.25, "4.2 s"),
        (9.96, "10.0 s"),
        (41.4, "41 s"),
        (65, "1 min 5 s"),
        (12000, "3 h 20 min"),
        (math.nan, "–"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(59, "under a minute"), (130, "about 2 min"), (9000, "about 2.5 h")])
def test_about(seconds: float, text: str) -> None:
    assert about(seconds) == text


def test_percent_value_and_plural() -> None:
    assert (percent(0.91235), percent(math.nan)) == ("91.23 %", "–")
    assert [value(x) for x in (0.000123456, 64, "adam", None, math.nan, True)] == [
        "0.000123",
        "64",
        "adam",
        "–",
        "–",
        "true",
    ]
    assert (plural(1, "trial"), plural(1200, "trial")) == ("1 trial", "1,200 trials")
