"""What ends a run early: Ctrl-C, SIGTERM, SIGHUP (the first ends the epoch, the second stops at once); its deadline."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType

from hpstudy.signals import STOPPING, leave_dead_terminal

GRACE_SECONDS = 25.0
"""From SIGTERM or SIGHUP to the end: what sends one (SLURM, systemd, a machine that shuts down) often kills after
30 s."""


class Interruption:
    """Takes the signals over while its `with` block runs, and remembers the first that came; knows the deadline.

    The second raises KeyboardInterrupt in the main thread, wherever it is. What the study has stored until then
    stays stored. `announce` is told the first one's number. After all but Ctrl-C the second comes by itself in
    time. A SIGHUP that is ignored, as `nohup` has it, stays so. The deadline is on `time.monotonic`.
    """

    def __init__(
        self,
        *,
        announce: Callable[[int], None],
        deadline: float = math.inf,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._announce = announce
        self._deadline = deadline
        self._patience = threading.Timer(grace_seconds, os.kill, (os.getpid(), signal.SIGTERM))
        self._patience.daemon = True
        self._announcing: threading.Thread | None = None
        self._previous: dict[int, signal.Handlers | int | Callable[[int, FrameType | None], object] | None] = {}
        self.signal_number: int | None = None

    def requested(self) -> bool:
        """Whether a signal has come, or the deadline."""
        return self.signal_number is not None or time.monotonic() >= self._deadline

    def __enter__(self) -> Interruption:
        for number in STOPPING:
            if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._patience.cancel()
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if self._announcing:
            self._announcing.join()

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self.signal_number is not None:
            raise KeyboardInterrupt
        self.signal_number = number
        leave_dead_terminal()
        # In a thread of its own: a signal may come in the middle of a write to the terminal.
        self._announcing = threading.Thread(target=self._announce, args=(number,))
        self._announcing.start()
        if number != signal.SIGINT:
            self._patience.start()
