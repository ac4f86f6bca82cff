"""Tokens are drawn as often as the softmax says."""

import numpy as np
import torch

from pawn_core.model.draws import draw


def test_draws_follow_the_softmax_at_the_temperature() -> None:
    logits = torch.tensor([[0.0, 1.0, -torch.inf, 2.0]])
    uniform = torch.linspace(0, 1, 100_001, dtype=torch.float64)[:-1]
    for temperature in (0.5, 1.0, 2.0):
        drawn = draw(logits.expand(len(uniform), 4), temperature, uniform)
        shares = torch.bincount(drawn, minlength=4) / len(uniform)
        expected = (logits[0] / temperature).softmax(0)
        np.testing.assert_allclose(shares, expected, atol=2e-5)
