"""The losses of played moves are torch's own over masked logits, in value and in gradient."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from pawn_core.model import loss
from pawn_core.model.fused import ALIGNMENT, legal_moves
from pawn_core.model.head import HeadParts
from pawn_core.model.legal_loss import PlayedMoves, legal_criterion
from pawn_core.model.loss import DenseResidual, chunked_sums

VOCABULARY, WIDTH = 50, 12
PENALTIES = [None, 0.0, 0.7]


def random_moves(rows: int, generator: torch.Generator) -> PlayedMoves:
    """One to nine legal moves a position, one of them played."""
    legal_nm = torch.full((rows, 9), -1, dtype=torch.int16)
    targets_n = torch.empty(rows, dtype=torch.int64)
    for row in range(rows):
        count = int(torch.randint(1, 10, (), generator=generator))
        legal = torch.randperm(VOCABULARY, generator=generator)[:count].sort().values
        legal_nm[row, :count] = legal
        targets_n[row] = legal[int(torch.randint(count, (), generator=generator))]
    return PlayedMoves(targets_n, legal_nm)


def random_head(rows: int, generator: torch.Generator, dtype=torch.float32) -> list[torch.Tensor]:
    """Hidden states, the head's weight, scale and bias."""
    shapes = ((rows, WIDTH), (VOCABULARY, WIDTH), (VOCABULARY,), (VOCABULARY,))
    return [
        torch.randn(shape, generator=generator, dtype=dtype, requires_grad=True) for shape in shapes
    ]


def logits_of(parts: list[torch.Tensor]) -> torch.Tensor:
    hidden, weight, scale, bias = parts
    return hidden @ weight.T * scale + bias


def legal_mask(moves: PlayedMoves) -> torch.Tensor:
    legal = torch.zeros(len(moves.targets_n), VOCABULARY, dtype=torch.bool)
    for row, tokens in enumerate(moves.legal_nm):
        legal[row, tokens[tokens >= 0].long()] = True
    return legal


def reference(parts: list[torch.Tensor], moves: PlayedMoves, penalty) -> torch.Tensor:
    """The definition, in float64 over a dense mask."""
    logits = logits_of([x.double() for x in parts])
    legal = legal_mask(moves)
    if penalty is None:
        masked = logits.masked_fill(~legal, -torch.inf)
        return F.cross_entropy(masked, moves.targets_n, reduction="sum")
    illegal = logits.softmax(1).masked_fill(legal, 0.0).sum()
    return F.cross_entropy(logits, moves.targets_n, reduction="sum") + penalty * illegal


def chunked(parts: list[torch.Tensor], moves: PlayedMoves, penalty) -> torch.Tensor:
    hidden, *head = parts
    return chunked_sums(hidden, HeadParts(*head), legal_criterion(moves, penalty))


def fused(parts: list[torch.Tensor], moves: PlayedMoves, penalty) -> torch.Tensor:
    """As a compiled function computes them, uncompiled."""

    def criterion(logits: torch.Tensor, chunk: slice) -> tuple[torch.Tensor, DenseResidual]:
        moves_c = (moves.targets_n[chunk], moves.legal_nm[chunk])
        sums, residual = legal_moves(logits, *moves_c, penalty, VOCABULARY)
        return sums, DenseResidual(residual)

    hidden, *head = parts
    return chunked_sums(hidden, HeadParts(*head), criterion, alignment=ALIGNMENT)


@pytest.mark.parametrize("sums_of", [chunked, fused])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("rows", [1, 256, 300])
def test_value_and_gradients_are_those_of_a_dense_mask(rows: int, penalty, sums_of) -> None:
    generator = torch.Generator().manual_seed(rows)
    parts, moves = random_head(rows, generator), random_moves(rows, generator)
    results = []
    for total in (sums_of(parts, moves, penalty)[0], reference(parts, moves, penalty)):
        results.append((total.detach(), *torch.autograd.grad(total * 0.5, parts)))
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=3e-5)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_in_float64_they_are_the_same_to_its_last_digits(penalty) -> None:
    generator = torch.Generator().manual_seed(0)
    parts, moves = random_head(300, generator, torch.float64), random_moves(300, generator)
    found, expected = (
        (total.detach(), *torch.autograd.grad(total, parts))
        for total in (chunked(parts, moves, penalty)[0], reference(parts, moves, penalty))
    )
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("penalty", PENALTIES)
def test_the_gradient_is_that_of_finite_differences(penalty, monkeypatch) -> None:
    monkeypatch.setitem(loss._CHUNK_ROWS, "cpu", 3)
    generator = torch.Generator().manual_seed(1)
    parts, moves = random_head(7, generator, torch.float64), random_moves(7, generator)
    assert torch.autograd.gradcheck(lambda *p: chunked(list(p), moves, penalty)[0], parts)


@pytest.mark.parametrize("sums_of", [chunked, fused])
@pytest.mark.parametrize("penalty", [None, 0.7])
def test_the_second_sum_is_how_often_the_move_is_the_likeliest_legal_one(penalty, sums_of) -> None:
    generator = torch.Generator().manual_seed(2)
    parts, moves = random_head(400, generator), random_moves(400, generator)
    masked = logits_of(parts).masked_fill(~legal_mask(moves), -torch.inf)
    expected = (masked.argmax(1) == moves.targets_n).sum()
    assert sums_of(parts, moves, penalty)[1] == expected > 0


@pytest.mark.parametrize("penalty", [None, 0.7])
def test_a_frozen_head_gets_no_gradient_and_changes_none(penalty, monkeypatch) -> None:
    generator = torch.Generator().manual_seed(3)
    parts, moves = random_head(40, generator), random_moves(40, generator)
    [whole] = torch.autograd.grad(chunked(parts, moves, penalty)[0], parts[:1])
    for name in ("dense", "by_token"):  # what only a head's gradient needs
        monkeypatch.setattr(loss.SparseResidual, name, None)
        monkeypatch.setattr(loss.DenseResidual, name, None)
    frozen = [parts[0], *(part.detach() for part in parts[1:])]
    [hidden] = torch.autograd.grad(chunked(frozen, moves, penalty)[0], frozen[:1])
    assert hidden.equal(whole)


def test_illegal_logits_of_any_size_change_nothing() -> None:
    moves = PlayedMoves(torch.tensor([2]), torch.tensor([[1, 2, -1]], dtype=torch.int16))
    hidden, weight = torch.ones(1, 1), torch.zeros(6, 1)
    bias = torch.tensor([1e30, 0.0, 0.0, 1e30, torch.finfo().max, -1e30])
    value, top1 = chunked([hidden, weight, None, bias], moves, None)
    assert value.item() == pytest.approx(np.log(2))
    assert top1 == 1


@pytest.mark.parametrize("penalty", [None, 0.7])
def test_bfloat16_is_near(penalty) -> None:
    generator = torch.Generator().manual_seed(4)
    (hidden, weight, *_), moves = random_head(300, generator), random_moves(300, generator)
    results = []
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            total = chunked([hidden, weight.detach()], moves, penalty)[0]
        results.append((total.detach(), torch.autograd.grad(total, hidden)[0]))
    for exact, near in zip(*results, strict=True):
        assert near.dtype == torch.float32
        np.testing.assert_allclose(near, exact, rtol=2e-2, atol=6e-2)
