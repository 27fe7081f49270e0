"""The layer table of a model: what each layer gives, how many parameters it has, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torchinfo
from torch import nn
from torchinfo.layer_info import LayerInfo
from torchinfo.torchinfo import clear_cached_forward_pass


@dataclass(frozen=True)
class Layer:
    """One row of a layer table.

    Attributes:
        name: Where it is in the model: `features.conv1`.
        kind: Its class: `Conv2d`.
        output_shape: Shape of its output without the batch.
        parameters: Its own parameters; 0 where a layer is used a second time.
        mult_adds: Multiplications with addition for one image.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    mult_adds: int


def layer_table(model: nn.Module, input_shape: tuple[int, int, int]) -> tuple[Layer, ...]:
    """The layers of a model in the order in which an image passes them.

    Args:
        model: Any model that takes float images; it is evaluated once, on one black image, and left as it
            was.
        input_shape: (channels, height, width) of an image.

    Returns:
        A row for each leaf layer each time that it is called. Before the rows of its layers one for each block (a
        module inside the model that is no `nn.Sequential`), with the shape of what the block gives; and one for each
        container that holds parameters of its own or has layers that are never called. So the parameters add up to
        the model's.
    """
    first = next(model.parameters(), torch.empty(0))
    image = torch.zeros((1, *input_shape), dtype=torch.float32, device=first.device)
    names = {id(module): name for name, module in model.named_modules()}
    modes = [(module, module.training) for module in model.modules()]
    try:
        summary = torchinfo.summary(model, input_data=image, verbose=0)
    except RuntimeError as error:
        # torchinfo's own text points to a trace that is printed nowhere; what the model raised is its cause.
        raise (error.__cause__ or error) from None
    finally:
        # torchinfo keeps the last model of each class name alive, and sets all modules to the model's mode.
        clear_cached_forward_pass()
        for module, training in modes:
            module.training = training
    rows = (_layer(info, name=names[info.layer_id]) for info in summary.summary_list)
    return tuple(row for row in rows if row is not None)


def _layer(info: LayerInfo, *, name: str) -> Layer | None:
    """The row of a leaf layer, of a block, or of a container with parameters that no layer below it shows."""
    parameters = info.num_params if info.is_leaf_layer else info.leftover_params()
    is_block = bool(name) and info.executed and not isinstance(info.module, nn.Sequential)
    if not info.is_leaf_layer and not is_block and parameters == 0:
        return None
    return Layer(
        name=name or info.class_name,
        kind=info.class_name,
        output_shape=tuple(info.output_size[1:]),
        parameters=0 if info.is_recursive else parameters,
        mult_adds=info.macs if info.is_leaf_layer else 0,
    )
