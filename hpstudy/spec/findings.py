"""Where problems are gathered while a study file is read, each placed where it stands in the file."""

from __future__ import annotations

import json
from collections.abc import Mapping

from hpstudy.errors import Problem
from hpstudy.spec.study import KeyPath, Position

_SHOWN_CHARACTERS = 80


class Findings:
    """The problems found so far.

    Attributes:
        positions: Where each value stands.
        keys: Where each key stands.
        options: For a key of the file that the command line overrides, the option as the user typed it
            (`{"trials": "--trials"}`); its problems carry that name and no position.
        problems: What was reported, in the order of reporting.
    """

    def __init__(
        self,
        positions: Mapping[KeyPath, Position],
        *,
        keys: Mapping[KeyPath, Position],
        options: Mapping[str, str],
    ) -> None:
        self.positions = positions
        self.keys = keys
        self.options = options
        self.problems: list[Problem] = []
        self._paths: list[KeyPath] = []

    def at(self, path: KeyPath, fact: str) -> None:
        """Reports a fact about the value at `path`, at the nearest enclosing one where it is not written."""
        self._report(path, fact, self.positions)

    def at_key(self, path: KeyPath, fact: str) -> None:
        """Reports a fact about the key at `path`, rather than about its value."""
        self._report(path, fact, {**self.positions, **self.keys})

    def has(self, path: KeyPath) -> bool:
        """Whether anything was reported at `path` or below it."""
        return any(reported[: len(path)] == path for reported in self._paths)

    def _report(self, path: KeyPath, fact: str, positions: Mapping[KeyPath, Position]) -> None:
        self._paths.append(path)
        if path and path[0] in self.options:
            self.problems.append(Problem(0, 0, self.options[str(path[0])], fact))
            return
        enclosing = path
        while enclosing and enclosing not in positions:
            enclosing = enclosing[:-1]
        position = positions.get(enclosing, Position())
        self.problems.append(Problem(position.line, position.column, place(enclosing or path), fact))


def place(path: KeyPath) -> str:
    """A path in words: `settings.learning_rate.low`. An entry's index is left out; its position tells."""
    return ".".join(_printable(part) for part in path if isinstance(part, str))


def _printable(key: str) -> str:
    """A key on one line: what a terminal would act on is escaped, and a long key is cut."""
    if not key:
        return "''"
    cut = key if len(key) <= _SHOWN_CHARACTERS else key[:_SHOWN_CHARACTERS] + "…"
    return cut if cut.isprintable() else json.dumps(cut)[1:-1]
