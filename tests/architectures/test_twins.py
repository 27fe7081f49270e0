"""What a user's network must keep in its state, and draw from its seed: found before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hpstudy.architectures.check import ModelCheck, check_architecture
from hpstudy.errors import InputError

MODULE = """\
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, input_shape, n_classes):
        super().__init__()
        self.body = nn.Linear(64, n_classes)
        {init}

    def forward(self, images):
        images = images.flatten(1)
        {forward}
"""
PLAIN = "return self.body(images)"


def check(folder: Path, source: str) -> ModelCheck:
    (folder / "nets.py").write_text(source)
    return check_architecture(
        "nets.py:Net", options={}, input_shape=(1, 8, 8), n_classes=10, dropout=None, study_folder=folder
    )


def net(init: str, forward: str = PLAIN) -> str:
    return MODULE.format(init=init, forward=forward)


EXTRA = """
    def get_extra_state(self):
        return {state}

    def set_extra_state(self, state):
        self.steps = int(state{index})
"""

REFUSED = {
    "an extra state that is a dict": (
        net("self.steps = 0") + EXTRA.format(state="{'steps': self.steps}", index="['steps']"),
        "_extra_state is of type dict, not a tensor",
    ),
    "an expanded buffer": (
        net("self.register_buffer('scale', torch.ones(1).expand(64))", "return self.body(images * self.scale)"),
        "cannot take its weights back",
    ),
    "a sparse buffer": (
        net("self.register_buffer('mask', torch.eye(3).to_sparse())"),
        "cannot be written as plain numbers",
    ),
    "a buffer of oneDNN's": (
        net("self.register_buffer('q', torch.zeros(3).to_mkldnn())"),
        "cannot be written as plain numbers",
    ),
    "random numbers in a plain attribute": (
        net("self.projection = torch.randn(64, 64)", "return self.body(images @ self.projection)"),
        "neither a parameter nor a persistent buffer",
    ),
    "random numbers in a buffer that is not kept": (
        net(
            "self.register_buffer('projection', torch.randn(64, 64), persistent=False)",
            "return self.body(images @ self.projection)",
        ),
        "neither a parameter nor a persistent buffer",
    ),
    "a count of steps that evaluation depends on": (
        net("self.steps = 1", "self.steps += self.training; return self.body(images) / self.steps"),
        "neither a parameter nor a persistent buffer",
    ),
    "a layer that is made when the first images come": (
        net(
            "self.more = None",
            "self.more = self.more or nn.Linear(64, 64); return self.body(self.more(images))",
        ),
        "a new network of the same call cannot have its weights",
    ),
    "one network for every call": (
        net("pass").replace("class Net", "class Body") + "\nBODY = Body((1, 8, 8), 10)\n"
        "def Net(input_shape, n_classes):\n    return BODY\n",
        "build a new one in each call",
    ),
}


@pytest.mark.parametrize(("source", "fact"), REFUSED.values(), ids=REFUSED)
def test_a_network_that_could_not_be_had_again_is_refused(tmp_path: Path, source: str, fact: str) -> None:
    with pytest.raises(InputError, match=r"^nets\.py:Net: nets\.py:\d+: ") as raised:
        check(tmp_path, source)
    assert fact in str(raised.value)


KEPT = {
    "overlapping memory": net("self.register_buffer('rows', torch.arange(6.0).as_strided((4, 3), (1, 1)))"),
    "tied weights": net(
        "self.one = nn.Linear(64, 64, bias=False); self.two = nn.Linear(64, 64, bias=False); "
        "self.two.weight = self.one.weight",
        "return self.body(self.two(self.one(images)))",
    ),
    "a layer used twice": net(
        "self.one = nn.Linear(64, 64); self.two = self.one", "return self.body(self.two(self.one(images)))"
    ),
    "a transposed parameter": net(
        "self.wide = nn.Parameter(torch.randn(64, 32).t())", "return self.body(images + (self.wide.t() ** 2).mean())"
    ),
    "complex numbers": net(
        "self.phase = nn.Parameter(torch.randn(64, dtype=torch.complex64))",
        "return self.body(images * self.phase.abs())",
    ),
    "bfloat16 and whole numbers": net(
        "self.register_buffer('scale', torch.randn(64).bfloat16()); self.register_buffer('n', torch.tensor(3))",
        "return self.body(images * self.scale.float()) * self.n",
    ),
    "a computed buffer that is not kept": net(
        "self.register_buffer('ramp', torch.arange(64.), persistent=False)", "return self.body(images * self.ramp)"
    ),
    "an extra state that is a tensor": net("self.steps = 0", "self.steps += self.training; " + PLAIN)
    + EXTRA.format(state="torch.tensor(self.steps)", index=""),
    "spectral norm": net("self.body = nn.utils.parametrizations.spectral_norm(self.body)"),
    "noise in evaluation": net("pass", "return self.body(images + torch.randn_like(images))"),
    "noise of its own in evaluation": net(
        "self.generator = torch.Generator()",
        "return self.body(images + torch.randn(images.shape, generator=self.generator))",
    ),
    "batch norm": net("self.norm = nn.BatchNorm1d(64)", "return self.body(self.norm(images))"),
}


@pytest.mark.parametrize("source", KEPT.values(), ids=KEPT)
def test_a_network_whose_state_is_all_of_it_passes(tmp_path: Path, source: str) -> None:
    assert not check(tmp_path, source).begins_equal


@pytest.mark.parametrize(
    "init", ["torch.manual_seed(42); self.body = nn.Linear(64, 10)", "nn.init.ones_(self.body.weight)"]
)
def test_two_seeds_that_give_equal_weights_are_told(tmp_path: Path, init: str) -> None:
    source = net(init + "; nn.init.zeros_(self.body.bias)")
    assert check(tmp_path, source).begins_equal


def test_the_random_state_stays_as_it_was(tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.randn(2)
    torch.manual_seed(3)
    check(tmp_path, net("pass"))
    assert torch.equal(torch.randn(2), expected)
