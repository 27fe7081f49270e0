"""The text of a user's architectures: what makes them the networks that they are."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from hpstudy.architectures.imports import own_imports


def architecture_sources(architectures: Iterable[str], *, folder: Path) -> dict[str, str]:
    """The text of each file of a user's architecture.

    Args:
        architectures: Names as in the study file; those that hpstudy or torchvision ship are left out.
        folder: Where the study file and the user's files lie.

    Returns:
        By the architecture's name (`nets.py:Net`) the file that defines it; and by its path as that name would have
        it (`blocks.py`) each of the user's own modules that it imports from beside it.
    """
    sources: dict[str, str] = {}
    for architecture in architectures:
        module = architecture.partition(":")[0]
        if ":" not in architecture or module == "torchvision":
            continue
        loaded = getattr(sys.modules.get(module), "__file__", None)
        is_file = module.endswith(".py")
        path = folder / module if is_file else Path(loaded or "")
        if not path.is_file():
            continue
        sources[architecture] = _text(path)
        home = path.parent if is_file else folder
        for own in own_imports(path, folder=home):
            name = own.relative_to(home.resolve())
            sources[(Path(module).parent / name if is_file else name).as_posix()] = _text(own)
    return sources


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
