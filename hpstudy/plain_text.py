"""Strings of users as text that shows them as what they are: in a terminal, in a page, and in Markdown."""

from __future__ import annotations

import re

_ACTING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and newline, those that turn the direction of writing, and halves of pairs."""

_ACTIVE = re.compile(r"[\\`*_\[\]<>&|~$!#]")
_LINE_START = re.compile(r"^(\d+(?=[.)](?:\s|$))|(?=[-+=:]))")
"""Where a list, a heading's underline or a table's would begin."""

_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)", re.IGNORECASE)
_WORD_JOINER = "\u2060"
"""Has no width and allows no line break."""

_UNSEEN_IN_A_LINE = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
"""What nobody sees, turns a line round or is no text: not what separates words or lines."""


def visible(text: str) -> str:
    """A text with `�` for each character that is not seen itself but acts on what stands beside it.

    ESC and its kind move a terminal's cursor, set its title, or answer for its user; others turn the direction of
    writing. Tabs and newlines stay.
    """
    return _ACTING.sub("\N{REPLACEMENT CHARACTER}", text)


def escaped(text: str) -> str:
    """A text in one line, in which nothing is a link, markup, HTML, mathematics or the end of a table's cell.

    Characters that nobody sees become replacement characters.

    Escapes alone do not keep `http://…`, `www.…` and `name@host` from becoming links: GitHub's Markdown looks for them
    again once escapes are resolved. There an invisible word joiner parts them.
    """
    line = _ADDRESS.sub(_WORD_JOINER, _line(text))
    return _LINE_START.sub(r"\1\\", _ACTIVE.sub(r"\\\g<0>", line))


def code_span(text: str) -> str:
    """A text as a code span outside of a table."""
    line = _line(text)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _line(text: str) -> str:
    return " ".join(_UNSEEN_IN_A_LINE.sub("\N{REPLACEMENT CHARACTER}", text).split())
