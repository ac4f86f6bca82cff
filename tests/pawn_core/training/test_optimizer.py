"""The optimizers: the papers' numbers, and a state that comes back."""

import numpy as np
import pytest
import torch
from torch import nn

from pawn_core.config import VARIANTS, Architecture, parse_config
from pawn_core.data.games import vocabulary_of
from pawn_core.model import Gpt2, Transformer
from pawn_core.runtime import Runtime
from pawn_core.training.optimizer import Optimizer, build_optimizer
from pawn_core.training.rules import AdamW, Muon, orthogonalize

CPU = Runtime(torch.device("cpu"), None, compiled=False)
BETAS, EPS = AdamW.BETAS, AdamW.EPS


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


def optimizer_of(model: nn.Module, **fields) -> Optimizer:
    config = parse_config({"local_checkpoints": True, "weight_decay": 0.1} | fields)
    return build_optimizer(dict(model.named_parameters()), config, CPU)


def test_updates_are_those_of_the_paper_with_decay_on_matrices_only() -> None:
    """Loshchilov & Hutter, 2019, algorithm 2, in float64."""
    model = Model()
    optimizer = optimizer_of(model)
    expected = {name: p.detach().double() for name, p in model.named_parameters()}
    first = {name: torch.zeros_like(p) for name, p in expected.items()}
    second = {name: torch.zeros_like(p) for name, p in expected.items()}
    for step in range(1, 21):
        lr = 1e-2 / step
        optimizer.lr = lr
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
    a, b = optimizer_of(first), optimizer_of(second)
    a.lr = b.lr = 1e-2
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
    optimizer = optimizer_of(Model())
    state = optimizer.state_dict()
    with pytest.raises(ValueError, match=r"matrix\.exp_avg"):
        optimizer.load_state_dict({k: v for k, v in state.items() if k != "matrix.exp_avg"})
    with pytest.raises(ValueError, match=r"shape \[2, 3\]"):
        optimizer.load_state_dict(state | {"matrix.exp_avg": torch.zeros(2, 3)})


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 20, 5), (2, 5, 20)])
def test_orthogonalizing_keeps_the_singular_vectors_and_brings_the_values_near_1(shape) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    found = orthogonalize(matrices)
    values = torch.linalg.svdvals(found)
    assert 0.6 < values.min() < values.max() < 1.3
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    off_diagonal = u.mT @ found @ v.mT
    off_diagonal.diagonal(dim1=1, dim2=2).zero_()
    assert off_diagonal.abs().max() < 1e-3


@pytest.mark.parametrize("shape", [(2, 48, 48), (2, 96, 32), (2, 32, 96)])
def test_directions_in_bfloat16_are_those_of_torchs_own_muon(shape) -> None:
    from torch.optim._muon import _zeropower_via_newtonschulz

    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    found = orthogonalize(matrices, torch.bfloat16)
    coefficients = (3.4445, -4.7750, 2.0315)
    for one, matrix in zip(found, matrices, strict=True):
        theirs = _zeropower_via_newtonschulz(matrix, coefficients, 5, 1e-7).float()
        exact = orthogonalize(matrix[None])[0]
        assert (one - theirs).norm() < 0.05 * exact.norm()
        assert (one - exact).norm() < 0.05 * exact.norm()


def test_muon_moves_along_the_orthogonal_momentum_at_the_scale_of_adamw() -> None:
    generator = torch.Generator().manual_seed(0)
    parameter = nn.Parameter(torch.randn(16, 48, generator=generator))
    rule = Muon({"w": parameter}, weight_decay=0.1)
    expected, momentum = parameter.detach().clone(), torch.zeros(16, 48)
    for _ in range(3):
        g = torch.randn(16, 48, generator=generator)
        parameter.grad = g.clone()
        momentum = 0.95 * momentum + 0.05 * g
        direction = orthogonalize((0.05 * g + 0.95 * momentum)[None])[0]
        expected = expected * (1 - 0.02 * 0.1) - 0.02 * 0.2 * 48**0.5 * direction
        with torch.no_grad():
            rule.update(0.02)
    np.testing.assert_allclose(parameter.detach(), expected, rtol=1e-4, atol=1e-5)
    rms = (0.2 * 48**0.5 * direction).square().mean().sqrt()
    assert 0.1 < rms < 0.3


def muon_of(count: int) -> Muon:
    """Return it over matrices of two shapes, with a gradient each."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(6, 10), (10, 6)] * (count // 2)
    named = {f"w{i}": torch.randn(shape, generator=generator) for i, shape in enumerate(shapes)}
    for matrix in named.values():
        matrix.grad = torch.randn(matrix.shape, generator=generator)
    return Muon(named, weight_decay=0.1)


def test_muon_restored_by_name_goes_on_as_it_would_have() -> None:
    before, after = muon_of(4), muon_of(4)
    before.update(1e-2)
    names = {"w0.momentum": (6, 10), "w1.momentum": (10, 6), "w2.momentum": (6, 10)}
    state = before.state()
    assert {name: tuple(state[name].shape) for name in names} == names
    for name, tensor in after.state().items():
        tensor.copy_(state[name])
    for parameter, restored in zip(before.parameters, after.parameters, strict=True):
        restored.copy_(parameter)
    for rule in (before, after):
        rule.update(1e-2)
    assert all(map(torch.equal, before.parameters, after.parameters))
    assert all(before.state()[name].equal(tensor) for name, tensor in after.state().items())


def test_an_update_has_as_many_operations_for_many_matrices_as_for_few() -> None:
    counts = []
    for matrices in (2, 12):
        rule = muon_of(matrices)
        with torch.autograd.profiler.profile() as profile:
            rule.update(1e-2)
        calls = [e for e in profile.function_events if e.cpu_parent is None]
        counts.append(len(calls))
    assert counts[0] == counts[1] < 100


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_a_learning_rate_in_a_tensor_moves_as_the_number_does(name: str) -> None:
    moved = []
    for lr in (1.7e-3, torch.tensor(1.7e-3, dtype=torch.float64)):
        muon = muon_of(4)
        named = {f"w{i}": matrix for i, matrix in enumerate(muon.parameters)}
        rule = muon if name == "muon" else AdamW(named, weight_decay=0.1, lr_ratio=3.0)
        for _ in range(3):
            rule.update(lr)
        moved.append(rule.parameters)
    assert all(map(torch.equal, *moved))


def test_each_parameter_has_one_rule_and_only_the_layers_matrices_are_muons() -> None:
    config = parse_config({"local_checkpoints": True, "optimizer": "muon"})
    model = Transformer(VARIANTS["toy"], vocabulary_of(config), 16)
    optimizer = build_optimizer(dict(model.named_parameters()), config, CPU)
    assert {id(p) for p in optimizer.parameters} == {id(p) for p in model.parameters()}
    assert len(optimizer.parameters) == len(list(model.parameters()))
    muon = {name.removesuffix(".momentum") for name in optimizer.state_dict() if "momentum" in name}
    layers = {name for name, p in model.named_parameters() if "layers." in name and p.dim() == 2}
    assert muon == layers
    assert len(layers) == 2 * 7


def test_some_parameters_learn_at_a_rate_of_their_own() -> None:
    config = parse_config({"local_checkpoints": True, "weight_decay": 0.0})
    plain, faster = Model(), Model()
    optimizers = [
        build_optimizer(dict(model.named_parameters()), config, CPU, ratios)
        for model, ratios in ((plain, {}), (faster, {"norm": 10.0}))
    ]
    before = {name: p.detach().clone() for name, p in plain.named_parameters()}
    for model, optimizer in zip((plain, faster), optimizers, strict=True):
        optimizer.lr = 1e-3
        model.loss(0).backward()
        optimizer.step()
    for (name, p), q in zip(plain.named_parameters(), faster.parameters(), strict=True):
        ratio = 10.0 if name == "norm" else 1.0
        moved, expected = (q - before[name]).detach(), (ratio * (p - before[name])).detach()
        np.testing.assert_allclose(moved, expected, rtol=1e-3, atol=1e-6)


def test_parameters_that_stay_keep_their_state_by_name_and_new_ones_begin_afresh() -> None:
    config = parse_config({"local_checkpoints": True})
    model = Model()
    named = dict(model.named_parameters())
    old = build_optimizer({"matrix": named["matrix"]}, config, CPU)
    old.lr = 1e-3
    model.loss(0).backward()
    old.step()
    new = build_optimizer(named, config, CPU)
    new.take_over(old)
    before, after = old.state_dict(), new.state_dict()
    assert all(after[name].equal(before[name]) for name in before)
    assert before["matrix.exp_avg"].abs().sum() > 0
    assert all(not after[name].any() for name in after.keys() - before.keys())


def test_neither_embeddings_nor_norms_nor_the_biases_of_gpt2_are_decayed() -> None:
    sizes = Architecture(d_model=16, n_layers=1, n_heads=2, d_ff=64)
    named = dict(Gpt2(sizes, 11, 8).named_parameters())
    config = parse_config({"local_checkpoints": True, "weight_decay": 0.5})
    before = {name: p.detach().clone() for name, p in named.items()}
    for parameter in named.values():
        parameter.grad = torch.zeros_like(parameter)
    optimizer = build_optimizer(named, config, CPU)
    optimizer.lr = 0.1
    optimizer.step()
    moved = {name for name, p in named.items() if not torch.equal(p, before[name])}
    layers = {"attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"}
    assert moved == {f"h.0.{layer}.weight" for layer in layers}
