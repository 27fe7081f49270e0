"""Pickles that hold nothing but numbers, text and NumPy arrays."""

from __future__ import annotations

import codecs
import pickle
from typing import Any, BinaryIO

import numpy as np

_RECONSTRUCT = "_reconstruct"


class _NumbersUnpickler(pickle.Unpickler):
    """An unpickler that knows the four names an array of numbers needs, and no other."""

    def find_class(self, module: str, name: str) -> object:
        """The named thing; an error for every name that an array of numbers does not need."""
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == _RECONSTRUCT:
            return super().find_class("numpy._core.multiarray", name)
        known = {
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
            ("_codecs", "encode"): codecs.encode,
        }
        if (module, name) in known:
            return known[module, name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which numbers do not need")


def load_numbers(stream: BinaryIO) -> dict[str, Any]:
    """The mapping in a pickle of numbers, as Python 2 wrote it too (its byte strings read as Latin-1).

    The caller has checked the file's sum first; this is the second lock on the same door.

    Args:
        stream: Positioned at the pickle.

    Returns:
        What was pickled.

    Raises:
        pickle.UnpicklingError: The pickle asks for anything but numbers, text and arrays.
    """
    content: dict[str, Any] = _NumbersUnpickler(stream, encoding="latin1").load()
    return content
