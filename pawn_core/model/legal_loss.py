"""The loss of moves that were played, beside those that could have been.

Shapes: n supervised positions, c positions of a chunk, v vocabulary, m most legal moves of a
position.
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from pawn_core.model.loss import (
    Criterion,
    DenseResidual,
    SparseResidual,
    at_least_float32,
    normalizer,
)


class PlayedMoves(NamedTuple):
    """What was played at each position, and what could have been."""

    targets_n: Tensor
    """int64 (n,), each one of the legal moves."""
    legal_nm: Tensor
    """Integer (n, m), -1 behind the last legal move."""

    def at(self, positions: slice) -> "PlayedMoves":
        """Return those of some positions, as indices."""
        return PlayedMoves(self.targets_n[positions], self.legal_nm[positions].long())

    @property
    def tokens_nm(self) -> Tensor:
        """Return the legal moves with some token in place of -1."""
        return self.legal_nm.clamp(min=0)

    @property
    def absent_nm(self) -> Tensor:
        """Return where there is no legal move."""
        return self.legal_nm < 0


def legal_criterion(played: PlayedMoves, illegal_penalty: float | None) -> Criterion:
    """Return what makes (2,) of logits: the loss, nats, and how often no legal move is likelier.

    Both are summed over positions. Without a penalty the loss is the cross-entropy with illegal
    logits at minus infinity; with one, the cross-entropy over the whole vocabulary plus the penalty
    times the probability of all tokens that are no legal move.
    """
    if illegal_penalty is None:
        return partial(_masked, played)
    return partial(_penalized, played, illegal_penalty)


def _masked(
    played: PlayedMoves, logits_cv: Tensor, positions: slice
) -> tuple[Tensor, SparseResidual]:
    """Return a chunk's sums and its gradient, which is none at illegal tokens."""
    logits_cv, played = at_least_float32(logits_cv), played.at(positions)
    tokens_cm = played.tokens_nm
    legal_cm = logits_cv.gather(1, tokens_cm).masked_fill_(played.absent_nm, -torch.inf)
    log_p_cm = legal_cm.log_softmax(dim=1)
    is_target_cm = played.legal_nm == played.targets_n[:, None]
    residual_cm = log_p_cm.exp().sub_(is_target_cm.to(log_p_cm.dtype))
    loss = -log_p_cm.masked_fill(~is_target_cm, 0.0).sum()  # an index would wait for a GPU
    residual = SparseResidual(tokens_cm, residual_cm, logits_cv.shape[1])
    return torch.stack((loss, _top1(logits_cv, legal_cm, played.targets_n))), residual


def _penalized(
    played: PlayedMoves, penalty: float, logits_cv: Tensor, positions: slice
) -> tuple[Tensor, DenseResidual]:
    """Return a chunk's sums and its gradient.

    That of the illegal mass 1 - L is -p (1 - L) at legal tokens and p L at others.
    """
    logits_cv, played = at_least_float32(logits_cv), played.at(positions)
    targets_c1, tokens_cm = played.targets_n[:, None], played.tokens_nm
    p_cv = logits_cv.softmax(dim=1)
    legal_cm = logits_cv.gather(1, tokens_cm).masked_fill_(played.absent_nm, -torch.inf)
    legal_p_cm = p_cv.gather(1, tokens_cm).masked_fill_(played.absent_nm, 0.0)
    mass_c1 = legal_p_cm.sum(dim=1, keepdim=True)
    loss_c = normalizer(logits_cv, p_cv) - logits_cv.gather(1, targets_c1)[:, 0]
    loss = loss_c.sum() + penalty * (1 - mass_c1).sum()
    residual_cv = p_cv.mul_(1 + penalty * mass_c1).scatter_add_(1, tokens_cm, -penalty * legal_p_cm)
    residual_cv.scatter_add_(1, targets_c1, torch.full_like(mass_c1, -1.0))
    top1 = _top1(logits_cv, legal_cm, played.targets_n)
    return torch.stack((loss, top1)), DenseResidual(residual_cv)


def _top1(logits_cv: Tensor, legal_cm: Tensor, targets_c: Tensor) -> Tensor:
    """Return at how many positions no legal move is likelier than the target."""
    return (logits_cv.gather(1, targets_c[:, None])[:, 0] >= legal_cm.amax(dim=1)).sum()
