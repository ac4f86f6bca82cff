"""The chunked loss is the plain one, in value and in gradient."""

import numpy as np
import pytest
import torch

from pawn_core.data.targets import Targets, one_token_each
from pawn_core.model import fused
from pawn_core.model.head import HeadParts
from pawn_core.model.loss import (
    DenseResidual,
    chunked_sums,
    chunks_of,
    cross_entropy_criterion,
)

VOCABULARY, WIDTH = 50, 12


def random_targets(rows: int, generator: torch.Generator) -> Targets:
    """One to nine tokens a position, of any probabilities."""
    counts = torch.randint(1, 10, (rows,), generator=generator)
    tokens = [torch.randperm(VOCABULARY, generator=generator)[:c].sort().values for c in counts]
    weights = [torch.rand(int(c), generator=generator).softmax(0) for c in counts]
    positions = torch.repeat_interleave(torch.arange(rows), counts)
    starts = np.append(0, counts.cumsum(0).numpy())
    return Targets(positions, torch.cat(tokens), torch.cat(weights), starts)


def chunked(hidden: torch.Tensor, weight: torch.Tensor, targets: Targets) -> torch.Tensor:
    return chunked_sums(hidden, HeadParts(weight), cross_entropy_criterion(targets))[0]


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
        chunked(hidden, weight, targets),
        -(dense(targets, rows) * log_p).sum(),
    ):
        gradients = torch.autograd.grad(loss * 0.5, (hidden, weight))
        results.append((loss.detach(), *gradients))
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


def test_a_target_of_no_probability_costs_its_logit_not_infinity() -> None:
    hidden, weight = torch.ones(1, 1), torch.tensor([[0.0], [400.0]])
    targets = one_token_each(torch.tensor([0]))
    assert chunked(hidden, weight, targets).item() == 400.0


def fused_sums(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    tokens: torch.Tensor,
    exact: Targets | None,
    positions: torch.Tensor | None = None,
) -> torch.Tensor:
    """As a compiled function computes it, uncompiled; exact targets are those of `tokens >= 0`."""

    def criterion(logits: torch.Tensor, chunk: slice) -> tuple[torch.Tensor, DenseResidual]:
        if exact is None:
            sums, residual = fused.one_token(logits, tokens[chunk], VOCABULARY)
        else:
            entries = slice(exact.starts[chunk.start], exact.starts[chunk.stop])
            rows = exact.positions_e[entries] - chunk.start
            weights = (rows, exact.tokens_e[entries], exact.weights_e[entries])
            sums, residual = fused.distribution(logits, tokens[chunk], *weights, VOCABULARY)
        return sums, DenseResidual(residual)

    head, alignment = HeadParts(weight), fused.ALIGNMENT
    return chunked_sums(hidden, head, criterion, positions, alignment=alignment)[0]


@pytest.mark.parametrize("exact", [False, True], ids=["one token", "distribution"])
@pytest.mark.parametrize("rows", [1, 257, 700])
def test_what_a_compiler_is_given_is_the_plain_cross_entropy_of_the_chosen_positions(
    rows: int, exact: bool
) -> None:
    generator = torch.Generator().manual_seed(rows)
    hidden = torch.randn(2 * rows, WIDTH, generator=generator, requires_grad=True)
    weight = torch.randn(VOCABULARY, WIDTH, generator=generator, requires_grad=True)
    tokens = torch.randint(0, VOCABULARY, (rows,), generator=generator)
    positions = torch.randperm(2 * rows, generator=generator)[:rows]
    targets = random_targets(rows, generator) if exact else one_token_each(tokens)
    log_p = (hidden.double()[positions] @ weight.double().T).log_softmax(1)
    expected = -(dense(targets, rows) * log_p).sum()
    found = fused_sums(hidden, weight, tokens, targets if exact else None, positions)
    assert found.item() == pytest.approx(expected.item(), rel=2e-6)
    ours, theirs = (torch.autograd.grad(x * 0.5, (hidden, weight)) for x in (found, expected))
    for gradient, exact_gradient in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(gradient, exact_gradient, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("exact", [False, True], ids=["one token", "distribution"])
def test_positions_without_a_target_count_for_nothing(exact: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(300, WIDTH, generator=generator, requires_grad=True)
    weight = torch.randn(VOCABULARY, WIDTH, generator=generator, requires_grad=True)
    tokens = torch.randint(0, VOCABULARY, (300,), generator=generator)
    targets, whole = random_targets(200, generator) if exact else None, tokens.clone()
    whole[200:] = -100
    if targets is not None:  # a weight of 0 fills up what is stored of them
        last = (targets.positions_e, torch.tensor([299])), (targets.tokens_e, torch.tensor([7]))
        zero = (targets.weights_e, torch.zeros(1))
        starts = np.append(targets.starts, [targets.starts[-1]] * 99 + [targets.starts[-1] + 1])
        padded = Targets(torch.cat(last[0]), torch.cat(last[1]), torch.cat(zero), starts)
    results = []
    for loss in (
        fused_sums(hidden, weight, whole, padded if targets is not None else None),
        fused_sums(hidden[:200], weight, tokens[:200], targets),
    ):
        results.append((loss.detach(), *torch.autograd.grad(loss, (hidden, weight))))
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-5)
    assert not results[0][1][200:].any()


@pytest.mark.parametrize("n", [1, 128, 16_384, 16_385, 90_611])
def test_chunks_on_a_gpu_are_of_one_size_but_for_the_last(n: int) -> None:
    chunks = chunks_of(n, "cuda")
    sizes = [chunk.stop - chunk.start for chunk in chunks]
    assert [chunk.start for chunk in chunks] == [sum(sizes[:i]) for i in range(len(sizes))]
    assert sum(sizes) == n
    assert set(sizes[:-1]) <= {sizes[0]}
    assert max(sizes) <= 16_384
    assert len(sizes) == -(-n // 16_384)
