"""A linear map with an update of low rank, in a step where the map itself is seldom trained.

Shapes: n positions of any batch, i and o channels in and out, r rank.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from pawn_core.model.precision import as_computed


def low_rank_linear(x: Tensor, weight_oi: Tensor, a_ri: Tensor, b_or: Tensor) -> Tensor:
    """Return `x (weight + b a).T`, (.., o), without ever making the sum.

    On a CPU, products with a narrow side are written so that the library is fast with them: of a
    step of LoRA on attention's matrices they are then a tenth, where autograd's own are a third.
    """
    if torch.compiler.is_compiling():  # it has no such functions, and chooses for itself
        return F.linear(x, weight_oi) + F.linear(F.linear(x, a_ri), b_or)
    return _LowRankLinear.apply(x, weight_oi, a_ri, b_or)


class _LowRankLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight_oi: Tensor, a_ri: Tensor, b_or: Tensor) -> Tensor:
        x, weight_oi, a_ri, b_or = as_computed(x, weight_oi, a_ri, b_or)
        x_ni = x.reshape(-1, x.shape[-1])
        low_nr = x_ni @ a_ri.T
        y_no = (x_ni @ weight_oi.T).addmm_(low_nr, b_or.T)
        ctx.save_for_backward(x_ni, weight_oi, a_ri, b_or, low_nr)
        return y_no.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x_ni, weight_oi, a_ri, b_or, low_nr = ctx.saved_tensors
        grad_no = grads[0].reshape(-1, grads[0].shape[-1])
        grad_nr = grad_no @ b_or.T.contiguous().T
        by_x, by_weight, *_ = ctx.needs_input_grad
        return (
            _by_input(grad_no, grad_nr, weight_oi, a_ri, grads[0]) if by_x else None,
            grad_no.T @ x_ni if by_weight else None,
            grad_nr.T @ x_ni,
            (low_nr.T @ grad_no).T,
        )


def _by_input(
    grad_no: Tensor, grad_nr: Tensor, weight_oi: Tensor, a_ri: Tensor, like: Tensor
) -> Tensor:
    grad_ni = (grad_no @ weight_oi).addmm_(grad_nr, a_ri)
    return grad_ni.view(*like.shape[:-1], -1)
