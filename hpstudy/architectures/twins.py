"""What two models that a user's function built tell: whether seeds matter, and whether a state is all of a model."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hpstudy.architectures.state import StateError, encode_state, fill_state


def begin_equal(model: nn.Module, twin: nn.Module) -> bool:
    """Whether two models that were built with different seeds have equal weights, to the last bit.

    Raises:
        StateError: They are one model, or share weights.
    """
    pairs = list(zip(model.parameters(), twin.parameters(), strict=False))
    if any(weights is others for weights, others in pairs):
        raise StateError(
            "each call returns the same network, so that a trial would go on with the weights of the one before; "
            "build a new one in each call"
        )
    return bool(pairs) and all(torch.equal(weights, others) for weights, others in pairs)


def require_kept(model: nn.Module, twin: nn.Module, images: Tensor) -> None:
    """Makes sure that the weights of a model are all that is needed to have it again.

    They are written and read back as for an export, in memory, and what both models give is compared. A model whose
    outputs are random in evaluation too is not compared. Torch's random state is set.

    Args:
        model: Trained for a step.
        twin: Of the same function, built with another seed; it takes over the weights.
        images: A batch.

    Raises:
        StateError: The state cannot be written or read back, or the outputs are others then.
    """
    content = encode_state(model)
    try:
        fill_state(twin, content)
    except StateError as error:
        raise StateError(f"a new network of the same call cannot have its weights: {error}") from error
    outputs = _evaluated(model, images)
    if not torch.equal(outputs, _evaluated(model, images)):
        return
    if not torch.allclose(outputs, _evaluated(twin, images), rtol=1e-3, atol=1e-5, equal_nan=True):
        raise StateError(
            "its outputs are others once its weights were written and read back: they depend on something that is "
            "neither a parameter nor a persistent buffer, and that differs with the seed or with training; "
            "give it to register_buffer"
        )


def _evaluated(model: nn.Module, images: Tensor) -> Tensor:
    torch.default_generator.manual_seed(0)
    model.eval()
    with torch.no_grad():
        outputs: Tensor = model(images)
    return outputs
