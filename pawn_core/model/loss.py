"""Cross-entropy over a linear head without keeping the logits.

Shapes: n supervised positions, c positions of a chunk, d width, v vocabulary.
"""

from typing import Any

import torch
from torch import Tensor

_CHUNK_ROWS = {"cpu": 256, "cuda": 16_384}  # CPU: a chunk's logits (2 MB) stay in the cache


def linear_cross_entropy(hidden_nd: Tensor, weight_vd: Tensor, targets_n: Tensor) -> Tensor:
    """Return the summed cross-entropy of `hidden @ weight.T`, in nats, as a scalar tensor."""
    return _LinearCrossEntropy.apply(hidden_nd, weight_vd, targets_n)


class _LinearCrossEntropy(torch.autograd.Function):
    """The gradients are made in the forward pass, chunk by chunk, while the logits are at hand."""

    @staticmethod
    def forward(ctx: Any, hidden_nd: Tensor, weight_vd: Tensor, targets_n: Tensor) -> Tensor:
        grad_hidden = torch.empty_like(hidden_nd)
        grad_weight = torch.zeros_like(weight_vd)
        loss = torch.zeros((), device=hidden_nd.device)
        rows = _CHUNK_ROWS[hidden_nd.device.type]
        for begin in range(0, len(hidden_nd), rows):
            chunk = slice(begin, begin + rows)
            hidden_cd, targets_c1 = hidden_nd[chunk], targets_n[chunk, None]
            log_p_cv = (hidden_cd @ weight_vd.T).float().log_softmax(dim=1)
            loss -= log_p_cv.gather(1, targets_c1).sum()
            residual_cv = log_p_cv.exp_()
            residual_cv.scatter_add_(1, targets_c1, residual_cv.new_full(targets_c1.shape, -1.0))
            grad_hidden[chunk] = residual_cv @ weight_vd
            grad_weight += residual_cv.T @ hidden_cd
        ctx.save_for_backward(grad_hidden, grad_weight)
        return loss

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        grad_hidden, grad_weight = ctx.saved_tensors
        return grad_hidden * grads[0], grad_weight * grads[0], None
