"""The weights of a model in a file, which is whole and has its checksum, or is not used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from hpstudy.architectures.state import (
    LENGTH_BYTES,
    MOST_HEADER_BYTES,
    Form,
    StateError,
    check_beginning,
    encode_state,
    fill_state,
    forms,
    no_state,
    require_equal,
)
from hpstudy.artifacts import written_whole
from hpstudy.error_summary import summarize_error
from hpstudy.errors import ArtifactError
from hpstudy.regular_file import open_regular

_TYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "BOOL": "bool",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
}
"""torch's names of what a header calls the types."""


def write_weights(model: nn.Module, path: Path) -> str:
    """Writes parameters and buffers of a model, whole or not at all; a file that was there is replaced.

    Args:
        model: As for `encode_state`. The file's bytes are held in memory once.
        path: Where to; its folder is made if needed.

    Returns:
        The file's SHA-256, hexadecimal: what `load_weights` needs to notice an altered byte.

    Raises:
        ArtifactError: The disk is full, the folder cannot be written to, or the model's state holds something that
            is not a dense tensor.
    """
    with _at(path):
        content = encode_state(model)
    with written_whole(path) as file:
        file.write(content)
    return hashlib.sha256(content).hexdigest()


def load_weights(model: nn.Module, path: Path, *, sha256: str | None) -> None:
    """Fills a model with the weights of a file; the model is changed only once the file has been found to fit.

    Args:
        model: As for `fill_state`.
        path: What `write_weights` wrote. Its bytes are held in memory once.
        sha256: What `write_weights` returned; None where nobody kept it. Without it an altered byte of a weight is
            not noticed, while an altered header, a cut-off end and other shapes are.

    Raises:
        ArtifactError: No such file, not the bytes that were written, no whole safetensors file (a pickle is not
            opened), or other names, shapes or types than the model's.
    """
    content = _content(path, sha256=sha256, most_bytes=_most_bytes(model.state_dict()))
    with _at(path):
        fill_state(model, content)


def compare_weights(path: Path, state: Mapping[str, Tensor]) -> None:
    """Refuses a file whose header names other tensors than a model has; of its tensors none is read or made.

    Args:
        path: A file that anybody may have written.
        state: The model's `state_dict()`; its tensors may lie on torch's meta device.

    Raises:
        ArtifactError: No such file, no regular file, no safetensors file (a pickle is not opened), or other names,
            shapes, types or bytes than the model's.
    """
    with _opened(path, most_bytes=_most_bytes(state)):
        pass
    with _at(path):
        require_equal(forms(state), _header(path))


def check_weights(path: Path, *, sha256: str | None) -> str:
    """The SHA-256 of a file of weights that is whole; its tensors are compared with no model, and not held in memory.

    Args:
        path: What `write_weights` wrote.
        sha256: As for `load_weights`.

    Raises:
        ArtifactError: No such file, not the bytes that were written, or no whole safetensors file (a pickle is not
            opened).
    """
    with _opened(path) as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    _require_sum(actual, sha256, path)
    with _at(path):
        _header(path)
    return actual


@contextmanager
def _at(path: Path) -> Iterator[None]:
    """Names the file where its state is none or does not fit."""
    try:
        yield
    except StateError as error:
        raise ArtifactError(f"{path}: {error}") from error


def _opened(path: Path, *, most_bytes: int | None = None) -> BufferedReader:
    try:
        return open_regular(path, most_bytes=most_bytes)
    except FileNotFoundError as error:
        raise ArtifactError(f"{path}: there is no such file") from error
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror or error})") from error


def _content(path: Path, *, sha256: str | None, most_bytes: int) -> bytes:
    with _opened(path, most_bytes=most_bytes) as file:
        content = file.read()
    _require_sum(hashlib.sha256(content).hexdigest(), sha256, path)
    return content


def _most_bytes(state: Mapping[str, Tensor]) -> int:
    """How large a file of a model's weights can be."""
    return LENGTH_BYTES + MOST_HEADER_BYTES + sum(tensor.nbytes for tensor in state.values())


def _require_sum(actual: str, expected: str | None, path: Path) -> None:
    if expected is not None and actual != expected:
        raise ArtifactError(
            f"{path}: is not the file that was written (its SHA-256 begins with {actual[:12]}, "
            f"expected {expected[:12]}); it was altered or cut short and is not used"
        )


def _header(path: Path) -> dict[str, Form]:
    """Shape and type of each tensor, by name; the library compares the sizes with the file's."""
    with _opened(path) as file:
        check_beginning(file.read(LENGTH_BYTES))
    try:
        with safe_open(path, framework="pt") as tensors:
            parts = {name: tensors.get_slice(name) for name in tensors.keys()}  # noqa: SIM118  # it is no mapping
    except (SafetensorError, KeyError, OSError, RuntimeError, ValueError) as error:
        raise no_state(summarize_error(error)) from error
    return {
        name: (list(part.get_shape()), _TYPES.get(part.get_dtype(), part.get_dtype())) for name, part in parts.items()
    }
