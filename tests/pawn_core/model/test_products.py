"""Products by oneDNN are torch's own, in value and in gradient."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pawn_core.config import Architecture
from pawn_core.model import Transformer, products
from pawn_core.model.attention import Packed
from pawn_core.model.spans import GameSpans

SMALL = Architecture(d_model=16, n_layers=2, n_heads=2, d_ff=48)
OF_ODD_HEADS = Architecture(d_model=10, n_layers=2, n_heads=2, d_ff=24)


@pytest.fixture(autouse=True)
def on_any_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let oneDNN be asked on CPUs where it is not known to be faster, too."""
    if not torch.backends.mkldnn.is_available():
        pytest.skip("this torch was built without oneDNN")
    monkeypatch.setattr(products, "_has_kernel", lambda: True)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": True})


def drawn(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(shape, generator=generator).requires_grad_()


def gradients(y: torch.Tensor, *by: torch.Tensor) -> list[torch.Tensor]:
    """Return y and the gradients of a sum of its entries times numbers that differ."""
    weights = torch.linspace(-1.0, 2.0, y.numel(), dtype=y.dtype).view_as(y)
    return [y.detach(), *torch.autograd.grad((y * weights).sum(), by)]


def assert_same(found: list[torch.Tensor], expected: list[torch.Tensor]) -> None:
    for ours, exact in zip(found, expected, strict=True):
        tolerance = 3e-6 * float(exact.abs().max())
        np.testing.assert_allclose(ours.double(), exact, rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    ("rows", "inputs", "outputs"), [(32, 8, (5,)), (48, 128, (256, 300)), (16, 512, (3, 3, 3))]
)
def test_projections_side_by_side_are_those_of_each_weight(rows, inputs, outputs) -> None:
    tensors = [drawn(1, rows, inputs), *(drawn(o, inputs) for o in outputs)]
    x, *weights = exact = [tensor.detach().double().requires_grad_() for tensor in tensors]
    expected = torch.cat([F.linear(x, weight) for weight in weights], -1)
    found = gradients(products.side_by_side(*tensors), *tensors)
    assert_same(found, gradients(expected, *exact))


def test_frozen_weights_let_the_gradient_through() -> None:
    x, weight = drawn(1, 16, 8), drawn(4, 8)
    found = gradients(products.side_by_side(x, weight.detach()), x)
    assert_same(found, gradients(F.linear(x.double(), weight.double()), x))
    found = gradients(products.side_by_side(x.detach(), weight), weight)
    assert_same(found, gradients(F.linear(x.double(), weight.double()), weight))


def test_gates_and_ups_side_by_side_are_swiglu() -> None:
    x = drawn(1, 16, 12)
    gate, up = x.double().chunk(2, -1)
    assert_same(gradients(products.swiglu(x), x), gradients(F.silu(gate) * up, x))


@pytest.mark.parametrize("architecture", [SMALL, OF_ODD_HEADS])
def test_rows_of_games_train_a_model_as_each_game_alone_does_in_float64(architecture) -> None:
    lengths = [70, 5, 21]
    model = Transformer(architecture, 40, 80)
    model.initialize(torch.Generator().manual_seed(0))
    exact = Transformer(architecture, 40, 80).double()
    exact.load_state_dict(model.state_dict())
    tokens = torch.randint(0, 40, (96,), generator=torch.Generator().manual_seed(1))
    times = torch.cat([torch.arange(length) for length in lengths])
    assert products.are_ours(torch.zeros(1), model.blocks[0].attn.wq, model.blocks[0].ffn.w_up)
    hidden = model.hidden_at(tokens[None], None, Packed(times[None], GameSpans(lengths)))
    alone = [exact.hidden_at(game[None], None) for game in tokens.split(lengths)]
    found = gradients(hidden, *model.parameters())
    assert_same(found, gradients(torch.cat(alone), *exact.parameters()))


def test_layers_that_are_more_than_products_and_other_precisions_are_left_to_torch() -> None:
    class Adapted(nn.Linear):
        pass

    x, plain = torch.zeros(1, 16, 8), nn.Linear(8, 8, bias=False)
    assert products.are_ours(x, plain)
    assert not products.are_ours(x, plain, Adapted(8, 8))
    assert not products.are_ours(x.double(), plain)
    with torch.no_grad():
        assert not products.are_ours(x, plain)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not products.are_ours(x, plain)


def test_a_factor_in_16_bits_is_left_to_torch() -> None:
    """oneDNN refuses it in torch 2.11, and answers in float32 in later ones."""
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        left, right = drawn(32, 48), drawn(48, 20).bfloat16()
        assert products.matmul(left, right).equal(left @ right)
        assert products.weight_gradient(right[:32], left).equal(right[:32].T @ left)
