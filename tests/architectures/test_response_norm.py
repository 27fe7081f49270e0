"""Local response normalisation against PyTorch's own layer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hpstudy.architectures.response_norm import LocalResponseNorm


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("channels", [1, 3, 8])
def test_values_and_gradients_are_those_of_pytorch(size: int, channels: int) -> None:
    ours, theirs = (layer(size, alpha=0.3, beta=0.75, k=2.0) for layer in (LocalResponseNorm, nn.LocalResponseNorm))
    images = torch.randn(2, channels, 3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights = torch.randn(2, channels, 3, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    results = []
    for layer in (ours, theirs):
        leaf = images.clone().requires_grad_()
        normalised = layer(leaf)
        (normalised * weights).sum().backward()
        results.append((normalised.detach(), leaf.grad))

    torch.testing.assert_close(results[0], results[1], rtol=1e-12, atol=1e-12)
    assert not torch.allclose(results[0][0], images)


def test_bfloat16_maps_stay_so() -> None:
    maps = torch.ones(1, 8, 2, 2, dtype=torch.bfloat16)

    with torch.autocast("cpu", torch.bfloat16):
        normalised = LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)(maps)

    assert normalised.dtype == torch.bfloat16
    torch.testing.assert_close(normalised.float(), maps.float() * 2**-0.75, rtol=0.01, atol=0)
