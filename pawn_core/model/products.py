"""Products with weights in float32 on a CPU, several weights in one, and their gradients.

torch multiplies float32 with MKL, whose code for CPUs of other makes than Intel's reaches four
fifths of what oneDNN's reaches there.

Shapes: n positions, i inputs, o outputs, f feed-forward width.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_FEW_SIZES = 16
"""Rows are a multiple of it: oneDNN makes code for each size that it meets, and keeps it."""
_WIDE, _WIDER = 128, 512  # from where oneDNN's gradients of weights are faster than MKL's


def are_ours(x: Tensor, *linears: nn.Module) -> bool:
    """Whether `side_by_side` is for these: plain layers, trained in float32 on such a CPU."""
    return (
        x.device.type == "cpu"
        and x.dtype is torch.float32
        and torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and all(type(linear) is nn.Linear for linear in linears)
        and _has_kernel()
    )


def side_by_side(x_bti: Tensor, *weights_oi: Tensor) -> Tensor:
    """Return `x @ weight.T` for each weight, side by side, (b, t, sum of o), in float32."""
    return _Projection.apply(x_bti.flatten(0, -2), *weights_oi).unflatten(0, x_bti.shape[:-1])


def swiglu(gate_up_bt2f: Tensor) -> Tensor:
    """Return `silu(gate) * up`, (b, t, f), of both side by side."""
    return _SwiGLU.apply(gate_up_bt2f)


def matmul(left_ni: Tensor, right_io: Tensor) -> Tensor:
    """Return a product of matrices by what is fastest; it has no gradient."""
    return _by_onednn(left_ni, right_io) if _suits(left_ni, right_io) else left_ni @ right_io


def transposed(weight_oi: Tensor) -> Tensor:
    """Return the transpose (i, o), laid out anew where that makes products with it faster."""
    ours = weight_oi.device.type == "cpu" and weight_oi.dtype is torch.float32 and _has_kernel()
    return weight_oi.T.contiguous() if ours else weight_oi.T


def weight_gradient(grad_no: Tensor, x_ni: Tensor) -> Tensor:
    """Return `grad.T @ x`, (o, i), by what is fastest for its shape."""
    outputs, inputs = grad_no.shape[1], x_ni.shape[1]
    if not _suits(x_ni, grad_no) or not torch.cpu.get_capabilities().get("avx512_f"):
        return grad_no.T @ x_ni
    if inputs >= _WIDE and outputs >= _WIDER:
        return _by_onednn(x_ni.T, grad_no).T
    return _by_onednn(grad_no.T, x_ni) if inputs >= _WIDER else grad_no.T @ x_ni


class _Projection(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_ni: Tensor, *weights_oi: Tensor) -> Tensor:
        ctx.save_for_backward(x_ni, *weights_oi)
        return _by_onednn(x_ni, torch.cat([weight.T for weight in weights_oi], dim=1))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x_ni, *weights_oi = ctx.saved_tensors
        grad_no = grads[0].contiguous()
        grad_x = _by_onednn(grad_no, torch.cat(weights_oi)) if ctx.needs_input_grad[0] else None
        if not any(ctx.needs_input_grad[1:]):
            return grad_x, *(None for _ in weights_oi)
        return grad_x, *weight_gradient(grad_no, x_ni).split([len(w) for w in weights_oi])


class _SwiGLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate_up: Tensor) -> Tensor:
        gate, up = gate_up.chunk(2, dim=-1)
        opened = F.silu(gate)
        ctx.save_for_backward(gate_up, opened)
        return opened * up

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        gate_up, opened = ctx.saved_tensors
        gate, up = gate_up.chunk(2, dim=-1)
        by_both = torch.empty_like(gate_up)
        by_gate, by_up = by_both.chunk(2, dim=-1)
        torch.mul(grads[0], opened, out=by_up)
        torch.ops.aten.silu_backward.grad_input(grads[0] * up, gate, grad_input=by_gate)
        return by_both


def _suits(x_ni: Tensor, other: Tensor) -> bool:
    of_few_sizes = x_ni.device.type == "cpu" and len(x_ni) % _FEW_SIZES == 0
    return of_few_sizes and x_ni.dtype is other.dtype is torch.float32 and _has_kernel()


def _by_onednn(left_ni: Tensor, right_io: Tensor) -> Tensor:
    """Return the product; a right factor whose rows are contiguous is the fastest.

    It is what the compiler makes of `nn.Linear` on a CPU: torch has no other way to oneDNN.
    """
    linear = torch.ops.mkldnn._linear_pointwise.default
    return linear(left_ni, right_io.T, None, "none", [], "")


@cache
def _has_kernel() -> bool:
    """Whether oneDNN can be asked, on a CPU where it was seen to be faster."""
    cpu = torch.cpu.get_capabilities()
    if not (cpu.get("avx2") and "AMD" in cpu.get("cpu_name", "")):
        return False
    try:
        return bool(_by_onednn(torch.ones(2, 3), torch.ones(3, 4)).eq(3.0).all())
    except (AttributeError, RuntimeError):
        return False
