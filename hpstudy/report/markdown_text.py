"""Plain text, tables, code and pictures as Markdown that GitHub shows as what they are."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hpstudy.plain_text import escaped
from hpstudy.report.drawing.figure import Absent
from hpstudy.report.sections.table import Cell, Table

_UNSEEN_IN_CODE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2060-\u2069\ud800-\udfff]")


def code_block(text: str, *, language: str = "") -> str:
    """A block of code that shows a text as it is; its fence is longer than any within."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    shown = _UNSEEN_IN_CODE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n")).rstrip("\n")
    return f"{fence}{language}\n{shown}\n{fence}"


def table(shown: Table, *, rows: int | None = None) -> str:
    """A table with its caption above and its note below; a group's title is a row in bold.

    Args:
        shown: The table.
        rows: How many rows at most; None for all.
    """
    lines = [_line(escaped(column.title) or " " for column in shown.columns)]
    lines.append(_line("---:" if column.numeric else "---" for column in shown.columns))
    for group in shown.groups:
        if group.title:
            lines.append(_line([f"**{escaped(group.title)}**", *(" " for _ in shown.columns[1:])]))
        lines += [_line(_cell(cell) for cell in row.cells) for row in group.rows[:rows]]
    return "\n\n".join(
        part for part in (f"**{escaped(shown.caption)}**", "\n".join(lines), escaped(shown.note)) if part
    )


def table_or_reason(view: Table | Absent, *, rows: int | None = None) -> str:
    """A table, or why there is none."""
    return reason(view.title, view.reason) if isinstance(view, Absent) else table(view, rows=rows)


def reason(title: str, why: str) -> str:
    """The sentence that stands where a view is missing."""
    return f"{escaped(title)}: {escaped(why)}"


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Terms and what holds, as a list."""
    return bullets(f"**{escaped(term)}**: {escaped(text)}" for term, text in pairs)


def bullets(lines: Iterable[str]) -> str:
    """A list of lines that are Markdown already."""
    return "\n".join(f"- {line}" for line in lines)


def picture(number: int, *, title: str, alt: str, caption: str, file: str) -> str:
    """A figure: its numbered title, the picture beside the file, and its caption."""
    return f"**Figure {number}. {escaped(title)}**\n\n![{escaped(alt)}]({file})\n\n{escaped(caption)}"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    text = escaped(cell.text)
    if cell.link:
        return f"[{text}]({cell.link})"
    return f"**{text}**" if cell.mark == "strong" else text or " "
