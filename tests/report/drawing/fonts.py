"""A font made for a test: the characters that it has are squares, in so many faces."""

from __future__ import annotations

from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont


def write_font(file: Path, characters: str, *, family: str = "Drawn", ink: bool = True) -> None:
    """Writes a font, or a collection of two where the file's name ends with `.ttc`.

    Args:
        file: Where; its folder is made.
        characters: What the font has.
        family: Its name.
        ink: False gives glyphs without an outline.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".ttc":
        collection = TTCollection()
        collection.fonts = [_font(characters, family, ink=ink), _font(characters, f"{family} Mono", ink=ink)]
        collection.save(file)
    else:
        _font(characters, family, ink=ink).save(file)


def _font(characters: str, family: str, *, ink: bool) -> TTFont:
    names = {ord(character): f"uni{ord(character):04X}" for character in characters}
    order = [".notdef", *names.values()]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap(names)
    builder.setupGlyf({name: _square(drawn=ink or name == ".notdef") for name in order})
    builder.setupHorizontalMetrics(dict.fromkeys(order, (1000, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, sTypoDescender=-200)
    builder.setupPost()
    return builder.font


def _square(*, drawn: bool) -> object:
    pen = TTGlyphPen(None)
    if drawn:
        pen.moveTo((0, 0))
        for corner in ((0, 800), (900, 800), (900, 0)):
            pen.lineTo(corner)
        pen.closePath()
    return pen.glyph()
