"""What a process that trains has to set before it touches torch."""

from __future__ import annotations

import ctypes
import sys

import torch

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's `mallopt`, by their numbers in malloc.h."""

_KEPT_BYTES = 2**30
_LARGEST_KEPT_BYTES = 2**25
"""The most that every glibc takes for the second of them."""


def prepare_process() -> None:
    """Sets this process up for training; no number that a training computes changes but those below 1e-38.

    Numbers below 1e-38 count as zero, where the processor can do that. A network that dies (a learning rate too high,
    strong weight decay) leaves weights and optimizer states that shrink towards zero, and processors compute such
    denormal numbers many times slower: an epoch of LeNet-5 with Adam at a learning rate of 0.04 went from 4.5 s to 35 s
    while it died, and stays at 4.2 s with this.

    Freed memory is kept for the next step, up to 1 GiB, where the C library is glibc. By itself it gives what a step
    has used back to the system at the step's end, and fetches it again page by page: some 1,500 page faults a step of
    `cnn` and `resnet-mini` at batch 64, without which the step takes 11 % less (2 % of `lenet5`); the same bits.

    Threads take over how denormal numbers are treated when they are made, so this must come before the first large
    tensor operation.
    """
    torch.set_flush_denormal(True)
    if sys.platform == "linux":
        _keep_freed_memory()


def _keep_freed_memory() -> None:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl has none
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT_BYTES)
