"""A sparse update moves the entries of its mask, and no other."""

import numpy as np
import pytest
import torch
from adapting import adapted, backbone, perturb, tokens
from torch import nn

from pawn_core.adapters.sparse import SparseLinear, random_entries
from pawn_core.training.rules import AdamW


def linear(rows: int, columns: int) -> nn.Linear:
    layer = nn.Linear(columns, rows, bias=False)
    nn.init.normal_(layer.weight, generator=torch.Generator().manual_seed(0))
    return layer


def sparse_linear(rows: int, columns: int, indices: list[int]) -> SparseLinear:
    """Return an update whose values have been trained to something."""
    layer = SparseLinear(linear(rows, columns).requires_grad_(False), torch.tensor(indices))
    nn.init.normal_(layer.sparse.weight, generator=torch.Generator().manual_seed(1))
    return layer


def dense(layer: SparseLinear) -> torch.Tensor:
    """Return W + S by rows and columns of a dense matrix of zeros."""
    matrix = np.zeros(layer.weight.shape, np.float32)
    columns = layer.weight.shape[1]
    for place, value in zip(layer.sparse.indices.tolist(), layer.sparse.weight, strict=True):
        matrix[place // columns, place % columns] = value.item()
    return layer.weight.detach() + torch.from_numpy(matrix)


@pytest.mark.parametrize("rows", [3, 5, 7])  # square too: a transposed update would go unseen
def test_the_product_is_that_of_the_sum(rows: int) -> None:
    layer = sparse_linear(rows, 5, [1, 5, 7, 14])
    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(2))
    np.testing.assert_array_equal(layer(x).detach(), (x @ dense(layer).T).detach())
    assert torch.equal(layer.merged().weight, dense(layer))


def test_gradients_are_those_of_the_dense_matrix_at_the_mask_and_reach_nothing_else() -> None:
    layer = sparse_linear(4, 6, [0, 3, 9, 23])
    x = torch.randn(5, 6, generator=torch.Generator().manual_seed(2), requires_grad=True)
    reference, matrix = x.detach().clone().requires_grad_(), dense(layer).requires_grad_()
    (layer(x) ** 3).sum().backward()
    ((reference @ matrix.T) ** 3).sum().backward()
    np.testing.assert_allclose(
        layer.sparse.weight.grad, matrix.grad.flatten()[[0, 3, 9, 23]], rtol=1e-5
    )
    np.testing.assert_allclose(x.grad, reference.grad, rtol=1e-5)
    assert layer.weight.grad is None


def test_an_update_starts_as_the_matrix_itself_and_draws_nothing_from_the_global_generator() -> (
    None
):
    frozen, before = linear(8, 8).requires_grad_(False), torch.get_rng_state()
    layer = SparseLinear(frozen, torch.arange(9))
    assert torch.equal(torch.get_rng_state(), before)
    assert layer.weight is frozen.weight
    x = torch.randn(3, 8, generator=torch.Generator().manual_seed(2))
    assert torch.equal(layer(x), frozen(x))


def test_decay_and_momentum_move_nothing_off_the_mask() -> None:
    layer = sparse_linear(6, 6, [2, 8, 30])
    frozen, start = layer.weight.clone(), layer.merged().weight.clone()
    rule = AdamW({"values": layer.sparse.weight}, weight_decay=0.9)
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(2))
    for step in range(8):
        layer.sparse.weight.grad = None
        (layer(x * (step < 4)) ** 2).sum().backward()  # then momentum and decay alone
        rule.update(lr=0.1)
    moved = (layer.merged().weight != start).flatten().nonzero().flatten()
    assert moved.tolist() == [2, 8, 30]
    assert torch.equal(layer.weight, frozen)
    assert {tuple(t.shape) for t in rule.state().values()} == {(3,), ()}


def test_a_mask_is_drawn_once_from_its_seed() -> None:
    drawn = [random_entries(4096, 40, torch.Generator().manual_seed(seed)) for seed in (7, 7, 8)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert len(set(drawn[0].tolist())) == 40
    assert drawn[0].tolist() == sorted(drawn[0].tolist())
    assert drawn[0].tolist()[:4] == [88, 132, 175, 337]


def test_every_entry_is_as_likely_as_any_other_to_be_chosen() -> None:
    generator = torch.Generator().manual_seed(0)
    counts = sum(
        torch.bincount(random_entries(20, 5, generator), minlength=20) for _ in range(4000)
    )
    deviation = (4000 * 0.25 * 0.75) ** 0.5
    assert (counts - 1000).abs().max() < 4.5 * deviation


def test_the_mask_is_the_checkpoint_s_whatever_the_seed_draws() -> None:
    trained, other = perturb(adapted("sparse", seed=1)), adapted("sparse", seed=2)
    assert not torch.equal(masks(trained), masks(other))
    other.load(trained.state())
    assert torch.equal(masks(trained), masks(other))
    assert torch.equal(trained.model(tokens()), other.model(tokens()))


def masks(adapter) -> torch.Tensor:
    """Return all chosen places, int32."""
    return torch.cat([entries.indices for entries in adapter.entries().values()])


def test_a_density_is_a_decimal_share_of_each_matrix_rounded_down() -> None:
    adapter = adapted("sparse", density=0.29, sparse_targets="q", sparse_ffn=True)
    counts = [len(entries.indices) for entries in adapter.entries().values()]
    assert counts == [64 * 64 * 29 // 100, *[64 * 256 * 29 // 100] * 3] * 2


def test_a_density_that_leaves_a_matrix_without_an_entry_is_refused_with_one_that_does_not() -> (
    None
):
    with pytest.raises(ValueError, match=r"density 0\.0001 .* of its 4096 takes 0\.00024"):
        adapted("sparse", density=0.0001)
    with pytest.raises(ValueError, match=r"density 0\.0001"):
        adapted("rosa", density=0.0001)


@pytest.mark.parametrize("place", [-1, 4096, 3])
def test_a_mask_that_is_none_of_its_matrix_is_refused_by_name(place: int) -> None:
    adapter = adapted("sparse")
    name = "layers.1.attn.wv.sparse.indices"
    state = {n: tensor.clone() for n, tensor in adapter.state().items()}
    state[name][-1] = place
    with pytest.raises(ValueError, match=f"'{name}' are no ascending places below 4096"):
        adapter.load(state)


def test_a_merged_model_computes_what_the_adapted_one_does_bit_for_bit() -> None:
    adapter = perturb(adapted("sparse", density=0.2, sparse_ffn=True))
    assert torch.equal(adapter.merge()(tokens()), adapter.model(tokens()))
    assert not torch.allclose(adapter.model(tokens()), backbone()(tokens()), atol=1e-3)


def test_in_bfloat16_too_it_is_the_merged_model_and_its_values_are_kept_in_float32() -> None:
    adapter = perturb(adapted("sparse", density=0.2))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(adapter.merge()(tokens()), adapter.model(tokens()))
        adapter.model(tokens()).square().mean().backward()
    assert {p.grad.dtype for p in adapter.parameters().values()} == {torch.float32}
