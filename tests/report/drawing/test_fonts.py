"""Characters that matplotlib's own font lacks: drawn with a font of the machine, or named once."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.font_manager import fontManager
from PIL import Image

from hpstudy.report.drawing import fonts
from hpstudy.report.drawing.chart import Axis, Chart, Panel, Points, Texts, drawn_texts, numbers
from hpstudy.report.drawing.figure import Picture
from hpstudy.report.drawing.fonts import OWN, choose_fonts
from hpstudy.report.drawing.pictures import draw_picture
from tests.report.drawing.fonts import write_font

LETTER = "模"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose files are all fonts that the machine has; matplotlib does not know them yet."""
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(file) for file in tmp_path.rglob("*.tt?")])
    monkeypatch.setattr(fontManager, "ttflist", [one for one in fontManager.ttflist if "mpl-data" in one.fname])
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    """Drops what was found of the fonts of the machine."""
    for function in (fonts._files, fonts._found_for, fonts._characters_of, fontManager._findfont_cached):
        function.cache_clear()


def picture(text: str) -> Picture:
    axis = Axis("", low=0, high=1, visible=False)
    return draw_picture(
        Chart((Panel(axis, axis, (Texts(numbers([0.5]), numbers([0.5]), [text], size=40),)),)), title=""
    )


def ink(drawn: Picture) -> float:
    """The share of the text's own rectangle that is dark."""
    dark = np.asarray(Image.open(io.BytesIO(drawn.png)).convert("L")) < 128
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    return float(dark[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean())


@pytest.mark.parametrize("name", ["f.ttf", "f.ttc"])
def test_a_font_of_the_machine_draws_what_matplotlibs_own_lacks(machine: Path, name: str) -> None:
    boxed = picture(LETTER)
    assert boxed.undrawn == {LETTER}
    write_font(machine / name, LETTER)
    forget()
    drawn = picture(LETTER)
    assert drawn.undrawn == set()
    assert ink(drawn) > 0.98  # the square of the font; the box that stands for a missing character is a frame
    assert ink(boxed) < 0.7


def test_a_title_in_bold_uses_the_font_too(machine: Path) -> None:
    write_font(machine / "f.ttf", LETTER)
    axis = Axis(visible=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        drawn = draw_picture(Chart((Panel(axis, axis, (), title=LETTER),)), title=LETTER)
    assert (drawn.undrawn, caught) == (set(), [])


def test_what_matplotlib_says_of_fonts_stays_with_it(
    machine: Path, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    write_font(machine / "f.ttf", LETTER)
    assert picture(f"{LETTER}型").undrawn == {"型"}
    assert caplog.records == []
    assert list(recwarn) == []


def test_no_font_is_read_for_letters_that_matplotlib_has(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(font_manager, "findSystemFonts")
    assert choose_fonts(["model é я ع א ✓ –", "a\u3000b\u200d\ufe0f\n"]) == fonts.Fonts((OWN,), frozenset())


def test_as_few_fonts_as_have_all_are_chosen(machine: Path) -> None:
    write_font(machine / "a.ttf", "模", family="One")
    write_font(machine / "b.ttf", "模型", family="Two")
    write_font(machine / "c.ttf", "模型一二三", family="Script")
    write_font(machine / "d.ttf", "가", family="Korean")
    assert choose_fonts(["模型"]) == fonts.Fonts((OWN, "Script"), frozenset())
    assert choose_fonts(["模", "型 가 🚀"]) == fonts.Fonts((OWN, "Script", "Korean"), frozenset("🚀"))


def test_fonts_without_letters_of_their_own_are_passed_over(machine: Path) -> None:
    write_font(machine / "blank.ttf", LETTER, family="Coloured Emoji", ink=False)
    write_font(machine / "last.ttf", LETTER, family="Last Resort")
    (machine / "broken.ttf").write_bytes(b"no font")
    (machine / "cut.ttf").write_bytes((machine / "last.ttf").read_bytes()[:300])
    (machine / "gone.ttf").symlink_to(machine / "nowhere.ttf")
    assert choose_fonts([LETTER]) == fonts.Fonts((OWN,), frozenset(LETTER))
    write_font(machine / "unifont.ttf", LETTER + "型", family="Unifont")
    forget()
    assert choose_fonts([LETTER]).families == (OWN, "Unifont")
    write_font(machine / "z.ttf", LETTER, family="Smooth")
    forget()
    assert choose_fonts([LETTER]).families == (OWN, "Smooth")


def test_every_text_of_a_picture_is_looked_at() -> None:
    x = Axis("title x", low=0, high=1, ticks=((0.0, "tick"),))
    mark = Points(numbers([0.5]), numbers([0.5]), name="legend", hover=["pointer"])
    chart = Chart((Panel(x, Axis("title y"), (mark, Texts(numbers([0]), numbers([0]), ["word"])), title="panel"),))
    assert sorted(filter(None, drawn_texts(chart))) == ["legend", "panel", "tick", "title x", "title y", "word"]
