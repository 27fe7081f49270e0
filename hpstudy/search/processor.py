"""This machine's processor: its name, and whether it has instructions for bfloat16."""

from __future__ import annotations

import platform
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""Flags of Intel's and AMD's processors, and of ARM's."""


def processor_name() -> str:
    """As the system tells it: `Intel(R) Xeon(R) Processor`."""
    return _told("model name") or platform.processor() or platform.machine()


def lacks_bfloat16() -> bool:
    """Whether bfloat16 is computed in other instructions, and so many times slower; False where nothing is known."""
    flags = _told("flags") or _told("Features")
    return bool(flags) and _BFLOAT16.isdisjoint(flags.split())


def _told(key: str) -> str:
    """What Linux tells of the first core; empty on other systems."""
    if not _CPUINFO.exists():
        return ""
    lines = (line.partition(":") for line in _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines())
    return next((value.strip() for name, _, value in lines if name.strip() == key), "")
