"""Cross-entropy against sparse targets over a linear head.

Shapes: n supervised positions, c positions of a chunk, d width, v vocabulary, e target entries.
"""

from typing import Any

import torch
from torch import Tensor

from pawn_core.data.targets import Targets

_CHUNK_ROWS = {"cpu": 256, "cuda": 16_384}  # CPU: a chunk's logits (2 MB) stay in the cache


def linear_cross_entropy(hidden_nd: Tensor, weight_vd: Tensor, targets: Targets) -> Tensor:
    """Return the cross-entropy of `logits = hidden @ weight.T`, summed over positions, in nats.

    Only a chunk of the logits ever exists.
    """
    return _LinearCrossEntropy.apply(hidden_nd, weight_vd, targets)


class _LinearCrossEntropy(torch.autograd.Function):
    """The gradients are made in the forward pass, chunk by chunk, while the logits are at hand."""

    @staticmethod
    def forward(ctx: Any, hidden_nd: Tensor, weight_vd: Tensor, targets: Targets) -> Tensor:
        grad_hidden = torch.empty_like(hidden_nd)
        grad_weight = torch.zeros_like(weight_vd)
        loss = torch.zeros((), device=hidden_nd.device)
        hidden_nd, weight_vd = _as_computed(hidden_nd), _as_computed(weight_vd)
        rows = _CHUNK_ROWS[hidden_nd.device.type]
        for begin in range(0, len(hidden_nd), rows):
            hidden_cd = hidden_nd[begin : begin + rows]
            logits_cv = (hidden_cd @ weight_vd.T).float()
            chunk_loss, residual_cv = _loss_and_residual(logits_cv, targets, begin)
            loss += chunk_loss
            grad_hidden[begin : begin + rows] = residual_cv @ weight_vd
            grad_weight += residual_cv.T @ hidden_cd
        ctx.save_for_backward(grad_hidden, grad_weight)
        return loss

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        grad_hidden, grad_weight = ctx.saved_tensors
        return grad_hidden * grads[0], grad_weight * grads[0], None


def _as_computed(x: Tensor) -> Tensor:
    """Cast to the autocast type, where that is on: once, not chunk by chunk."""
    device = x.device.type
    return x.to(torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else x


def _loss_and_residual(logits_cv: Tensor, targets: Targets, begin: int) -> tuple[Tensor, Tensor]:
    """Return a chunk's loss and its gradient by the logits, `softmax(logits) - targets`."""
    rows, tokens = logits_cv.shape
    entries = slice(targets.starts[begin], targets.starts[begin + rows])
    weights_e = targets.weights_e[entries]
    rows_e = (targets.positions_e[entries] - begin).long()
    flat_e = rows_e * tokens + targets.tokens_e[entries]
    p_cv = logits_cv.softmax(dim=1)
    # log p = logit - (largest logit - log of the largest p): one exponential a logit, where
    # log_softmax and its exponential take two, and log p itself would be that of 0.
    normalizer_c = logits_cv.amax(dim=1) - p_cv.amax(dim=1).log_()
    log_p_e = logits_cv.flatten()[flat_e] - normalizer_c[rows_e]
    p_cv.view(-1)[flat_e] -= weights_e
    return -torch.dot(weights_e, log_p_e), p_cv
