"""The names of torchvision's classification networks, without importing it: that would take torch, and seconds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path


def torchvision_names() -> tuple[str, ...]:
    """The names as `torchvision.models.list_models` has them, sorted; none where torchvision is not installed.

    They are read from its source files, in which a decorator, `@register_model()`, marks each function.
    """
    found = find_spec("torchvision")
    folders = found.submodule_search_locations if found else None
    files = [file for folder in folders or () for file in Path(folder, "models").glob("*.py")]
    return tuple(sorted(name for file in files for name in _registered(file)))


def _registered(file: Path) -> Iterator[str]:
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and any(map(_registers, node.decorator_list)):
            yield node.name


def _registers(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id == "register_model"
