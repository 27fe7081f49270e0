"""Whether an architecture can be trained on the images: one random batch tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from hpstudy.architectures.build import build_model, count_parameters, find_builder
from hpstudy.architectures.layers import Layer, layer_table
from hpstudy.architectures.positions import code_folder, last_position, located
from hpstudy.architectures.sizes import too_small
from hpstudy.architectures.state import StateError
from hpstudy.architectures.torchvision_models import smallest_image
from hpstudy.architectures.twins import begin_equal, require_kept
from hpstudy.architectures.user import import_hint
from hpstudy.architectures.user_options import call_in_words, takes_no_shape
from hpstudy.error_summary import error_text, summarize_error
from hpstudy.errors import InputError
from hpstudy.spec.catalogue import TORCHVISION, is_own_code
from hpstudy.spec.rows import Scalar


@dataclass(frozen=True)
class ModelCheck:
    """What a check found out about a model.

    Attributes:
        n_parameters: Number of weights, trained and fixed.
        layers: The layer table.
        gives_probabilities: Whether its outputs for random images are all in [0, 1] and sum to 1 for each: then it
            ends in a softmax, and the loss, which wants logits, takes a second one.
        begins_equal: Whether two seeds gave equal weights; not tried with what hpstudy and torchvision ship.
    """

    n_parameters: int
    layers: tuple[Layer, ...]
    gives_probabilities: bool = False
    begins_equal: bool = False


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

    The batch is float32 and channels-last, as in training. A user's own model is built a second time with another seed,
    and its weights are written and read back in memory. Torch's random state is left as it was.

    Args:
        architecture: As for `build_model`.
        options: As for `build_model`.
        input_shape: (channels, height, width) of the images.
        n_classes: Number of classes.
        dropout: As for `build_model`.
        study_folder: Where the study file is.
        batch_size: Images in the batch; batch norm may not be able to train on one.

    Returns:
        What was found out.

    Raises:
        InputError: It cannot be built, cannot take the images, gives no float logits [batch, classes], has nothing to
            train, or its weights cannot be written and read back, or are not all that it depends on. For the user's
            own code the message has the file and line of it.
    """
    network = _Network(architecture, options, input_shape, n_classes, dropout, study_folder)
    try:
        with torch.random.fork_rng(devices=[]):
            return _examine(network, batch_size)
    except (_NotTrainableError, StateError) as error:
        raise InputError(f"{network.place}: {error}{network.call_hint(error)}") from error
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        if side := network.smallest_image():
            raise too_small(architecture, input_shape, smallest=side) from error
        given = f"a batch of images {[batch_size, *input_shape]} and {n_classes} classes"
        fact = f"{summarize_error(error)}{import_hint(error)}; it was given {given}{network.call_hint(error)}"
        raise InputError(f"{network.raised_at(error)}: {fact}") from error


def ignores_seed(architecture: str, *, input_shape: tuple[int, int, int], n_classes: int, study_folder: Path) -> bool:
    """Whether two seeds give a user's network equal weights, its options and dropout being its own defaults.

    Args:
        architecture: As for `build_model`.
        input_shape: (channels, height, width) of the images.
        n_classes: Number of classes.
        study_folder: Where the study file is.

    Returns:
        False also for a network that cannot be built with its defaults, and for those of hpstudy and torchvision.
    """
    network = _Network(architecture, {}, input_shape, n_classes, None, study_folder)
    try:
        with torch.random.fork_rng(devices=[]):
            return network.is_own and begin_equal(network.build(seed=0), network.build(seed=1))
    except (Exception, SystemExit):  # noqa: BLE001  # whatever a user's code raises; its trials tell it
        return False


@dataclass(frozen=True)
class _Network:
    """What `build_model` takes."""

    architecture: str
    options: Mapping[str, Scalar]
    input_shape: tuple[int, int, int]
    n_classes: int
    dropout: float | None
    study_folder: Path

    @property
    def is_own(self) -> bool:
        """Whether it is the user's code."""
        return is_own_code(self.architecture)

    @cached_property
    def builder(self) -> Callable[..., object]:
        """What makes the network; a user's file is run for it, once."""
        return find_builder(self.architecture, study_folder=self.study_folder)

    @property
    def place(self) -> str:
        """The architecture, with the file and line where the user defines it."""
        return located(self.architecture, self.builder, self.study_folder) if self.is_own else self.architecture

    def build(self, *, seed: int) -> nn.Module:
        """A new network, whose weights torch draws with the seed."""
        torch.default_generator.manual_seed(seed)
        return build_model(
            self.architecture,
            options=self.options,
            input_shape=self.input_shape,
            n_classes=self.n_classes,
            dropout=self.dropout,
            study_folder=self.study_folder,
        )

    def raised_at(self, error: BaseException) -> str:
        """The architecture with the deepest line of the user's code that an error passed through."""
        raised = last_position(error, code_folder(self.builder, self.study_folder)) if self.is_own else ""
        return f"{self.architecture}: {raised}" if raised else self.place

    def smallest_image(self) -> int | None:
        """The side of the image that a network of torchvision needs; None where its size is not what is wrong."""
        if not self.architecture.startswith(TORCHVISION):
            return None
        name = self.architecture.removeprefix(TORCHVISION)
        return smallest_image(name, self.input_shape, n_classes=self.n_classes)

    def call_hint(self, error: BaseException) -> str:
        """How the user's function was called, where it seems to be written for other arguments."""
        if not self.is_own or not (isinstance(error, AttributeError | TypeError) or takes_no_shape(self.builder)):
            return ""
        called = call_in_words(self.builder, input_shape=self.input_shape, n_classes=self.n_classes)
        return f"; {called}" if called else ""


def _examine(network: _Network, batch_size: int) -> ModelCheck:
    shape = (batch_size, *network.input_shape)
    model = network.build(seed=0)
    twin = network.build(seed=1) if network.is_own else None
    equal = twin is not None and begin_equal(model, twin)
    outputs = _pass_batch(model, shape, n_classes=network.n_classes)
    layers = layer_table(model, network.input_shape)
    if twin is not None:
        require_kept(model, twin.to(memory_format=torch.channels_last), _random_images(shape))  # type: ignore[call-overload]
    return ModelCheck(
        n_parameters=count_parameters(model),
        layers=layers,
        gives_probabilities=_are_probabilities(outputs),
        begins_equal=equal,
    )


class _NotTrainableError(Exception):
    """What a model does wrong, without saying where it is."""


def _pass_batch(model: nn.Module, shape: tuple[int, int, int, int], *, n_classes: int) -> torch.Tensor:
    """One step forward and backward, then one evaluation, whose outputs are returned."""
    if not any(weights.requires_grad for weights in model.parameters()):
        raise _NotTrainableError("the model has no trainable parameters; there is nothing to train")
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack this form
    images = _random_images(shape)
    labels = torch.arange(shape[0]) % n_classes
    model.train()
    logits = _logits(_outputs(model, images), shape[0], n_classes=n_classes)
    if not logits.requires_grad:
        raise _NotTrainableError("the logits do not depend on trainable parameters; was detach() or no_grad() used?")
    torch.autograd.backward(F.cross_entropy(logits, labels))
    model.eval()
    with torch.no_grad():
        return _logits(model(images), shape[0], n_classes=n_classes)


def _random_images(shape: tuple[int, int, int, int]) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float32).contiguous(memory_format=torch.channels_last)


def _outputs(model: nn.Module, images: torch.Tensor) -> object:
    """What a model gives; a model whose weights have another type than images is told by that."""
    try:
        return model(images)
    except RuntimeError as error:
        kinds = {str(weights.dtype).removeprefix("torch.") for weights in model.parameters()} - {"float32"}
        if not kinds:
            raise
        raise _NotTrainableError(
            f"its weights are {' and '.join(sorted(kinds))}, and images are float32 ({error_text(error)}); "
            "leave out torch.set_default_dtype, or return the model with .float()"
        ) from error


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
