"""The user's own architecture: a function or class in a file beside the study file, or in a package."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from hpstudy.architectures.positions import last_position
from hpstudy.error_summary import summarize_error
from hpstudy.errors import InputError
from hpstudy.spec.wording import did_you_mean
from hpstudy.torchvision_repair import import_torchvision, lacks_operators


def load_user_function(architecture: str, *, study_folder: Path) -> Callable[..., object]:
    """The user's function or class.

    Args:
        architecture: `file.py:name`, a file beside the study file (or by its full path), or
            `package.module:name`, looked for beside the study file first, then among installed packages.
        study_folder: Where the study file is.

    Returns:
        What `name` is in that module. A file that did not change is run once in a process.

    Raises:
        InputError: No such file, module or name; it cannot be called; or its module raises while it is
            imported, with the line of the user's code.
    """
    place, _, name = architecture.rpartition(":")
    if not place or not name:
        raise InputError(f"{architecture}: write it as file.py:name or as package.module:name")
    module = _load_module(architecture, place, study_folder)
    if not hasattr(module, name):
        known = [each for each in vars(module) if not each.startswith("_")]
        raise InputError(f"{architecture}: {place} has no {name}.{did_you_mean(name, known)}")
    function: object = getattr(module, name)
    if not callable(function):
        raise InputError(
            f"{architecture}: {name} in {place} is of type {type(function).__name__}; an architecture is a "
            "function (input_shape, n_classes, *, dropout, options…) that returns a torch.nn.Module"
        )
    return function


def _load_module(architecture: str, place: str, study_folder: Path) -> ModuleType:
    """The module that a file or a dotted name stands for."""
    folder = study_folder.resolve()
    path = folder / place
    is_file = place.endswith(".py")
    if is_file and not path.is_file():
        files = [each.name for each in folder.glob("*.py")]
        raise InputError(f"{architecture}: there is no file {place} in {folder}.{did_you_mean(place, files)}")
    own_folder = path.parent if is_file else folder
    shown_from = folder if own_folder.is_relative_to(folder) else own_folder
    try:
        with _first_on_import_path(own_folder):
            return _with_torchvision(lambda: _run_file(path) if is_file else importlib.import_module(place))
    except ModuleNotFoundError as error:
        if not is_file and error.name and (place == error.name or place.startswith(f"{error.name}.")):
            raise InputError(
                f"{architecture}: there is no module {error.name} in {folder}, nor is one installed"
            ) from error
        raise InputError(_failed_import(architecture, error, shown_from)) from error
    except (Exception, SystemExit) as error:
        raise InputError(_failed_import(architecture, error, shown_from)) from error


def _failed_import(architecture: str, error: BaseException, folder: Path) -> str:
    position = last_position(error, folder) or architecture.rpartition(":")[0]
    return f"{architecture}: {position}: {summarize_error(error)}{import_hint(error)}"


def import_hint(error: BaseException) -> str:
    """How to write a relative import that failed because a user's file is in no package; empty for other errors."""
    frames = traceback.extract_tb(error.__traceback__)
    if not isinstance(error, ImportError) or "no known parent package" not in str(error) or not frames:
        return ""
    for node in ast.walk(ast.parse(Path(frames[-1].filename).read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.level and node.lineno == frames[-1].lineno:
            absolute = ast.ImportFrom(node.module, node.names, 0) if node.module else ast.Import(node.names)
            return f"; the file is in no package: write `{ast.unparse(absolute)}`, and what is beside it is found"
    return ""


def _with_torchvision(load: Callable[[], ModuleType]) -> ModuleType:
    """What `load` returns, once more after repair where the user's code imports an unusable torchvision."""
    try:
        return load()
    except RuntimeError as error:
        if not lacks_operators(error):
            raise
    import_torchvision()
    return load()


@contextmanager
def _first_on_import_path(folder: Path) -> Iterator[None]:
    """The folder first on the import path, and last from then on: the user's functions may import when they run."""
    place = str(folder)
    sys.path.insert(0, place)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(place)
        if place not in sys.path:
            sys.path.append(place)


class _SourceLoader(SourceFileLoader):
    """Compiles the file each time: Python's cached bytecode misses a change within the same second."""

    def get_code(self, fullname: str) -> CodeType:
        """The code of the file as it is now."""
        return self.source_to_code(self.get_data(self.path), self.path)


def _run_file(path: Path) -> ModuleType:
    """The file as a module whose name is its own: two files called nets.py in two folders do not clash."""
    digest = hashlib.sha256(bytes(path) + b"\0" + path.read_bytes()).hexdigest()
    name = f"hpstudy_user_{path.stem}_{digest[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    loader = _SourceLoader(name, str(path))
    module = importlib.util.module_from_spec(ModuleSpec(name, loader, origin=str(path)))
    module.__file__ = str(path)
    # Before it runs: dataclasses look their module up while they are made.
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
