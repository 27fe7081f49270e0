"""From a name of the study file to a model."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from hpstudy.architectures.positions import located
from hpstudy.architectures.torchvision_models import build_torchvision, has_dropout
from hpstudy.architectures.user import load_user_function
from hpstudy.architectures.user_options import takes_dropout, user_defaults, user_options
from hpstudy.errors import InputError
from hpstudy.spec.catalogue import ARCHITECTURES, TORCHVISION, is_own_code, resolve
from hpstudy.spec.rows import ArchitectureRow, Option, Scalar
from hpstudy.spec.wording import did_you_mean


def build_model(  # what decides a model is six things
    architecture: str,
    *,
    options: Mapping[str, Scalar],
    input_shape: tuple[int, int, int],
    n_classes: int,
    dropout: float | None,
    study_folder: Path,
) -> nn.Module:
    """A model with fresh weights, on the CPU, in training mode.

    Args:
        architecture: A row of the catalogue, `torchvision:NAME`, `file.py:name` or `package.module:name`.
        options: Options of that architecture; what is absent has its default.
        input_shape: (channels, height, width) of the images.
        n_classes: Number of classes.
        dropout: Share of units left out, in [0, 1); None leaves the architecture its own default.
        study_folder: Where the study file is: the user's own architectures are looked for there.

    Returns:
        A model from float images [batch, channels, height, width] to logits [batch, classes]. The weights
        come from torch's random state, which the caller seeds. Lazy layers (`nn.LazyLinear`) have their sizes: one
        black image has passed the model.

    Raises:
        InputError: The architecture or an option of it is unknown, it cannot take the images, it has no
            dropout to set, or the user's function returns no model. What the user's function itself raises
            goes through as it is.
    """
    builder = find_builder(architecture, study_folder=study_folder)
    arguments = _arguments(architecture, options, dropout=dropout, study_folder=study_folder)
    model = builder(input_shape, n_classes, **arguments)
    if not isinstance(model, nn.Module):
        raise InputError(
            f"{located(architecture, builder, study_folder)}: it returned an object of type "
            f"{type(model).__name__}; an architecture returns a torch.nn.Module"
        )
    if _lazy_layers(model):
        _set_sizes(model, input_shape)
    if lazy := _lazy_layers(model):
        raise InputError(
            f"{located(architecture, builder, study_folder)}: the sizes of {', '.join(lazy)} are still open after an "
            "image has passed the model; give them, as in nn.Linear(64, 10) in place of nn.LazyLinear(10)"
        )
    return model


def _lazy_layers(model: nn.Module) -> list[str]:
    """The names of the tensors whose sizes wait for the first images."""
    return [name for name, tensor in (*model.named_parameters(), *model.named_buffers()) if is_lazy(tensor)]


def _set_sizes(model: nn.Module, input_shape: tuple[int, int, int]) -> None:
    """Passes one black image, in evaluation, so that no running statistic of a batch norm changes."""
    model.eval()
    with torch.no_grad():
        model(torch.zeros((1, *input_shape), dtype=torch.float32))
    model.train()


def count_parameters(model: nn.Module) -> int:
    """The weights of a model, trained and fixed; those that layers share count once."""
    return sum(weights.numel() for weights in model.parameters())


def _arguments(
    architecture: str, options: Mapping[str, Scalar], *, dropout: float | None, study_folder: Path
) -> dict[str, Scalar]:
    """The keywords that a builder is called with, once it is sure that it has them."""
    known = [option.name for option in builder_options(architecture, study_folder=study_folder)]
    for name in options:
        if name not in known:
            raise InputError(
                f"{architecture}.{name}: {architecture} has no option {name}.{did_you_mean(name, known)} "
                f"Its options: {', '.join(known) or 'none'}"
            )
    if dropout is None:
        return dict(options)
    if accepts_dropout(architecture, study_folder=study_folder):
        return {**options, "dropout": dropout}
    if dropout > 0:
        raise InputError(f"{architecture} has no dropout; leave the setting out or set it to 0")
    return dict(options)


def find_builder(architecture: str, *, study_folder: Path) -> Callable[..., object]:
    """The function behind a name: (input_shape, n_classes, *, dropout, options…) → model.

    Args:
        architecture: As for `build_model`.
        study_folder: As for `build_model`.

    Raises:
        InputError: The name is unknown, or the user's module cannot be imported.
    """
    if architecture.startswith(TORCHVISION):
        has_dropout(architecture.removeprefix(TORCHVISION))  # which refuses a name that torchvision does not have
        return functools.partial(build_torchvision, architecture.removeprefix(TORCHVISION))
    if is_own_code(architecture):
        return load_user_function(architecture, study_folder=study_folder)
    return cast("Callable[..., nn.Module]", resolve(_row(architecture).target))


def builder_options(architecture: str, *, study_folder: Path) -> tuple[Option, ...]:
    """What can be set of an architecture besides dropout.

    Args:
        architecture: As for `build_model`.
        study_folder: As for `build_model`.

    Returns:
        The catalogue row's options; none for torchvision; for the user's function those of its signature,
        where the default tells the kind (a str: a choice of any words).

    Raises:
        InputError: The name is unknown, or the user's function cannot be loaded or called.
    """
    if architecture.startswith(TORCHVISION):
        return ()
    if is_own_code(architecture):
        function = load_user_function(architecture, study_folder=study_folder)
        return user_options(function, place=located(architecture, function, study_folder))
    return _row(architecture).options


def own_defaults(architecture: str, *, study_folder: Path) -> dict[str, Scalar]:
    """What the user's function takes where a study says nothing, by parameter.

    Args:
        architecture: The user's own: `file.py:name` or `package.module:name`.
        study_folder: As for `build_model`.

    Raises:
        InputError: The user's function cannot be loaded or called.
    """
    function = load_user_function(architecture, study_folder=study_folder)
    return user_defaults(function, place=located(architecture, function, study_folder))


def accepts_dropout(architecture: str, *, study_folder: Path) -> bool:
    """Whether the setting `dropout` can be above 0: true of every architecture of the catalogue.

    Args:
        architecture: As for `build_model`.
        study_folder: As for `build_model`.

    Raises:
        InputError: The name is unknown, or the user's function cannot be loaded or called.
    """
    if architecture.startswith(TORCHVISION):
        return has_dropout(architecture.removeprefix(TORCHVISION))
    if is_own_code(architecture):
        function = load_user_function(architecture, study_folder=study_folder)
        return takes_dropout(function, place=located(architecture, function, study_folder))
    return bool(_row(architecture))


def _row(architecture: str) -> ArchitectureRow:
    """The catalogue's row of that name."""
    rows = {row.name: row for row in ARCHITECTURES}
    if architecture not in rows:
        raise InputError(
            f'architecture: no architecture "{architecture}".{did_you_mean(architecture, rows)} '
            f"Known: {', '.join(rows)}, {TORCHVISION}NAME, or your own as package.module:name or file.py:name"
        )
    return rows[architecture]
