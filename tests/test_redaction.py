"""Passwords are taken out of what is recorded or shown."""

from __future__ import annotations

import pytest

from hpstudy.redaction import without_passwords


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql+psycopg://u:s3cret@h/db", "postgresql+psycopg://***@h/db"),
        ("postgresql+psycopg://u:it's3cret@h/db", "postgresql+psycopg://***@h/db"),
        ("--storage 'postgresql+psycopg://u:it'\"'\"'s3cret@h/db'", "--storage 'postgresql+psycopg://***@h/db'"),
        ("x mysql://u:p@ss@h:3/db y", "x mysql://***@h:3/db y"),
        ("postgresql://h/db?user=u&password=s3'cret&x=1", "postgresql://h/db?user=u&password=***&x=1"),
        ("sqlite:///hpstudy.db", "sqlite:///hpstudy.db"),
        ("mail me@example.org", "mail me@example.org"),
    ],
)
def test_passwords_are_taken_out(text: str, shown: str) -> None:
    assert without_passwords(text) == shown
