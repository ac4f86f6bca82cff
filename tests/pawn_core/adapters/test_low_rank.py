"""A map with an update of low rank is the sum of two maps, in value and in every gradient."""

import pytest
import torch
from adapting import assert_close
from torch.nn import functional as F

from pawn_core.adapters.low_rank import low_rank_linear

TRAINED = {"all": (0, 1, 2, 3), "the update": (2, 3), "the update and what is before": (0, 2, 3)}


def parts(trained: tuple[int, ...]) -> list[torch.Tensor]:
    """Input (2, 5, 6), matrix (7, 6), A (3, 6) and B (7, 3)."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((2, 5, 6), (7, 6), (3, 6), (7, 3))
    drawn = [torch.randn(shape, generator=generator) for shape in shapes]
    return [x.requires_grad_(i in trained) for i, x in enumerate(drawn)]


def plain(x, weight, a, b) -> torch.Tensor:
    return F.linear(x, weight) + F.linear(F.linear(x, a), b)


@pytest.mark.parametrize("amp", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("trained", TRAINED.values(), ids=TRAINED)
def test_it_is_the_sum_of_the_maps_whatever_is_trained(trained: tuple[int, ...], amp: bool) -> None:
    found, expected = [], []
    for function, values in ((low_rank_linear, found), (plain, expected)):
        inputs = parts(trained)
        with torch.autocast("cpu", torch.bfloat16, enabled=amp):
            y = function(*inputs)
        y.float().square().sum().backward()
        values += [y.detach(), *(x.grad for x in inputs)]
    bound = 0.05 if amp else 1e-6
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None and theirs is not None:
            assert ours.dtype == theirs.dtype
            scale = float(theirs.float().abs().max())
            assert_close(ours.float() / scale, theirs.float() / scale, rtol=0, atol=bound)


def test_an_update_of_zeros_leaves_every_bit() -> None:
    x, weight, a, b = parts(())
    assert low_rank_linear(x, weight, a, torch.zeros_like(b)).equal(F.linear(x, weight))
