"""The user's own modules that an architecture's file imports, found in the text, without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path


def own_imports(file: Path, *, folder: Path) -> tuple[Path, ...]:
    """The files that a file imports, directly or through each other, as far as they lie in a folder.

    Imports within functions count, and so do the packages that a file lies in. What is imported by a name that is only
    known when the code runs (`importlib.import_module(name)`) is not found; nor is anything in a file that cannot be
    read as Python.

    Args:
        file: The architecture's file.
        folder: Where top-level modules are looked for, and what found files must lie in.

    Returns:
        Absolute paths, sorted, without `file` itself; none where that lies elsewhere, as an installed package does.
    """
    home, start = folder.resolve(), file.resolve()
    found: set[Path] = set()
    waiting = [start] if start.is_relative_to(home) else []
    while waiting:
        current = waiting.pop()
        imported = (*_packages(current, home), *_imported(current, home))
        new = {path for path in imported if path.is_relative_to(home)} - found - {start}
        found |= new
        waiting += new
    return tuple(sorted(found))


def _packages(file: Path, home: Path) -> Iterator[Path]:
    """The `__init__.py` of each folder between the home and a file in it."""
    yield from _files(home, list(file.relative_to(home).parent.parts))


def _imported(file: Path, home: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files(home, alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            base = file.parents[node.level - 1] if node.level else home
            parts = node.module.split(".") if node.module else []
            yield from _files(base, parts)
            for alias in node.names:  # `from package import module`
                yield from _files(base, [*parts, alias.name])


def _files(base: Path, parts: list[str]) -> Iterator[Path]:
    """The module, and each package above it: `a.b` is `a/__init__.py` and `a/b.py` (or `a/b/__init__.py`)."""
    for depth in range(1, len(parts) + 1):
        place = base.joinpath(*parts[:depth])
        for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
            if path.is_file():
                yield path.resolve()
                break
