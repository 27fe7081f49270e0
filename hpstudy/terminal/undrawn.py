"""The warning that pictures show boxes for some characters, with the packages whose fonts have them."""

from __future__ import annotations

import unicodedata
from collections.abc import Set as AbstractSet

from hpstudy.numbers import listed

_NAMED = 8
"""Characters that are named; of the others there is a number."""

_EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH", "HALFWIDTH", "YI")
"""How the names of those characters begin that Debian's fonts-noto-cjk has."""


def undrawn_warning(undrawn: AbstractSet[str]) -> str:
    """One line that names characters that no font of the machine has, and what to install; empty where there are none.

    Args:
        undrawn: The characters for which boxes stand.
    """
    if not undrawn:
        return ""
    characters = sorted(undrawn)
    names = [character if character.isprintable() else f"U+{ord(character):04X}" for character in characters[:_NAMED]]
    more = [f"{len(characters) - _NAMED:,} more"] if len(characters) > _NAMED else []
    packages = listed(sorted({_package(character) for character in characters}))
    return (
        f"pictures show boxes for {listed(names + more)}, which no font of this machine has; "
        f"install one that has them (Debian and Ubuntu: {packages}), then repeat the command"
    )


def _package(character: str) -> str:
    """The Debian package with a font that has a character and that matplotlib can draw with.

    It draws outlines alone, so fonts-noto-color-emoji, which holds bitmaps, does not help.
    """
    if unicodedata.name(character, "").startswith(_EAST_ASIAN):
        return "fonts-noto-cjk"
    return "fonts-symbola" if unicodedata.category(character) == "So" else "fonts-noto-core"
