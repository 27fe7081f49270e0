"""An exception of a training, as a `Failure` that can be stored and shown."""

from __future__ import annotations

import traceback

from hpstudy.architectures.positions import last_position
from hpstudy.error_summary import summarize_error
from hpstudy.errors import ArtifactError
from hpstudy.training.job import Failure
from hpstudy.training.memory import is_out_of_memory


def describe_failure(error: Exception | SystemExit) -> Failure:
    """Why a training failed: its kind, one line with the user's file and line where there is one, the traceback."""
    if isinstance(error, ArtifactError) and isinstance(error.__cause__, OSError):
        return Failure(reason="disk", message=str(error), traceback="")
    place = last_position(error)
    message = summarize_error(error)
    return Failure(
        reason="out_of_memory" if is_out_of_memory(error) else "error",
        message=f"{place}: {message}" if place else message,
        traceback="".join(traceback.format_exception(error)),
    )
