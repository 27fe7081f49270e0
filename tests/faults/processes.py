"""The processes of a run, as Linux tells of them in /proc."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path


def workers_of(runner: int) -> list[int]:
    """The process ids of a runner's workers: its spawned children, without multiprocessing's resource tracker."""
    lists = Path(f"/proc/{runner}/task").glob("*/children")
    children = [int(child) for children in lists for child in _text(children).split()]
    return sorted(child for child in children if "--multiprocessing-fork" in _text(Path(f"/proc/{child}/cmdline")))


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended, and that nobody has asked for its exit code, does not."""
    state = _text(Path(f"/proc/{process}/stat")).rpartition(")")[2].split()
    return bool(state) and state[0] not in "ZX"


def end_together(processes: Collection[int], *, seconds: float) -> bool:
    """Whether all of some processes have ended within a time."""
    deadline = time.monotonic() + seconds
    while any(is_alive(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _text(file: Path) -> str:
    """What a file of /proc holds; empty where its process is gone."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
