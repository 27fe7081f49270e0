"""An exception of a training, as a `Failure` that can be stored and shown."""

from __future__ import annotations

import os
import sysconfig
import traceback
from pathlib import Path

from hpstudy.errors import ArtifactError
from hpstudy.training.job import Failure
from hpstudy.training.memory import is_out_of_memory

_NOT_THE_USERS = tuple(
    folder.rstrip(os.sep) + os.sep for folder in (str(Path(__file__).parents[1]), *sysconfig.get_paths().values())
)


def describe_failure(error: Exception | SystemExit) -> Failure:
    """Why a training failed: its kind, one line with the user's file and line where there is one, the traceback."""
    if isinstance(error, ArtifactError) and isinstance(error.__cause__, OSError):
        return Failure(reason="disk", message=str(error), traceback="")
    place = _users_place(error)
    text = " ".join(str(error).split())
    message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return Failure(
        reason="out_of_memory" if is_out_of_memory(error) else "error",
        message=f"{place}: {message}" if place else message,
        traceback="".join(traceback.format_exception(error)),
    )


def _users_place(error: BaseException) -> str:
    """`nets.py:12` of the last frame that is neither hpstudy's nor a library's; empty if there is none."""
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        if frame.filename.endswith(".py") and not frame.filename.startswith(_NOT_THE_USERS):
            return f"{Path(frame.filename).name}:{frame.lineno}"
    return ""
