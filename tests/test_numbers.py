"""Numbers and times as people read them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hpstudy.numbers import (
    about,
    duration,
    listed,
    p_value,
    percent,
    percent_range,
    plural,
    points,
    points_range,
    read_duration,
    value,
    values,
)


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


def test_a_whole_number_stays_whole() -> None:
    assert [value(x) for x in (2048.0, 1.0, 0.0, 1e7, -3.0, 1234.5, math.inf)] == [
        *("2048", "1", "0", "1e+07", "-3", "1.23e+03", "inf")
    ]


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


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("90m", 5400), ("1h", 3600), ("1h30m", 5400), ("1.5h", 5400), ("2h5s", 7205), ("0.5s", 0.5)],
)
def test_a_time_is_read_as_people_write_it(text: str, seconds: float) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "0h0m", "90", "1 h", "h", "-1h", "1d", "30m1h", "1H", "١h", "1e3s", "inf"])
def test_anything_else_is_no_time(text: str) -> None:
    assert read_duration(text) is None


def test_differences_carry_their_sign_and_nothing_has_none() -> None:
    assert [points(x) for x in (0.0042, -0.123, 0.00004, -0.00004, math.nan)] == [
        "+0.42 points",
        "−12.30 points",
        "0.00 points",
        "0.00 points",
        "–",
    ]
    assert points_range(-0.001, 0.0074) == "−0.10 to +0.74 points"
    assert percent_range(0.906, 0.912) == "90.60 % to 91.20 %"


def test_probabilities_and_lists() -> None:
    assert [p_value(p) for p in (0.0131, 0.0009, 1.0, math.nan)] == ["p = 0.013", "p < 0.001", "p = 1.000", "–"]
    assert [listed(words) for words in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def test_values_that_differ_look_different() -> None:
    assert values([0.1, 0.25, math.nan]) == ["0.1", "0.25", "–"]
    assert values([0.30012, 0.29996, 64]) == ["0.30012", "0.29996", "64"]
    assert values([0.3, 0.3]) == ["0.3", "0.3"]
    assert [value(np.True_), value(np.float64(0.5)), value(np.int64(3))] == ["true", "0.5", "3"]


def test_whole_numbers_stay_whole_as_floats() -> None:
    assert [value(x) for x in (1024.0, 1024, -3.0, 0.0, 1e9, 1024.5)] == [
        "1024",
        "1024",
        "-3",
        "0",
        "1e+09",
        "1.02e+03",
    ]
