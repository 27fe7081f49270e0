"""How many trainings run at once."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from hpstudy.errors import InputError

_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""Linux's control group, version 2."""

_MEMORY_BYTES = 1_000_000_000
"""Left to each worker where the number is chosen: torch and a small network's batches take a third of it."""


def choose_n_workers(wanted: str, *, device: torch.device) -> int:
    """The number of workers that an option asks for.

    Args:
        wanted: A whole number of at least 1, or `auto`.
        device: Where they train.

    Raises:
        InputError: It is neither.
    """
    return read_n_workers(wanted) or _fitting_workers(device)


def read_n_workers(wanted: str) -> int | None:
    """The number that an option asks for; None for `auto`.

    Raises:
        InputError: It is neither a whole number of at least 1 nor `auto`.
    """
    if wanted == "auto":
        return None
    if not (wanted.isascii() and wanted.isdigit() and int(wanted)):
        raise InputError(f"--workers: {wanted!r} is neither a whole number of at least 1 nor auto")
    return int(wanted)


def _fitting_workers(device: torch.device) -> int:
    """As many as make good use of this machine.

    On the CPU one worker of one thread for each of torch's threads, as far as the memory reaches: small networks gain
    little from a second thread (`benchmarks/workers.py`). One for each GPU; one where there is a single one.
    """
    if device.type == "cuda":
        return max(1, torch.cuda.device_count())
    if device.type != "cpu":
        return 1
    memory = _memory_bytes()
    fitting = torch.get_num_threads() if memory is None else min(torch.get_num_threads(), memory // _MEMORY_BYTES)
    return max(1, fitting)


def _memory_bytes() -> int | None:
    """What the machine has, or its container may use; None where the system does not say (Windows)."""
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return None
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = _CONTAINER_LIMIT.read_text(encoding="ascii").strip()
    except OSError:
        return physical
    return min(physical, int(limit)) if limit.isdigit() else physical  # `max` where there is none
