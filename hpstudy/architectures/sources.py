"""The text of a user's architectures: what makes them the networks that they are."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from hpstudy.architectures.imports import own_imports
from hpstudy.architectures.user import load_user_function
from hpstudy.spec.catalogue import is_own_code


def architecture_sources(architectures: Iterable[str], *, folder: Path) -> dict[str, str]:
    """The text of each file of a user's architectures, by the names that `architecture_files` gives them.

    Args:
        architectures: Names as in the study file.
        folder: Where the study file and the user's files lie.
    """
    return {
        name: path.read_text(encoding="utf-8", errors="replace")
        for architecture in architectures
        for name, path in architecture_files(architecture, folder=folder).items()
    }


def architecture_files(architecture: str, *, folder: Path) -> dict[str, Path]:
    """The files of a user's architecture.

    Args:
        architecture: A name as in the study file. A dotted one's module is imported, which tells where it lies.
        folder: Where the study file and the user's files lie.

    Returns:
        By the architecture's name (`nets.py:Net`) the file that defines it; and by its path as that name would have
        it (`blocks.py`) each of the user's own modules that it imports from beside it. None for an architecture that
        hpstudy or torchvision ship.

    Raises:
        InputError: A dotted one's module cannot be imported.
    """
    module = architecture.partition(":")[0]
    if not is_own_code(architecture):
        return {}
    is_file = module.endswith(".py")
    if not is_file and module not in sys.modules:
        load_user_function(architecture, study_folder=folder)
    loaded = getattr(sys.modules.get(module), "__file__", None)
    path = folder / module if is_file else Path(loaded or "")
    if not path.is_file():
        return {}
    files = {architecture: path}
    home = path.parent if is_file else folder
    for own in own_imports(path, folder=home):
        name = own.relative_to(home.resolve())
        files[(Path(module).parent / name if is_file else name).as_posix()] = own
    return files
