"""The weights of a model in a file that holds numbers alone: safetensors. Nothing here opens a pickle."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from io import BufferedReader
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor, nn

from hpstudy.artifacts import written_whole
from hpstudy.errors import ArtifactError
from hpstudy.regular_file import open_regular

_PICKLES = (b"PK\x03\x04", b"\x80")  # how torch.save's files begin: an archive with a pickle, or a pickle alone
_NAMED = 3  # differences that a message names; the rest are counted

_LENGTH_BYTES = 8  # before the header: its length, as a little-endian number
_MOST_HEADER_BYTES = 10_000_000
"""torchvision's largest network needs 0.3 MB. The format allows ten times as much as this: gigabytes once parsed."""

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

_Form = tuple[list[int], str]
"""Shape and type of a tensor."""


def write_weights(model: nn.Module, path: Path) -> str:
    """Writes parameters and buffers of a model, whole or not at all; a file that was there is replaced.

    Every name of `model.state_dict()` is in the file, contiguous and in the default layout, whatever device and
    layout the model has. Tensors that share memory are written once each, so that any reader finds every name.

    Args:
        model: On any device; it is not changed. The file's bytes are held in memory once.
        path: Where to; its folder is made if needed.

    Returns:
        The file's SHA-256, hexadecimal: what `load_weights` needs to notice an altered byte.

    Raises:
        ArtifactError: The disk is full, the folder cannot be written to, or the model's state holds something that
            is not a dense tensor.
    """
    try:
        content = save(_unshared(model.state_dict()))
    except (SafetensorError, AttributeError, KeyError, RuntimeError, ValueError) as error:
        raise ArtifactError(f"{path}: the model's state cannot be written as plain numbers ({_line(error)})") from error
    with written_whole(path) as file:
        file.write(content)
    return hashlib.sha256(content).hexdigest()


def load_weights(model: nn.Module, path: Path, *, sha256: str | None) -> None:
    """Fills a model with the weights of a file; the model is changed only once the file has been found to fit.

    Args:
        model: Of the architecture that the weights are of, on any device and in any layout, both of which it keeps.
        path: What `write_weights` wrote. Its bytes are held in memory once.
        sha256: What `write_weights` returned; None where nobody kept it. Without it an altered byte of a weight is
            not noticed, while an altered header, a cut-off end and other shapes are.

    Raises:
        ArtifactError: No such file, not the bytes that were written, no whole safetensors file (a pickle is not
            opened), or other names, shapes or types than the model's.
    """
    expected = model.state_dict()
    found = _parsed(_content(path, sha256=sha256, most_bytes=_most_bytes(expected)), path)
    _require_equal(_forms(expected), _forms(found), path)
    model.load_state_dict(found)


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
    _require_equal(_forms(state), _header(path), path)


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
    _header(path)
    return actual


def _unshared(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors on the CPU, contiguous, each with memory of its own: safetensors refuses shared memory."""
    seen: set[int] = set()
    tensors: dict[str, Tensor] = {}
    for name, tensor in state.items():
        plain = tensor.detach().cpu().contiguous()
        memory = plain.untyped_storage().data_ptr()
        tensors[name] = plain.clone() if memory in seen else plain
        seen.add(memory)
    return tensors


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
    return _LENGTH_BYTES + _MOST_HEADER_BYTES + sum(tensor.nbytes for tensor in state.values())


def _require_sum(actual: str, expected: str | None, path: Path) -> None:
    if expected is not None and actual != expected:
        raise ArtifactError(
            f"{path}: is not the file that was written (its SHA-256 begins with {actual[:12]}, "
            f"expected {expected[:12]}); it was altered or cut short and is not used"
        )


def _parsed(content: bytes, path: Path) -> dict[str, Tensor]:
    _check_beginning(content[:_LENGTH_BYTES], path)
    try:
        return load(content)
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise _no_weights(path, _line(error)) from error


def _header(path: Path) -> dict[str, _Form]:
    """Shape and type of each tensor, by name; the library compares the sizes with the file's."""
    with _opened(path) as file:
        _check_beginning(file.read(_LENGTH_BYTES), path)
    try:
        with safe_open(path, framework="pt") as tensors:
            parts = {name: tensors.get_slice(name) for name in tensors.keys()}  # noqa: SIM118  # it is no mapping
    except (SafetensorError, KeyError, OSError, RuntimeError, ValueError) as error:
        raise _no_weights(path, _line(error)) from error
    return {
        name: (list(part.get_shape()), _TYPES.get(part.get_dtype(), part.get_dtype())) for name, part in parts.items()
    }


def _check_beginning(beginning: bytes, path: Path) -> None:
    if beginning.startswith(_PICKLES):
        raise ArtifactError(
            f"{path}: is a pickle, which could run code when it is opened; it was not opened; "
            "hpstudy reads weights as safetensors"
        )
    n_bytes = int.from_bytes(beginning, "little")
    if n_bytes > _MOST_HEADER_BYTES:
        raise _no_weights(path, f"a header of {n_bytes:,} bytes")


def _no_weights(path: Path, fact: str) -> ArtifactError:
    return ArtifactError(f"{path}: is cut short or no safetensors file ({fact})")


def _require_equal(expected: Mapping[str, _Form], found: Mapping[str, _Form], path: Path) -> None:
    differences = list(_differences(expected, found))
    if differences:
        more = f"; and {len(differences) - _NAMED} more" if len(differences) > _NAMED else ""
        named = "; ".join(differences[:_NAMED])
        raise ArtifactError(f"{path}: these are not the weights of this model: {named}{more}")


def _forms(state: Mapping[str, Tensor]) -> dict[str, _Form]:
    return {name: (list(tensor.shape), str(tensor.dtype).removeprefix("torch.")) for name, tensor in state.items()}


def _differences(expected: Mapping[str, _Form], found: Mapping[str, _Form]) -> Iterator[str]:
    """In which tensors a file differs from what a model needs, a clause each."""
    for name, (shape, kind) in expected.items():
        if name not in found:
            yield f"{name} is missing"
            continue
        found_shape, found_kind = found[name]
        if found_shape != shape:
            yield f"{name}: expected {shape}, got {found_shape}"
        elif found_kind != kind:
            yield f"{name}: expected {kind}, got {found_kind}"
    yield from (f"{name} is not of it" for name in found if name not in expected)


def _line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
