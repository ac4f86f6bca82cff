"""The chunked loss is the plain one, in value and in gradient."""

import numpy as np
import pytest
import torch

from pawn_core.data.targets import Targets, one_token_each
from pawn_core.model.loss import linear_cross_entropy

VOCABULARY, WIDTH = 50, 12


def random_targets(rows: int, generator: torch.Generator) -> Targets:
    """One to nine tokens a position, of any probabilities."""
    counts = torch.randint(1, 10, (rows,), generator=generator)
    tokens = [torch.randperm(VOCABULARY, generator=generator)[:c].sort().values for c in counts]
    weights = [torch.rand(int(c), generator=generator).softmax(0) for c in counts]
    positions = torch.repeat_interleave(torch.arange(rows), counts)
    starts = np.append(0, counts.cumsum(0).numpy())
    return Targets(positions, torch.cat(tokens), torch.cat(weights), starts)


def dense(targets: Targets, rows: int) -> torch.Tensor:
    matrix = torch.zeros(rows, VOCABULARY, dtype=torch.float64)
    matrix[targets.positions_e, targets.tokens_e] = targets.weights_e.double()
    return matrix


@pytest.mark.parametrize("exact", [False, True], ids=["one token", "distribution"])
@pytest.mark.parametrize("rows", [1, 255, 256, 257, 700])
def test_value_and_gradients_equal_the_plain_cross_entropy(rows: int, exact: bool) -> None:
    generator = torch.Generator().manual_seed(rows)
    hidden = torch.randn(rows, WIDTH, generator=generator, requires_grad=True)
    weight = torch.randn(VOCABULARY, WIDTH, generator=generator, requires_grad=True)
    tokens = torch.randint(0, VOCABULARY, (rows,), generator=generator)
    targets = random_targets(rows, generator) if exact else one_token_each(tokens)
    log_p = (hidden.double() @ weight.double().T).log_softmax(1)
    results = []
    for loss in (
        linear_cross_entropy(hidden, weight, targets),
        -(dense(targets, rows) * log_p).sum(),
    ):
        gradients = torch.autograd.grad(loss * 0.5, (hidden, weight))
        results.append((loss.detach(), *gradients))
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


def test_a_target_of_no_probability_costs_its_logit_not_infinity() -> None:
    hidden, weight = torch.ones(1, 1), torch.tensor([[0.0], [400.0]])
    targets = one_token_each(torch.tensor([0]))
    assert linear_cross_entropy(hidden, weight, targets).item() == 400.0
