"""Whether an architecture can be trained on the images: one random batch tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from hpstudy.architectures.build import build_model, count_parameters, find_builder
from hpstudy.architectures.layers import Layer, layer_table
from hpstudy.architectures.positions import code_folder, last_position, located
from hpstudy.error_summary import summarize_error
from hpstudy.errors import InputError
from hpstudy.spec.catalogue import is_own_code
from hpstudy.spec.rows import Scalar


@dataclass(frozen=True)
class ModelCheck:
    """What a check found out about a model.

    Attributes:
        n_parameters: Number of weights, trained and fixed.
        layers: The layer table.
        gives_probabilities: Whether its outputs for random images are all in [0, 1] and sum to 1 for each: then it
            ends in a softmax, and the loss, which wants logits, takes a second one.
    """

    n_parameters: int
    layers: tuple[Layer, ...]
    gives_probabilities: bool = False


def check_architecture(  # a model's six things and the batch
    architecture: str,
    *,
    options: Mapping[str, Scalar],
    input_shape: tuple[int, int, int],
    n_classes: int,
    dropout: float | None,
    study_folder: Path,
    batch_size: int = 2,
) -> ModelCheck:
    """Builds a model, trains it on one random batch, and evaluates it on the same.

    The batch is channels-last, as in training. Torch's random state is left as it was.

    Args:
        architecture: As for `build_model`.
        options: As for `build_model`.
        input_shape: (channels, height, width) of the images.
        n_classes: Number of classes.
        dropout: As for `build_model`.
        study_folder: Where the study file is.
        batch_size: Images in the batch; at least 2, because batch norm cannot train on one.

    Returns:
        The parameter count, the layer table, and whether the outputs are probabilities.

    Raises:
        InputError: It cannot be built, cannot take the images, gives no float logits [batch, classes], or has
            nothing to train. For the user's own code the message has the file and line of it.
    """
    place, folder = _place(architecture, study_folder)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            model = build_model(
                architecture,
                options=options,
                input_shape=input_shape,
                n_classes=n_classes,
                dropout=dropout,
                study_folder=study_folder,
            )
            outputs = _pass_batch(model, (batch_size, *input_shape), n_classes=n_classes)
            layers = layer_table(model, input_shape)
    except _NotTrainableError as error:
        raise InputError(f"{place}: {error}") from error
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raised = last_position(error, folder) if folder else ""
        at = f"{architecture}: {raised}" if raised else place
        given = f"a batch of images {[batch_size, *input_shape]} and {n_classes} classes"
        raise InputError(f"{at}: {summarize_error(error)}; it was given {given}") from error
    return ModelCheck(
        n_parameters=count_parameters(model),
        layers=layers,
        gives_probabilities=_are_probabilities(outputs),
    )


class _NotTrainableError(Exception):
    """What a model does wrong, without saying where it is."""


def _pass_batch(model: nn.Module, shape: tuple[int, int, int, int], *, n_classes: int) -> torch.Tensor:
    """One step forward and backward, then one evaluation, whose outputs are returned."""
    if not any(weights.requires_grad for weights in model.parameters()):
        raise _NotTrainableError("the model has no trainable parameters; there is nothing to train")
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack this form
    images = torch.randn(shape).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(shape[0]) % n_classes
    model.train()
    logits = _logits(model(images), shape[0], n_classes=n_classes)
    if not logits.requires_grad:
        raise _NotTrainableError("the logits do not depend on trainable parameters; was detach() or no_grad() used?")
    torch.autograd.backward(F.cross_entropy(logits, labels))
    model.eval()
    with torch.no_grad():
        return _logits(model(images), shape[0], n_classes=n_classes)


def _are_probabilities(outputs: torch.Tensor) -> bool:
    sums = outputs.double().sum(dim=1)
    in_range = bool(((outputs >= 0) & (outputs <= 1)).all())
    return in_range and torch.allclose(sums, torch.ones_like(sums), rtol=0, atol=1e-3)


def _logits(output: object, batch_size: int, *, n_classes: int) -> torch.Tensor:
    """The output, once it is sure that it is float [batch, classes]."""
    expected = f"expected logits of shape [batch, {n_classes}]"
    if not isinstance(output, torch.Tensor):
        raise _NotTrainableError(f"{expected}, got an object of type {type(output).__name__}")
    if tuple(output.shape) != (batch_size, n_classes):
        sizes = [str(size) for size in output.shape]
        if sizes and output.shape[0] == batch_size:
            sizes[0] = "batch"
        raise _NotTrainableError(f"{expected}, got [{', '.join(sizes)}]")
    if not output.is_floating_point():
        raise _NotTrainableError(f"expected floating-point logits, got {output.dtype}")
    return output


def _place(architecture: str, study_folder: Path) -> tuple[str, Path | None]:
    """The architecture with the file and line where the user defines it, and the folder of that code."""
    builder = find_builder(architecture, study_folder=study_folder)
    if not is_own_code(architecture):
        return architecture, None
    return located(architecture, builder, study_folder), code_folder(builder, study_folder)
