"""The console script: runs a command, and turns what goes wrong into one message and its exit code."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import traceback
from pathlib import Path

from hpstudy.environment import settle_environment
from hpstudy.errors import HpstudyError

_LOST = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""How an output can be closed or full."""

_SIGPIPE = getattr(signal, "SIGPIPE", 13)  # Windows has no such signal; the exit code is the same everywhere


def main() -> None:
    """The console script: runs a command and turns every error of a user into one message and its exit code."""
    settle_environment()
    _prepare_streams()
    from hpstudy.terminal.console import visible_output  # noqa: PLC0415  # rich reads the environment

    with visible_output():
        try:
            _run_command()
        except Exception:
            if "--debug" in sys.argv:
                raise
            traceback.print_exc()  # here, where it is made visible: an exception's text may be anybody's
            sys.exit(1)


def _run_command() -> None:
    from hpstudy.cli import app  # noqa: PLC0415  # after the environment is settled

    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # now, while what goes wrong can still be said
    except HpstudyError as error:
        if "--debug" in sys.argv:
            raise
        sys.stdout.flush()
        _complain(str(error))
        sys.exit(error.exit_code)
    except OSError as error:
        if "--debug" in sys.argv:
            raise
        if error.filename is not None:  # a path that may not be read, or is too long for one
            _complain(f"{error.filename}: {error.strerror}")
            sys.exit(3)
        # What a file cannot take is told by who writes it; what is left is standard output.
        if error.errno not in _LOST:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would try again at its end
        if isinstance(error, BrokenPipeError):
            sys.exit(128 + _SIGPIPE)  # nobody reads on: as a program ends that does not ask
        _complain(f"the output cannot be written ({error.strerror})")
        sys.exit(3)


def _complain(message: str) -> None:
    from hpstudy.terminal.console import say  # noqa: PLC0415  # after the environment is settled

    say(message, stderr=True)


def _prepare_streams() -> None:
    """Opens what the shell has closed, as by `hpstudy list >&-`, to nowhere; and lets no character be an error."""
    for name, mode in {"stdin": "r", "stdout": "w", "stderr": "w"}.items():
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  # until the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 shows "?" for an en dash
