"""The state of a model, its parameters and buffers, as bytes that hold numbers alone, and back: safetensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from hpstudy.error_summary import error_text, summarize_error

_PICKLES = (b"PK\x03\x04", b"\x80")  # how torch.save's files begin: an archive with a pickle, or a pickle alone
_NAMED = 3  # differences that a message names; the rest are counted

LENGTH_BYTES = 8
"""Before the header: its length, as a little-endian number."""

MOST_HEADER_BYTES = 10_000_000
"""torchvision's largest network needs 0.3 MB. The format allows ten times as much as this: gigabytes once parsed."""

Form = tuple[list[int], str]
"""Shape and type of a tensor."""


class StateError(Exception):
    """Why a state cannot be written, or cannot be read into a model, as a clause."""


def encode_state(model: nn.Module) -> bytes:
    """Every entry of `model.state_dict()`, contiguous and in the default layout, whatever device and layout it has.

    Tensors that share memory are written once each, so that any reader finds every name.

    Args:
        model: On any device; it is not changed.

    Raises:
        StateError: An entry is no dense tensor of plain numbers.
    """
    state = model.state_dict()
    for name, entry in state.items():
        if not isinstance(entry, Tensor):
            fact = f"{name} is of type {type(entry).__name__}, not a tensor; keep it in a buffer"
            raise StateError(_unwritable(fact))
    try:
        return save(_unshared(state))
    except (SafetensorError, AttributeError, KeyError, NotImplementedError, RuntimeError, ValueError) as error:
        raise StateError(_unwritable(summarize_error(error))) from error


def fill_state(model: nn.Module, content: bytes) -> None:
    """Fills a model with a state; the model is changed only once the state has been found to fit.

    Args:
        model: Of the architecture that the state is of, on any device and in any layout, both of which it keeps.
        content: What `encode_state` gave.

    Raises:
        StateError: The bytes are no whole state, or it has other names, shapes or types than the model's, or the model
            cannot take it.
    """
    found = _decoded(content)
    require_equal(forms(model.state_dict()), forms(found))
    try:
        model.load_state_dict(found)
    except Exception as error:  # a user's own set_extra_state, or a buffer that several names or places share
        raise StateError(f"the model cannot take its weights back ({error_text(error)})") from error


def check_beginning(beginning: bytes) -> None:
    """Refuses what cannot be a state by its first `LENGTH_BYTES` bytes; nothing here opens a pickle.

    Raises:
        StateError: They are a pickle's, or announce a header larger than any network's.
    """
    if beginning.startswith(_PICKLES):
        raise StateError(
            "is a pickle, which could run code when it is opened; it was not opened; "
            "hpstudy reads weights as safetensors"
        )
    n_bytes = int.from_bytes(beginning, "little")
    if n_bytes > MOST_HEADER_BYTES:
        raise no_state(f"a header of {n_bytes:,} bytes")


def no_state(fact: str) -> StateError:
    """The error for bytes that are no whole safetensors, for a reason."""
    return StateError(f"is cut short or no safetensors file ({fact})")


def forms(state: Mapping[str, Tensor]) -> dict[str, Form]:
    """Shape and type of each tensor, by name."""
    return {name: (list(tensor.shape), str(tensor.dtype).removeprefix("torch.")) for name, tensor in state.items()}


def require_equal(expected: Mapping[str, Form], found: Mapping[str, Form]) -> None:
    """Refuses tensors that are others than a model's.

    Raises:
        StateError: Names, shapes or types differ; the first three differences are named.
    """
    differences = list(_differences(expected, found))
    if differences:
        more = f"; and {len(differences) - _NAMED} more" if len(differences) > _NAMED else ""
        named = "; ".join(differences[:_NAMED])
        raise StateError(f"these are not the weights of this model: {named}{more}")


def _decoded(content: bytes) -> dict[str, Tensor]:
    check_beginning(content[:LENGTH_BYTES])
    try:
        return load(content)
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise no_state(summarize_error(error)) from error


def _unwritable(fact: str) -> str:
    return f"the model's state cannot be written as plain numbers ({fact})"


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


def _differences(expected: Mapping[str, Form], found: Mapping[str, Form]) -> Iterator[str]:
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
