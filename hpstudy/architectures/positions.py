"""Where in the user's code something is: `nets.py:12`, for messages."""

from __future__ import annotations

import inspect
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path

_NOT_THEIRS = (Path(__file__).resolve().parents[1], Path(sysconfig.get_path("stdlib")).resolve())
_INSTALLED = frozenset({"site-packages", "dist-packages"})


def last_position(error: BaseException, folder: Path | None = None) -> str:
    """The deepest line of the user's code that an error passed through.

    Args:
        error: An exception with its traceback. A SyntaxError stands where it was found.
        folder: The folder that the user's code lies in, with all folders below it; None where it is not known.

    Returns:
        `file:line`, the file relative to the folder, or its name alone; empty where the error passed through no file
        of theirs. Python, installed packages and hpstudy itself are not the user's code, even in that folder.
    """
    lines = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        lines.append((error.filename, error.lineno or 0))
    theirs = [(filename, line) for filename, line in lines if _is_theirs(Path(filename), folder)]
    if not theirs:
        return ""
    filename, line = theirs[-1]
    return _written(filename, line, folder) if folder else f"{Path(filename).name}:{line}"


def definition(function: Callable[..., object], folder: Path) -> str:
    """Where a function or class is defined.

    Args:
        function: Any callable.
        folder: Files below it are written relative to it.

    Returns:
        `file:line`; empty for what has no source file.
    """
    filename = _source_file(function)
    if filename is None:
        return ""
    try:
        _, line = inspect.getsourcelines(inspect.unwrap(function))
    except (OSError, TypeError):
        return ""
    return _written(str(filename), line, folder)


def located(architecture: str, function: Callable[..., object], study_folder: Path) -> str:
    """The user's architecture with its place in their code, as a message begins: `nets.py:Net: nets.py:12`.

    Args:
        architecture: As in the study file.
        function: The user's function or class.
        study_folder: Where the study file is.

    Returns:
        The architecture alone where the function has no source file.
    """
    position = definition(function, code_folder(function, study_folder))
    return f"{architecture}: {position}" if position else architecture


def code_folder(function: Callable[..., object], study_folder: Path) -> Path:
    """The folder that the user's code is in.

    Args:
        function: The user's function or class.
        study_folder: Where the study file is.

    Returns:
        The study file's folder where the function's file lies in or below it (or has none), else that
        file's own.
    """
    filename = _source_file(function)
    if filename is None or filename.is_relative_to(study_folder.resolve()):
        return study_folder
    return filename.parent


def _source_file(function: Callable[..., object]) -> Path | None:
    try:
        filename = inspect.getsourcefile(inspect.unwrap(function))
    except TypeError:
        return None
    return Path(filename).resolve() if filename else None


def _is_theirs(path: Path, folder: Path | None) -> bool:
    path = path.resolve()
    base = folder.resolve() if folder else Path(path.anchor)
    if path.suffix != ".py" or not path.is_relative_to(base) or any(map(path.is_relative_to, _NOT_THEIRS)):
        return False
    return _INSTALLED.isdisjoint(path.relative_to(base).parts)


def _written(filename: str, line: int, folder: Path) -> str:
    path = Path(filename).resolve()
    shown = path.relative_to(folder.resolve()) if path.is_relative_to(folder.resolve()) else path
    return f"{shown.as_posix()}:{line}"
