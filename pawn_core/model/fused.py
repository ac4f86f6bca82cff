"""Criteria of chunked losses in the form that a compiler fuses: dense, with no wait for a GPU.

Each makes its residual in the type of the logits, of which it reads and writes each once or twice.

Shapes: c positions of a chunk, v vocabulary, w columns of the logits: v, and more up to a multiple
of ALIGNMENT, e target entries, m most legal moves of a position.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from pawn_core.model.legal_loss import PlayedMoves, legal_criterion
from pawn_core.model.loss import at_least_float32

ALIGNMENT = 8
"""Rows of 16-bit logits begin at 16 bytes: what a GPU's fast products need."""


def one_token(logits_cw: Tensor, targets_c: Tensor, v: int) -> tuple[Tensor, Tensor]:
    """Return the cross-entropy (1,) against one token each, nats, and its gradient (c, w).

    Positions whose target is below 0 count for nothing.
    """
    logits_cv, counted_c1 = at_least_float32(logits_cw[:, :v]), targets_c[:, None] >= 0
    column_c1 = targets_c.clamp(min=0)[:, None]
    normalizer_c1 = logits_cv.logsumexp(dim=1, keepdim=True)
    losses_c1 = (normalizer_c1 - logits_cv.gather(1, column_c1)) * counted_c1
    is_target_cv = torch.arange(v, device=targets_c.device) == column_c1
    residual_cv = ((logits_cv - normalizer_c1).exp() - is_target_cv.float()) * counted_c1
    return losses_c1.sum()[None], _as_logits(residual_cv, logits_cw)


def distribution(
    logits_cw: Tensor,
    targets_c: Tensor,
    rows_e: Tensor,
    tokens_e: Tensor,
    weights_e: Tensor,
    v: int,
) -> tuple[Tensor, Tensor]:
    """Return the cross-entropy (1,) against weights of tokens, nats, and its gradient (c, w).

    A position's weights sum to 1, or its target is below 0 and they are 0. A token stands once in
    a row, but for those of weight 0.
    """
    logits_cv, counted_c1 = at_least_float32(logits_cw[:, :v]), targets_c[:, None] >= 0
    normalizer_c1 = logits_cv.logsumexp(dim=1, keepdim=True)
    p_cv = (logits_cv - normalizer_c1).exp() * counted_c1
    rows_e, tokens_e = rows_e.long(), tokens_e.long()
    log_p_e = logits_cv[rows_e, tokens_e] - normalizer_c1[rows_e, 0]
    # Rounded once, from the difference: p alone in 16 bits would be off by more than p - 1.
    residual_e = log_p_e.exp() * counted_c1[rows_e, 0] - weights_e
    residual_cw = _as_logits(p_cv, logits_cw)
    residual_cw = residual_cw.index_put((rows_e, tokens_e), residual_e.to(residual_cw.dtype))
    return -(weights_e * log_p_e).sum()[None], residual_cw


def legal_moves(
    logits_cw: Tensor, targets_c: Tensor, legal_cm: Tensor, penalty: float | None, v: int
) -> tuple[Tensor, Tensor]:
    """Return the sums (2,) of `legal_criterion` and the loss's gradient (c, w)."""
    criterion = legal_criterion(PlayedMoves(targets_c, legal_cm), penalty)
    sums, residual = criterion(logits_cw[:, :v], slice(None))
    return sums, _as_logits(residual.dense(), logits_cw)


def _as_logits(residual_cv: Tensor, logits_cw: Tensor) -> Tensor:
    more = logits_cw.shape[1] - residual_cv.shape[1]
    return F.pad(residual_cv.to(logits_cw.dtype), (0, more))
