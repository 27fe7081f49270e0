"""Optimizers and the learning-rate schedule, made from a configuration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch.optim.lr_scheduler import StepLR

from hpstudy.spec.catalogue import OPTIMIZERS, by_name, resolve
from hpstudy.spec.config import TrialConfig

_FUSED_ON = {
    "sgd": ("cpu", "cuda"),
    "adam": ("cpu", "cuda"),
    "adamw": ("cpu", "cuda"),
    "adagrad": ("cpu",),
}
"""Where torch has one kernel for the whole step; RMSprop has none."""


def build_optimizer(parameters: Iterable[torch.nn.Parameter], *, config: TrialConfig) -> torch.optim.Optimizer:
    """The optimizer of a configuration, in its fused form where torch has one for it.

    Args:
        parameters: Trainable parameters, all on one device.
        config: Gives `optimizer`, `learning_rate`, `weight_decay` and, unless it is None, `momentum`.
    """
    optimizer_class = resolve(by_name(OPTIMIZERS)[config.optimizer].target)
    options: dict[str, Any] = {"lr": config.learning_rate, "weight_decay": config.weight_decay}
    if config.momentum is not None:
        options["momentum"] = config.momentum
    weights = list(parameters)
    if weights[0].device.type in _FUSED_ON.get(config.optimizer, ()):
        options["fused"] = True
    optimizer: torch.optim.Optimizer = optimizer_class(weights, **options)
    return optimizer


def build_schedule(optimizer: torch.optim.Optimizer, *, config: TrialConfig) -> StepLR:
    """StepLR: after every `step_size` epochs the learning rate is multiplied by `step_gamma`."""
    return StepLR(optimizer, step_size=config.step_size, gamma=config.step_gamma)
