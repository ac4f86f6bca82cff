"""Losses of a position model, a number a position: the same in training and in evaluation.

A position without a label has no loss: means are over those that have one, so that what is absent
from a batch neither counts nor makes a mean of nothing.

Shapes: n positions, m legal moves of them all, p labelled ones, k outputs of a head, 8 x 8 squares.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from pawn_core.config.position_tasks import IGNORED, position_task
from pawn_core.positions import PositionBatch


class Losses(NamedTuple):
    """The loss of each position that has one."""

    loss_n: Tensor
    """float32, nats or squares of values; 0 where there is no label."""
    labelled_n: Tensor
    """bool."""

    def mean(self) -> Tensor | None:
        """Return the mean over the positions that have a label; None where none has."""
        labelled = int(self.labelled_n.sum())
        return self.loss_n.sum() / labelled if labelled else None


def labelled_squares(task: str, target: Tensor, piece_mask: Tensor | None) -> Tensor:
    """Return where a target (n, 8, 8), or (n, k, 8, 8), says what counts, as bool.

    A task of hidden squares counts where `piece_mask` is true, and everywhere without a mask.
    """
    labelled = target != IGNORED
    if position_task(task).of_hidden and piece_mask is not None:
        labelled &= piece_mask
    return labelled


def square_losses(task: str, logits: Tensor, target: Tensor, labelled: Tensor) -> Tensor:
    """Return the cross-entropy of each square, of the target's shape, 0 where it does not count.

    Args:
        logits: (n, k, 8, 8), of any floating-point type; the loss is computed in float32.
    """
    logits, asked = logits.float(), target.masked_fill(~labelled, 0)
    if position_task(task).law == "classes":
        losses = functional.cross_entropy(logits, asked.long(), reduction="none")
    else:
        shaped = logits.view_as(target)
        losses = functional.binary_cross_entropy_with_logits(
            shaped, asked.float(), reduction="none"
        )
    return losses.masked_fill(~labelled, 0.0)


def task_losses(task: str, logits: Tensor, target: Tensor, piece_mask: Tensor | None) -> Losses:
    """Return the mean loss over the squares that count of each position.

    Args:
        logits: (n, k, 8, 8).
        target: uint8, (n, 8, 8), or (n, k, 8, 8) of several planes; 255: ignored.
        piece_mask: bool (n, 8, 8): squares that were hidden from the input.
    """
    labelled = labelled_squares(task, target, piece_mask)
    losses = square_losses(task, logits, target, labelled).flatten(1).sum(1)
    count_n = labelled.flatten(1).sum(1)
    return Losses(losses / count_n.clamp(min=1), count_n > 0)


def legal_log_totals(policy: Tensor, batch: PositionBatch) -> Tensor:
    """Return log sum exp over each position's legal moves of its logits (n, 4672), float32 (n,).

    A logit less this is the log-probability among the legal moves; -inf where there is none.
    """
    logits_m = policy.float()[batch.legal_rows, batch.legal_indices]
    largest_n = logits_m.new_full((len(policy),), -torch.inf)
    largest_n = largest_n.scatter_reduce(0, batch.legal_rows, logits_m.detach(), "amax")
    shifted_m = (logits_m - largest_n[batch.legal_rows]).exp()
    return largest_n + _sums(shifted_m, batch.legal_rows, len(policy)).log()


def policy_losses(policy: Tensor, batch: PositionBatch, smoothing: float = 0.0) -> Losses:
    """Return the cross-entropy of each position's labelled moves, in nats, among its legal moves.

    Args:
        policy: logits (n, 4672), of any floating-point type.
        smoothing: share of the label that is spread evenly over the legal moves.
    """
    positions, logits, totals_n = len(policy), policy.float(), legal_log_totals(policy, batch)
    asked_p = batch.policy_probs * logits[batch.policy_rows, batch.policy_indices]
    asked_n = _sums(asked_p, batch.policy_rows, positions)
    labelled_n = _sums(batch.policy_probs, batch.policy_rows, positions) > 0
    if smoothing:
        legal_m = logits[batch.legal_rows, batch.legal_indices]
        legal_n = _sums(torch.ones_like(legal_m), batch.legal_rows, positions).clamp(min=1)
        even_n = _sums(legal_m, batch.legal_rows, positions) / legal_n
        asked_n = (1 - smoothing) * asked_n + smoothing * even_n
    return Losses((totals_n - asked_n).masked_fill(~labelled_n, 0.0), labelled_n)


def _sums(values_m: Tensor, rows_m: Tensor, positions: int) -> Tensor:
    """Return the sums (n,) of what belongs to each position."""
    return values_m.new_zeros(positions).index_add(0, rows_m, values_m)


ValueLoss = Literal["huber", "mse"]


def value_losses(
    value_n: Tensor,
    wdl: Tensor | None,
    target_n: Tensor,
    kind: ValueLoss = "mse",
    huber_delta: float = 1.0,
) -> Losses:
    """Return each position's loss of the value; nan in `target_n` is no label.

    Args:
        value_n: from -1 to 1, of the side to move.
        wdl: logits (n, 3) of loss, draw and win; where a model has them, the loss is their
            cross-entropy whatever `kind`.
        huber_delta: error from which on the Huber loss (1964) rises as a line; below, it is half
            the square.
    """
    labelled_n = ~target_n.isnan()
    asked_n = target_n.nan_to_num(0.0).float()
    if wdl is not None:
        loss_n = -(loss_draw_win(asked_n) * wdl.float().log_softmax(1)).sum(1)
    elif kind == "huber":
        loss_n = functional.huber_loss(
            value_n.float(), asked_n, reduction="none", delta=huber_delta
        )
    else:
        loss_n = (value_n.float() - asked_n).square()
    return Losses(loss_n.masked_fill(~labelled_n, 0.0), labelled_n)


def loss_draw_win(value_n: Tensor) -> Tensor:
    """Return the law (n, 3) of loss, draw and win that has this mean and the most draws."""
    return torch.stack(((-value_n).clamp(min=0), 1 - value_n.abs(), value_n.clamp(min=0)), dim=1)
