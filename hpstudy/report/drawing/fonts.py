"""Fonts for the characters that matplotlib's own font lacks: those of the machine are searched for them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from matplotlib import font_manager
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.ft2font import FT2Font

OWN = "DejaVu Sans"
"""Comes with matplotlib: a picture whose characters it has looks the same on every machine."""

_WEIGHTS = ("normal", "bold")
"""Of texts and of titles."""

_PLACEHOLDERS = ("last resort", "lastresort", "adobe blank")
"""In the names of fonts that have a box, or nothing, for every character there is."""

_COARSE = "unifont"
"""In the names of fonts that have nearly all characters, drawn of squares."""

_BROKEN_FONT = (OSError, RuntimeError, ValueError, LookupError)
"""What matplotlib raises on a file that is no font, or none that it can draw."""


@dataclass(frozen=True)
class Fonts:
    """What a picture's texts are drawn with.

    Attributes:
        families: Names in the order in which a character is looked up.
        undrawn: The characters that no font has; boxes stand for them.
    """

    families: tuple[str, ...]
    undrawn: frozenset[str]


@dataclass(frozen=True)
class _File:
    """A font file of the machine.

    Attributes:
        path: Where it lies.
        family: The name of its first face. The faces of a collection differ in the forms of their characters, hardly
            in which they have.
        characters: Those that it has, as one string: a set of them would be ten times as large.
    """

    path: str
    family: str
    characters: str


def choose_fonts(texts: Iterable[str]) -> Fonts:
    """Fonts that have every character of some texts, where the machine has such.

    The fonts of the machine are looked through only where matplotlib's own lacks a character. Call it where rcParams
    are those that the texts are drawn under.

    Args:
        texts: All that a picture says.
    """
    sought = {character for text in texts for character in text if _is_visible(character)}
    missing = frozenset(sought - _characters_of(OWN)) if sought else frozenset()
    return _found_for(missing) if missing else Fonts((OWN,), frozenset())


def _is_visible(character: str) -> bool:
    """Whether a character needs a glyph: spaces, joiners and variation selectors need none."""
    return unicodedata.category(character) not in {"Zs", "Zl", "Zp", "Cc", "Cf"} and not (
        "\ufe00" <= character <= "\ufe0f"
    )


@cache
def _found_for(missing: frozenset[str]) -> Fonts:
    """Families for characters that matplotlib's own lacks, as few as there need be."""
    having = {
        file: found for file in _files() if (found := frozenset(one for one in missing if one in file.characters))
    }
    families, left = [OWN], missing
    for file in sorted(having, key=lambda file: _preference(file, n_found=len(having[file]))):
        if left & having[file] and (gained := left & _drawn_by(file, having[file])):
            families.append(file.family)
            left -= gained
    return Fonts(tuple(families), left)


def _preference(file: _File, *, n_found: int) -> tuple[bool, int, int, str]:
    """The first of these sorts is tried first: a font made for a script has more of it than a decorative one."""
    return _COARSE in file.family.lower(), -n_found, -len(file.characters), file.path


@cache
def _files() -> tuple[_File, ...]:
    """The fonts of the machine that have outlines and letters, each read once: a millisecond a file."""
    return tuple(file for path in font_manager.findSystemFonts() if (file := _read(path)))


def _read(path: str) -> _File | None:
    try:
        font = FT2Font(path)
        characters = "".join(map(chr, font.get_charmap()))
    except _BROKEN_FONT:
        return None
    usable = font.scalable and not any(name in font.family_name.lower() for name in _PLACEHOLDERS)
    return _File(path, font.family_name, characters) if usable else None


def _drawn_by(file: _File, found: frozenset[str]) -> frozenset[str]:
    """Which of the characters that a font has are drawn in its family, once matplotlib knows that."""
    try:
        font = FT2Font(file.path)
        inked = frozenset(character for character in found if _has_ink(font, character))
        # matplotlib's list of fonts may be older than the font.
        if inked and file.path not in {entry.fname for entry in fontManager.ttflist}:
            fontManager.addfont(file.path)
            _characters_of.cache_clear()  # the family may have had other files
        return inked & _characters_of(file.family) if inked else inked
    except _BROKEN_FONT:
        return frozenset()


def _has_ink(font: FT2Font, character: str) -> bool:
    """Whether a glyph has an outline; those of fonts for coloured emoji may have none."""
    left, bottom, right, top = font.load_char(ord(character)).bbox
    return bool(right > left and top > bottom)


@cache
def _characters_of(family: str) -> frozenset[str]:
    """What the fonts of a family have in every weight that is drawn, as matplotlib chooses among its files."""
    chosen = [font_manager.findfont(FontProperties(family=family, weight=weight)) for weight in _WEIGHTS]
    known = [frozenset(map(chr, font_manager.get_font(path).get_charmap())) for path in dict.fromkeys(chosen)]
    return frozenset.intersection(*known)
