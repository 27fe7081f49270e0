"""The warning about characters that no font has."""

from __future__ import annotations

import pytest

from hpstudy.terminal.undrawn import undrawn_warning


def test_where_all_are_drawn_there_is_none() -> None:
    assert undrawn_warning(frozenset()) == ""


@pytest.mark.parametrize(
    ("characters", "packages"),
    [
        ("模", "fonts-noto-cjk"),
        ("あ", "fonts-noto-cjk"),
        ("가", "fonts-noto-cjk"),
        ("अ", "fonts-noto-core"),
        ("🚀", "fonts-symbola"),
        ("模🚀", "fonts-noto-cjk and fonts-symbola"),
    ],
)
def test_the_package_that_has_them_is_named(characters: str, packages: str) -> None:
    assert f": {packages})" in undrawn_warning(frozenset(characters))


def test_many_are_counted_and_invisible_ones_have_their_number() -> None:
    line = undrawn_warning(frozenset(map(chr, range(0x4E00, 0x4E00 + 30))))
    assert "一, 丁" in line
    assert "and 22 more" in line
    assert "U+E0041" in undrawn_warning(frozenset("\U000e0041"))
    assert "\n" not in line
