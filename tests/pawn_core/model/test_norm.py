"""The norm is torch's own, in value and in gradient."""

import numpy as np
import pytest
import torch
from torch import nn

from pawn_core.model.norm import RMSNorm


@pytest.mark.parametrize("frozen", [False, True])
def test_value_and_gradients_are_those_of_torch_in_float64(frozen: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    norm, exact = RMSNorm(12, eps=1e-6), nn.RMSNorm(12, eps=1e-6, dtype=torch.float64)
    drawn = torch.randn(12, generator=generator)
    x = torch.randn(3, 5, 12, generator=generator)
    x[0, 0] = 0.0
    results = []
    for module in (norm, exact):
        module.weight.data.copy_(drawn)
        module.weight.requires_grad_(not frozen)
        x_btd = x.detach().to(module.weight.dtype, copy=True).requires_grad_(True)
        y_btd = module(x_btd)
        (y_btd * x.roll(1, 0)).sum().backward()
        gradient = None if frozen else module.weight.grad
        results.append((y_btd.detach(), x_btd.grad, gradient))
    for found, expected in zip(*results, strict=True):
        assert (found is None) == (expected is None)
        if found is not None and expected is not None:
            np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


def test_other_types_are_left_to_torch() -> None:
    norm = RMSNorm(8, eps=1e-6).to(torch.bfloat16)
    x = torch.randn(4, 8, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    assert norm(x).equal(torch.rms_norm(x, (8,), norm.weight, 1e-6))


def test_fewer_bits_than_the_weights_are_normalized_in_the_weights_type() -> None:
    generator = torch.Generator().manual_seed(0)
    norm, x = RMSNorm(8, eps=1e-6), torch.randn(4, 8, generator=generator).to(torch.bfloat16)
    x.requires_grad_(True)
    exact = x.detach().float().requires_grad_(True)
    found, expected = norm(x), norm(exact)
    assert found.equal(expected)
    [found] = torch.autograd.grad(found.square().sum(), x)
    [expected] = torch.autograd.grad(expected.square().sum(), exact)
    assert found.equal(expected.to(torch.bfloat16))
