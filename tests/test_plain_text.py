"""Strings of users as Markdown: each shows exactly what it is."""

from __future__ import annotations

import pytest

from hpstudy.plain_text import code_span, escaped


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("model 1: 91.04 %", "model 1: 91.04 %"),
        ("<img src=x onerror=alert(1)>", r"\<img src=x onerror=alert(1)\>"),
        ("[a](http://b) ![c](d)", r"\[a\](http:" + "\u2060" + r"//b) \!\[c\](d)"),
        ("www.a.org me@a.org", "www\u2060.a.org me@\u2060a.org"),
        (r"a|b\|c `d` *e* _f_ ~g~ $h$ &lt;", r"a\|b\\\|c \`d\` \*e\* \_f\_ \~g\~ \$h\$ \&lt;"),
        ("1. a\n# b\u2028- c", r"1\. a \# b - c"),
        ("- a", r"\- a"),
        ("12) a", r"12\) a"),
        ("=== ", r"\==="),
        ("\x1b[31mred\x07 \u202egnp", "\ufffd\\[31mred\ufffd \ufffdgnp"),
    ],
)
def test_a_users_string_is_text(text: str, markdown: str) -> None:
    assert escaped(text) == markdown


def test_a_code_span_holds_any_text() -> None:
    assert code_span("hpstudy report 'a b'") == "`hpstudy report 'a b'`"
    assert code_span("a\x1b\u202eb") == "`a\ufffd\ufffdb`"
    assert code_span("a``b`") == "``` a``b` ```"
