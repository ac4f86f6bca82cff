"""AdamW: the paper's numbers, and a state that comes back."""

import numpy as np
import pytest
import torch
from torch import nn

from pawn_core.training.optimizer import BETAS, EPS, AdamW


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.norm = nn.Parameter(torch.randn(6, generator=generator))
        self.matrix = nn.Parameter(torch.randn(6, 6, generator=generator))
        self.embed = nn.Embedding(5, 6)
        nn.init.normal_(self.embed.weight, generator=generator)

    def loss(self, step: int) -> torch.Tensor:
        x = torch.randn(8, 6, generator=torch.Generator().manual_seed(step))
        return ((x @ self.matrix * self.norm + self.embed.weight[step % 5]) ** 2).mean()


def test_updates_are_those_of_the_paper_with_decay_on_matrices_only() -> None:
    """Loshchilov & Hutter, 2019, algorithm 2, in float64."""
    model = Model()
    optimizer = AdamW(model, lr=1e-2, weight_decay=0.1)
    expected = {name: p.detach().double() for name, p in model.named_parameters()}
    first = {name: torch.zeros_like(p) for name, p in expected.items()}
    second = {name: torch.zeros_like(p) for name, p in expected.items()}
    for step in range(1, 21):
        lr = 1e-2 / step
        optimizer.set_lr(lr)
        model.loss(step).backward()
        for name, p in model.named_parameters():
            assert p.grad is not None
            g = p.grad.double()
            first[name] = BETAS[0] * first[name] + (1 - BETAS[0]) * g
            second[name] = BETAS[1] * second[name] + (1 - BETAS[1]) * g**2
            m, v = first[name] / (1 - BETAS[0] ** step), second[name] / (1 - BETAS[1] ** step)
            decay = 0.1 if name == "matrix" else 0.0
            expected[name] -= lr * (m / (v.sqrt() + EPS) + decay * expected[name])
        optimizer.step()
        optimizer.zero_grad()
    for name, p in model.named_parameters():
        np.testing.assert_allclose(p.detach(), expected[name], rtol=1e-5, atol=1e-6)


def test_state_survives_a_round_trip() -> None:
    first, second = Model(), Model()
    a, b = AdamW(first, 1e-2, 0.1), AdamW(second, 1e-2, 0.1)
    first.loss(0).backward()
    a.step()
    second.load_state_dict(first.state_dict())
    b.load_state_dict({k: v.clone() for k, v in a.state_dict().items()})
    for model, optimizer in ((first, a), (second, b)):
        optimizer.zero_grad()
        model.loss(1).backward()
        optimizer.step()
    assert all(
        torch.equal(p, q) for p, q in zip(first.parameters(), second.parameters(), strict=True)
    )


def test_the_state_of_another_model_is_refused() -> None:
    optimizer = AdamW(Model(), 1e-2, 0.1)
    state = optimizer.state_dict()
    with pytest.raises(ValueError, match=r"matrix\.exp_avg"):
        optimizer.load_state_dict({k: v for k, v in state.items() if k != "matrix.exp_avg"})
    with pytest.raises(ValueError, match=r"shape \[2, 3\]"):
        optimizer.load_state_dict(state | {"matrix.exp_avg": torch.zeros(2, 3)})
