"""Optimizers: each name's class and options, and the steps of the schedule."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from hpstudy.spec.catalogue import MOMENTUM_OPTIMIZERS, OPTIMIZERS
from hpstudy.spec.config import TrialConfig
from hpstudy.training.optimizers import build_optimizer, build_schedule


def parameter() -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.tensor([1.0, -2.0]))


@pytest.mark.parametrize("row", OPTIMIZERS, ids=lambda row: row.name)
def test_each_optimizer_takes_its_settings(config: TrialConfig, row) -> None:
    momentum = 0.7 if row.name in MOMENTUM_OPTIMIZERS else None
    chosen = replace(config, optimizer=row.name, momentum=momentum, learning_rate=0.25, weight_decay=0.125)
    optimizer = build_optimizer([parameter()], config=chosen)
    (group,) = optimizer.param_groups
    assert type(optimizer).__name__ == row.target.rpartition(":")[2]
    assert group["lr"] == 0.25
    assert group["weight_decay"] == 0.125
    assert group.get("momentum") == momentum
    assert group.get("fused", row.name != "rmsprop") is (row.name != "rmsprop")


def test_a_step_of_sgd_is_the_formula(config: TrialConfig) -> None:
    weights = parameter()
    chosen = replace(config, learning_rate=0.1, weight_decay=0.5, momentum=0.0)
    optimizer = build_optimizer([weights], config=chosen)
    weights.grad = torch.tensor([1.0, 1.0])
    optimizer.step()
    # w - lr (gradient + weight decay * w)
    assert weights.tolist() == pytest.approx([1 - 0.1 * 1.5, -2 - 0.1 * 0.0])


def test_the_schedule_multiplies_every_step_size_epochs(config: TrialConfig) -> None:
    optimizer = build_optimizer([parameter()], config=replace(config, learning_rate=1.0))
    schedule = build_schedule(optimizer, config=replace(config, step_gamma=0.5, step_size=2))
    rates = []
    for _ in range(5):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates == [1.0, 1.0, 0.5, 0.5, 0.25]
