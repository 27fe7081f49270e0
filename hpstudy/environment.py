"""What a process inherits from its environment and must not fail on, put right before anything reads it."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import MutableMapping

_LARGEST = 1000
"""So many columns or lines are believed; more has no screen, and tables are laid out for it in vain."""

_IGNORED_BY_PYTHON = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


def settle_environment() -> None:
    """Puts right, for this process and those that it starts, what would end commands that it has nothing to do with."""
    # Jupyter's kernels name a backend of their own environment, and without it matplotlib refuses to be imported.
    # Pictures are drawn into files, which is what agg does.
    os.environ["MPLBACKEND"] = "agg"
    for name in ("COLUMNS", "LINES"):
        if not _is_size(os.environ.get(name, "")):
            os.environ.pop(name, None)  # the terminal knows
    _let_warnings_be_warnings(os.environ)


def _is_size(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= _LARGEST


def _let_warnings_be_warnings(environment: MutableMapping[str, str]) -> None:
    """With PYTHONWARNINGS=error a run would end where somebody's library deprecates something."""
    options = [option.strip() for option in environment.get("PYTHONWARNINGS", "").split(",")]
    actions = [option.split(":")[0] for option in options]
    if not any(action and "error".startswith(action) for action in actions):
        return
    del environment["PYTHONWARNINGS"]
    sys.warnoptions[:] = [option for option in sys.warnoptions if option not in options]  # else workers get them
    warnings.simplefilter("default")
    for category in _IGNORED_BY_PYTHON:
        warnings.simplefilter("ignore", category)
