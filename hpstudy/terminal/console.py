"""The console that commands print to."""

from __future__ import annotations

from rich.console import Console


def open_console(*, stderr: bool = False) -> Console:
    """A console on standard output, or on standard error; markup is off, since names come from users."""
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)
