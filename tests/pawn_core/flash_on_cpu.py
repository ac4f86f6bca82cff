"""The kernels of flash attention for a CPU, in loops: what a GPU's operators are called with.

Shapes: n tokens, h heads, q tokens of a sequence, k channels of a head.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

FUTURE = (-1, 0)


class Calls(list[dict[str, Any]]):
    """What was called for."""

    def __init__(self) -> None:
        super().__init__()
        self.pointers: list[tuple[int, ...]] = []
        """Where queries, keys and values lay."""


@contextmanager
def flash_on_cpu(
    *, causal: bool = True, scaled: float = 1.0, gradients_scaled: float = 1.0
) -> Iterator[Calls]:
    """Let a CPU have the two operators; `causal` False or a factor makes them wrong."""
    calls, library = Calls(), torch.library.Library("aten", "IMPL")

    def forward(q: Tensor, k: Tensor, v: Tensor, begins: Tensor, _: Tensor, *rest: Any, **more):
        windows = (more.get("window_size_left"), more.get("window_size_right"))
        causal_call = rest[3] or windows == FUTURE
        bounds = {"longest": rest[0], "longest_keys": rest[1]}
        calls.append({"causal": causal_call, "strides": v.stride()} | bounds)
        calls.pointers.append(tuple(x.data_ptr() for x in (q, k, v)))
        assert calls[-1]["causal"], "future moves are seen"
        assert begins.dtype == torch.int32
        assert begins[0] == 0
        assert begins[-1] == len(q)
        assert int(begins.diff().max()) <= rest[0]
        assert int(begins.diff().min()) >= 0
        mixed = torch.cat([_mixed(*xs, causal) for xs in _sequences(begins, q, k, v)]) * scaled
        logsumexp = q.new_zeros(q.shape[1], len(q), dtype=torch.float32)
        state, unused = torch.zeros(2, dtype=torch.uint64), torch.zeros((), dtype=torch.uint64)
        return mixed.to(q.dtype), logsumexp, state, unused, torch.empty(0)

    def backward(
        grad: Tensor, q: Tensor, k: Tensor, v: Tensor, out: Tensor, lse: Tensor, *rest, **_
    ):
        parts = [_gradients(*xs, causal) for xs in _sequences(rest[0], grad, q, k, v)]
        return tuple(
            (torch.cat(part) * scaled * gradients_scaled).to(q.dtype)
            for part in zip(*parts, strict=True)
        )

    library.impl("_flash_attention_forward", forward, "CPU")
    library.impl("_flash_attention_backward", backward, "CPU")
    try:
        yield calls
    finally:
        library._destroy()


def _sequences(begins: Tensor, *inputs: Tensor) -> Iterator[list[Tensor]]:
    for begin, end in pairwise(begins.tolist()):
        yield [x_nhk[begin:end].transpose(0, 1).float() for x_nhk in inputs]


def _shares(q_hqk: Tensor, k_hqk: Tensor, causal: bool) -> Tensor:
    scores = q_hqk @ k_hqk.mT * q_hqk.shape[-1] ** -0.5
    future = scores.new_full(scores.shape[1:], -torch.inf).triu(1)
    return (scores + future if causal else scores).softmax(-1)


def _mixed(q_hqk: Tensor, k_hqk: Tensor, v_hqk: Tensor, causal: bool) -> Tensor:
    return (_shares(q_hqk, k_hqk, causal) @ v_hqk).transpose(0, 1)


def _gradients(
    grad_hqk: Tensor, q_hqk: Tensor, k_hqk: Tensor, v_hqk: Tensor, causal: bool
) -> list[Tensor]:
    shares = _shares(q_hqk, k_hqk, causal)
    of_shares = grad_hqk @ v_hqk.mT
    of_scores = shares * (of_shares - (of_shares * shares).sum(-1, keepdim=True))
    of_scores *= q_hqk.shape[-1] ** -0.5
    gradients = (of_scores @ k_hqk, of_scores.mT @ q_hqk, shares.mT @ grad_hqk)
    return [gradient.transpose(0, 1) for gradient in gradients]
