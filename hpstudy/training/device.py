"""The device that models are trained on."""

from __future__ import annotations

import torch

from hpstudy.errors import InputError

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(name: str) -> torch.device:
    """The device of a name; `auto` is the first of cuda, mps and cpu that this machine has.

    Raises:
        InputError: There is no such device, or this machine or this torch has none.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(device for device, there in available.items() if there))
    if name not in available:
        raise InputError(f"--device: no device {name!r}; known: {', '.join(DEVICES)}")
    if not available[name]:
        there = ", ".join(device for device, usable in available.items() if usable)
        raise InputError(f"--device: this machine has no {name} that torch {torch.__version__} can use; it has {there}")
    return torch.device(name)
