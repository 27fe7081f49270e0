"""The weights of a model in a file that holds numbers alone: safetensors. Nothing here opens a pickle."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from hpstudy.artifacts import written_whole
from hpstudy.errors import ArtifactError

_PICKLES = (b"PK\x03\x04", b"\x80")  # how torch.save's files begin: an archive with a pickle, or a pickle alone
_NAMED = 3  # differences that a message names; the rest are counted


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
    found = _parsed(_content(path, sha256=sha256), path)
    differences = list(_differences(model.state_dict(), found))
    if differences:
        more = f"; and {len(differences) - _NAMED} more" if len(differences) > _NAMED else ""
        named = "; ".join(differences[:_NAMED])
        raise ArtifactError(f"{path}: these are not the weights of this model: {named}{more}")
    model.load_state_dict(found)


def check_weights(path: Path, *, sha256: str | None) -> str:
    """The SHA-256 of a file of weights that is whole; its tensors are compared with no model.

    Args:
        path: What `write_weights` wrote.
        sha256: As for `load_weights`.

    Raises:
        ArtifactError: No such file, not the bytes that were written, or no whole safetensors file (a pickle is not
            opened).
    """
    content = _content(path, sha256=sha256)
    _parsed(content, path)
    return hashlib.sha256(content).hexdigest()


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


def _content(path: Path, *, sha256: str | None) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ArtifactError(f"{path}: there is no such file") from error
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror or error})") from error
    actual = hashlib.sha256(content).hexdigest()
    if sha256 is not None and actual != sha256:
        raise ArtifactError(
            f"{path}: is not the file that was written (its SHA-256 begins with {actual[:12]}, "
            f"expected {sha256[:12]}); it was altered or cut short and is not used"
        )
    return content


def _parsed(content: bytes, path: Path) -> dict[str, Tensor]:
    if content.startswith(_PICKLES):
        raise ArtifactError(
            f"{path}: is a pickle, which could run code when it is opened; it was not opened; "
            "hpstudy reads weights as safetensors"
        )
    try:
        return load(content)
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise ArtifactError(f"{path}: is cut short or no safetensors file ({_line(error)})") from error


def _differences(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> Iterator[str]:
    """In which tensors a file differs from what a model needs, a clause each."""
    for name, tensor in expected.items():
        if name not in found:
            yield f"{name} is missing"
        elif found[name].shape != tensor.shape:
            yield f"{name}: expected {list(tensor.shape)}, got {list(found[name].shape)}"
        elif found[name].dtype != tensor.dtype:
            yield f"{name}: expected {_kind(tensor.dtype)}, got {_kind(found[name].dtype)}"
    yield from (f"{name} is not of it" for name in found if name not in expected)


def _kind(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
