"""RMSNorm (Zhang & Sennrich, 2019, arXiv 1910.07467), several times as fast to train on a CPU.

Shapes: n positions of any batch, d width.
"""

from typing import Any

import torch
from torch import Tensor, nn


class RMSNorm(nn.RMSNorm):
    """`x / sqrt(mean(x^2) + eps) * weight`; of x in fewer bits than the weight, in the weight's."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalize each position."""
        x = x.to(torch.promote_types(x.dtype, self.weight.dtype))
        own = x.device.type == "cpu" and x.dtype is torch.float32
        if not own or torch.compiler.is_compiling():
            return super().forward(x)
        return _RMSNorm.apply(x, self.weight, self.eps)


class _RMSNorm(torch.autograd.Function):
    """torch's own is a chain of operations on a CPU, each with a backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight_d: Tensor, eps: float) -> Tensor:
        squares = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_()
        inverse = squares.div_(x.shape[-1]).add_(eps).rsqrt_()
        ctx.save_for_backward(x, inverse, weight_d)
        return (x * inverse).mul_(weight_d)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, inverse, weight_d = ctx.saved_tensors
        by_x, by_weight, _ = ctx.needs_input_grad
        products_nd = (grads[0] * x).flatten(0, -2)
        grad_weight = torch.mv(products_nd.T, inverse.flatten()) if by_weight else None
        if not by_x:
            return None, grad_weight, None
        along = torch.mv(products_nd, weight_d).view_as(inverse) * inverse**3 / x.shape[-1]
        grad_x = (grads[0] * weight_d).mul_(inverse).addcmul_(x, along, value=-1)
        return grad_x, grad_weight, None
