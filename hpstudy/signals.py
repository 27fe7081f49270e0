"""The signals that ask a run to end, as far as this system has them, and a terminal that is gone."""

from __future__ import annotations

import os
import signal
import stat
import sys
from contextlib import suppress
from pathlib import Path

STOPPING: tuple[signal.Signals, ...] = tuple(
    signal.Signals(getattr(signal, name)) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Ctrl-C; what `timeout`, clusters and systemd send; and what a terminal sends that is closed, or an SSH connection
that breaks."""


def leave_dead_terminal() -> None:
    """Leads what this process still prints nowhere, where its terminal is gone: each write would be an error."""
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is None:
            continue
        with suppress(OSError, ValueError):  # closed, or no file of the system
            number = stream.fileno()
            is_device = stat.S_ISCHR(os.fstat(number).st_mode)
            if is_device and not os.isatty(number):  # a terminal that has hung up says that it is none
                with Path(os.devnull).open("wb") as nowhere:
                    os.dup2(nowhere.fileno(), number)
