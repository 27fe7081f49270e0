"""The network of an export: with fresh weights, or as its tensors' shapes alone, which take no memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from hpstudy.architectures.build import build_model
from hpstudy.architectures.positions import last_position
from hpstudy.error_summary import summarize_error
from hpstudy.errors import HpstudyError, InputError
from hpstudy.exports.model import SOURCE_FILE, TrainedModel

_LARGE = (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn)
"""What parameters and buffers of a network are made with."""


def build_architecture(model: TrainedModel, *, folder: Path) -> nn.Module:
    """The network of a model with fresh weights, on the CPU; torch's random state is left as it was.

    Args:
        model: What is known of it.
        folder: Where the source of a user's architecture lies, which is run.

    Raises:
        InputError: It cannot be built.
    """
    config = model.config
    # Never the name alone: a package that happens to be installed here is not the code that was trained.
    name = config.architecture.rpartition(":")[2]
    architecture = f"{SOURCE_FILE}:{name}" if model.has_own_code else config.architecture
    try:
        with torch.random.fork_rng(devices=[]):
            return build_model(
                architecture,
                options=config.options,
                input_shape=model.input_shape,
                n_classes=len(model.class_names),
                dropout=config.dropout,
                study_folder=folder,
            )
    except HpstudyError:
        raise
    except (Exception, SystemExit) as error:
        position = last_position(error, folder)
        place = f"{position}: " if position else ""
        raise InputError(f"{folder}: its architecture cannot be built: {place}{summarize_error(error)}") from error


def tensors_without_memory(model: TrainedModel, *, folder: Path) -> Mapping[str, Tensor]:
    """The tensors of a model's state: the large ones on torch's meta device, where they have shape and type alone.

    Args:
        model: What is known of it, of hpstudy's or torchvision's architectures: a user's own may compute with its
            weights while it is built.
        folder: For messages.

    Raises:
        InputError: It cannot be built.
    """
    with _LargeOnMeta():
        return build_architecture(model, folder=folder).state_dict()


class _LargeOnMeta(TorchFunctionMode):
    """Makes the tensors of weights on the meta device.

    Others stay on the CPU: some of torchvision's constructors compute with small ones, which the meta device cannot.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,  # noqa: ANN401  # torch's signature
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        known = dict(kwargs or {})
        if func in _LARGE and known.get("device") is None:
            known["device"] = "meta"
        return func(*args, **known)
