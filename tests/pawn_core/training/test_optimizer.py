"""AdamW: torch's numbers, without torch.optim's imports."""

import subprocess
import sys

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


def test_updates_are_bitwise_those_of_torch_with_decay_on_matrices_only() -> None:
    ours, theirs = Model(), Model()
    optimizer = AdamW(ours, lr=1e-2, weight_decay=0.1)
    groups = [
        {"params": [theirs.matrix], "weight_decay": 0.1},
        {"params": [theirs.norm, theirs.embed.weight], "weight_decay": 0.0},
    ]
    reference = torch.optim.AdamW(groups, lr=1e-2, betas=BETAS, eps=EPS, fused=True)
    for step in range(20):
        optimizer.set_lr(1e-2 / (step + 1))
        for group in reference.param_groups:
            group["lr"] = 1e-2 / (step + 1)
        ours.loss(step).backward()
        theirs.loss(step).backward()
        optimizer.step()
        reference.step()
        optimizer.zero_grad()
        reference.zero_grad()
    for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b), name


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


def test_a_training_step_never_imports_the_compiler() -> None:
    code = """
import sys, torch
from pawn_core.training.optimizer import AdamW
from torch.nn.utils import get_total_norm, clip_grads_with_norm_
model = torch.nn.Linear(4, 4)
optimizer = AdamW(model, 1e-3, 0.1)
model(torch.ones(2, 4)).sum().backward()
norm = get_total_norm([p.grad for p in model.parameters()])
clip_grads_with_norm_(model.parameters(), 1.0, norm)
optimizer.step()
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
