"""Losses a position: by their definitions, whatever else is in the batch, and none of no label."""

import math

import pytest
import torch
from position_labels import MOVES, batch_of, random_targets
from torch.nn import functional

from pawn_core.config.position_tasks import POSITION_TASKS
from pawn_core.multitask.losses import (
    legal_log_totals,
    loss_draw_win,
    policy_losses,
    task_losses,
    value_losses,
)

LEGAL = [[3, 17, 4000], [5], [], [9, 8]]
POLICIES = [{3: 0.25, 17: 0.75}, {}, {}, {8: 1.0}]


def policy_logits(seed: int = 0) -> torch.Tensor:
    return torch.randn(4, MOVES, generator=torch.Generator().manual_seed(seed)) * 3


def test_the_policy_is_judged_among_legal_moves_alone() -> None:
    logits, batch = policy_logits(), batch_of(LEGAL, POLICIES)
    losses = policy_losses(logits, batch)
    assert losses.labelled_n.tolist() == [True, False, False, True]
    log_p = functional.log_softmax(logits[0, LEGAL[0]], 0)
    assert losses.loss_n[0] == pytest.approx(-(0.25 * log_p[0] + 0.75 * log_p[1]).item(), rel=1e-5)
    log_p = functional.log_softmax(logits[3, LEGAL[3]], 0)
    assert losses.loss_n[3] == pytest.approx(-log_p[1].item(), rel=1e-5)
    assert losses.loss_n[1:3].tolist() == [0.0, 0.0]
    logits[:, 100:3000] += 50  # none of them is legal
    assert torch.equal(policy_losses(logits, batch).loss_n, losses.loss_n)


def test_smoothing_spreads_its_share_over_the_legal_moves() -> None:
    logits, batch = policy_logits(), batch_of(LEGAL, POLICIES)
    log_p = functional.log_softmax(logits[0, LEGAL[0]], 0)
    smoothed = 0.95 * torch.tensor([0.25, 0.75, 0.0]) + 0.05 / 3
    expected = -(smoothed * log_p).sum().item()
    loss = policy_losses(logits, batch, smoothing=0.05).loss_n[0]
    assert loss == pytest.approx(expected, rel=1e-5)


def test_a_mated_position_gives_no_gradient_that_is_no_number() -> None:
    logits = policy_logits().requires_grad_()
    policy_losses(logits, batch_of(LEGAL, POLICIES), smoothing=0.05).loss_n.sum().backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert not logits.grad[1:3].any()
    assert legal_log_totals(logits, batch_of(LEGAL))[2] == -torch.inf


def test_logits_of_sixteen_bits_are_judged_in_thirty_two() -> None:
    logits = (policy_logits() * 20000).clamp(-65_504, 65_504).half()  # the largest there are
    assert policy_losses(logits, batch_of(LEGAL, POLICIES)).loss_n.isfinite().all()


def test_values_without_a_label_have_no_loss() -> None:
    nan = float("nan")
    value_n, target_n = torch.tensor([0.5, 0.2, -1.0]), torch.tensor([1.0, nan, 1.0])
    mse = value_losses(value_n, None, target_n, "mse")
    huber = value_losses(value_n, None, target_n, "huber", huber_delta=1.0)
    assert mse.loss_n.tolist() == [0.25, 0.0, 4.0]
    assert huber.loss_n.tolist() == [0.125, 0.0, 1.5]
    assert mse.labelled_n.tolist() == huber.labelled_n.tolist() == [True, False, True]
    assert value_losses(value_n, None, torch.full((3,), nan)).mean() is None


def test_a_delta_moves_where_the_huber_loss_is_a_line() -> None:
    value_n, target_n = torch.tensor([0.0]), torch.tensor([1.0])
    loss = value_losses(value_n, None, target_n, "huber", huber_delta=0.5).loss_n
    assert loss.item() == pytest.approx(0.5 * (1.0 - 0.25))


def test_loss_draw_and_win_have_the_mean_of_the_label() -> None:
    values_n = torch.tensor([-1.0, -0.25, 0.0, 0.5, 1.0])
    law = loss_draw_win(values_n)
    assert torch.equal(law.sum(1), torch.ones(5))
    assert torch.equal(law[:, 2] - law[:, 0], values_n)
    assert law[1].tolist() == [0.25, 0.75, 0.0]
    logits = torch.zeros(5, 3)
    losses = value_losses(torch.zeros(5), logits, values_n)
    assert losses.loss_n == pytest.approx([math.log(3)] * 5)


@pytest.mark.parametrize("task", POSITION_TASKS, ids=lambda task: task.name)
def test_a_task_costs_its_entropy_where_nothing_is_known(task) -> None:
    target = random_targets(3, seed=1)[task.name]
    logits = torch.zeros(3, task.outputs, 8, 8)
    losses = task_losses(task.name, logits, target, torch.ones(3, 8, 8).bool())
    options = task.outputs if task.law == "classes" else 2
    assert losses.loss_n == pytest.approx([math.log(options)] * 3, rel=1e-5)
    assert losses.labelled_n.all()


@pytest.mark.parametrize("task", POSITION_TASKS, ids=lambda task: task.name)
def test_a_position_has_the_same_loss_in_any_batch(task) -> None:
    targets, masks = random_targets(5, seed=2)[task.name], torch.rand(5, 8, 8) < 0.25
    logits = torch.randn(5, task.outputs, 8, 8, generator=torch.Generator().manual_seed(2))
    whole = task_losses(task.name, logits, targets, masks)
    order = [4, 2, 0]
    some = task_losses(task.name, logits[order], targets[order], masks[order])
    assert torch.equal(some.loss_n, whole.loss_n[order])


def test_piece_counts_only_squares_that_are_hidden() -> None:
    target = random_targets(2, seed=3)["piece"]
    mask = torch.zeros(2, 8, 8).bool()
    mask[0, 2, 5] = True
    logits = torch.randn(2, 13, 8, 8, generator=torch.Generator().manual_seed(3))
    losses = task_losses("piece", logits, target, mask)
    expected = functional.cross_entropy(logits[0, :, 2, 5], target[0, 2, 5].long())
    assert losses.loss_n.tolist() == [pytest.approx(expected.item(), rel=1e-6), 0.0]
    assert losses.labelled_n.tolist() == [True, False]
    shown = task_losses("piece", logits.index_fill(2, torch.tensor([0]), 9.0), target, mask)
    assert torch.equal(shown.loss_n, losses.loss_n)


def test_squares_that_are_ignored_do_not_count() -> None:
    target = torch.full((2, 8, 8), 255, dtype=torch.uint8)
    target[0, 7, 3] = 2
    logits = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(4)).requires_grad_()
    losses = task_losses("king_safety", logits, target, None)
    expected = functional.cross_entropy(logits[0, :, 7, 3], torch.tensor(2)).item()
    assert losses.loss_n.tolist() == [pytest.approx(expected, rel=1e-6), 0.0]
    losses.loss_n.sum().backward()
    assert logits.grad is not None
    assert int(logits.grad.abs().sum(1).bool().sum()) == 1


def test_several_planes_are_yes_or_no_each() -> None:
    target = torch.zeros(1, 8, 8, 8, dtype=torch.uint8)
    target[0, 0, 1], target[0, 5, 1] = 1, 1  # two planes of the same squares
    logits = torch.where(target == 1, 9.0, -9.0)
    loss = task_losses("pawn_structure", logits, target, None).loss_n.item()
    assert loss == pytest.approx(math.log1p(math.exp(-9.0)), rel=1e-2)
