"""What is summed of each position, so that every figure of any set of positions is one of sums.

Shapes: n positions, k outputs of a head, 8 x 8 squares.
"""

import torch
from torch import Tensor

from pawn_core.config.position_tasks import position_task
from pawn_core.multitask.losses import (
    labelled_squares,
    policy_losses,
    task_losses,
)
from pawn_core.position_model import Outputs
from pawn_core.positions import PositionBatch

VALUE_BINS = 10
"""Of predicted values, from -1 to 1."""

Columns = dict[str, Tensor]
"""A number (n,) of each position, float32, by name."""


def columns_of(outputs: Outputs, batch: PositionBatch) -> Columns:
    """Return what a batch adds to sums, on its device."""
    columns = {"positions": torch.ones_like(batch.value_n)}
    columns |= _policy(outputs.policy, batch) | _value(outputs.value, batch.value_n)
    for task, logits in outputs.tasks.items():
        columns |= _task(task, logits, batch.targets[task], batch.piece_mask)
    return {name: column_n.float() for name, column_n in columns.items()}


def _policy(policy: Tensor, batch: PositionBatch) -> Columns:
    """Return the columns of the policy; `legal` counts positions that have a legal move.

    The best moves are those with the largest labelled probability; that one of them is the
    likeliest legal move, or among the five, does not count where others are as likely.
    """
    policy = policy.float()
    losses = policy_losses(policy, batch)
    legal = torch.zeros_like(policy, dtype=torch.bool)
    legal[batch.legal_rows, batch.legal_indices] = True
    count_n = legal.sum(1)
    label = torch.zeros_like(policy).index_put(
        (batch.policy_rows, batch.policy_indices), batch.policy_probs
    )
    best = label == label.amax(1, keepdim=True)
    best_logit_n1 = policy.masked_fill(~best, -torch.inf).amax(1, keepdim=True)
    rivals_n = (legal & ~best & (policy >= best_logit_n1)).sum(1)
    labelled_n = losses.labelled_n
    return {
        "policy_labelled": labelled_n,
        "policy_loss": losses.loss_n,
        "policy_uniform": labelled_n * count_n.clamp(min=1).log(),
        "policy_floor": -torch.special.xlogy(label, label).sum(1),
        "policy_top1": labelled_n & (rivals_n < 1),
        "policy_top5": labelled_n & (rivals_n < 5),
        "legal": count_n > 0,
        "legal_mass": (policy.softmax(1) * legal).sum(1),
    }


def _value(value_n: Tensor, target_n: Tensor) -> Columns:
    """Return the columns of the value; those of its sign count labels other than 0."""
    labelled_n, target_n = ~target_n.isnan(), target_n.nan_to_num(0.0).float()
    value_n = value_n.float() * labelled_n
    error_n = value_n - target_n
    decided_n = target_n != 0
    bins_n = ((value_n + 1) * VALUE_BINS / 2).floor().clamp(0, VALUE_BINS - 1)
    columns = {
        "value_labelled": labelled_n,
        "value_error": error_n.abs(),
        "value_square": error_n.square(),
        "value_target": target_n,
        "value_target_square": target_n.square(),
        "sign_asked": decided_n,
        "sign_right": decided_n & (value_n.sign() == target_n.sign()),
    }
    for number in range(VALUE_BINS):
        in_bin_n = labelled_n & (bins_n == number)
        columns |= {
            f"bin{number}": in_bin_n,
            f"bin{number}_value": in_bin_n * value_n,
            f"bin{number}_target": in_bin_n * target_n,
        }
    return columns


def _task(task: str, logits: Tensor, target: Tensor, piece_mask: Tensor | None) -> Columns:
    """Return the columns of a task: its loss, and which share of its squares has each label."""
    losses = task_losses(task, logits, target, piece_mask)
    labelled = labelled_squares(task, target, piece_mask)
    count_n = labelled.flatten(1).sum(1).clamp(min=1)
    columns = {f"{task}_labelled": losses.labelled_n, f"{task}_loss": losses.loss_n}
    for number in range(position_task(task).outputs):
        shares_n = label_of(task, target, labelled, number).flatten(1).sum(1) / count_n
        columns[f"{task}_label{number}"] = shares_n
    return columns


def label_of(task: str, target: Tensor, labelled: Tensor, number: int) -> Tensor:
    """Return where a target has a class, or where one of its planes says yes, as bool."""
    if position_task(task).law == "classes":
        return labelled & (target == number)
    yes = labelled & (target == 1)
    return yes if yes.dim() == 3 else yes[:, number]
