"""Want of memory, told apart from every other error."""

from __future__ import annotations

import torch

_PHRASES = ("can't allocate memory", "not enough memory", "out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that host or GPU have no memory left."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    # torch's allocator on the CPU raises a plain RuntimeError.
    return isinstance(error, RuntimeError) and any(phrase in str(error).lower() for phrase in _PHRASES)
