"""The chunked loss is the plain one, in value and in gradient."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from pawn_core.model.loss import linear_cross_entropy


@pytest.mark.parametrize("rows", [1, 255, 256, 257, 700])
def test_value_and_gradients_equal_the_plain_cross_entropy(rows: int) -> None:
    generator = torch.Generator().manual_seed(rows)
    hidden = torch.randn(rows, 12, generator=generator, requires_grad=True)
    weight = torch.randn(50, 12, generator=generator, requires_grad=True)
    targets = torch.randint(0, 50, (rows,), generator=generator)
    results = []
    for loss in (
        linear_cross_entropy(hidden, weight, targets),
        F.cross_entropy(hidden.double() @ weight.double().T, targets, reduction="sum"),
    ):
        gradients = torch.autograd.grad(loss * 0.5, (hidden, weight))
        results.append((loss.detach(), *gradients))
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


def test_a_target_of_no_probability_costs_its_logit_not_infinity() -> None:
    hidden, weight = torch.ones(1, 1), torch.tensor([[0.0], [400.0]])
    assert linear_cross_entropy(hidden, weight, torch.tensor([0])).item() == 400.0
