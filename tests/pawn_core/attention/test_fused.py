"""Fused kernels get games as they lie in rows, and give what a dense mask gives."""

import pytest
import torch
from flash_on_cpu import flash_on_cpu
from torch import Tensor

from pawn_core.attention import varlen
from pawn_core.attention.fused import KERNELS
from pawn_core.attention.masks import Sequences, dense_mask
from pawn_core.data.sequences import Rows
from pawn_core.model.attention import attend
from pawn_core.runtime import Runtime

LENGTHS = torch.tensor([1, 37, 90, 70, 30, 28])  # two rows of 128
GAMES = torch.repeat_interleave(torch.arange(6), LENGTHS).view(2, 128)
BEGINS = torch.tensor([0, *LENGTHS]).cumsum(0).int()


def drawn(dtype: torch.dtype) -> list[Tensor]:
    """Return q, k, v and the gradient of their mix, (b, t, h, k)."""
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(2, 128, 3, 16, dtype=dtype, generator=generator) for _ in range(4)]


def mix_and_gradients(function, mask, dtype: torch.dtype) -> tuple[Tensor, ...]:
    *inputs, grad = drawn(dtype)
    inputs = [x.requires_grad_() for x in inputs]
    mixed = function(*(x.transpose(1, 2) for x in inputs), mask).transpose(1, 2)
    return mixed, *torch.autograd.grad(mixed, inputs, grad)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("kernel", KERNELS)
def test_the_mix_and_its_gradients_are_those_of_a_dense_mask(kernel: str, compiled: bool) -> None:
    function = torch.compile(attend, backend="aot_eager", fullgraph=True) if compiled else attend
    expected = mix_and_gradients(attend, dense_mask(GAMES), torch.float32)
    with flash_on_cpu() as calls:
        found = mix_and_gradients(function, Sequences(BEGINS, 90, kernel), torch.float32)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    assert calls == [{"causal": True, "strides": (48, 16, 1), "longest": 90, "longest_keys": 90}]


def test_another_number_of_sequences_is_not_compiled_anew() -> None:
    runtime = Runtime(torch.device("cuda"), torch.bfloat16, compiled=True, attention="flash")
    mask_of = runtime.mask_maker(head_channels=16)
    function = torch.compile(attend, backend="aot_eager", fullgraph=True, dynamic=False)
    q, k, v, _ = (x.transpose(1, 2) for x in drawn(torch.float32))
    torch._dynamo.reset()
    with flash_on_cpu(), torch._dynamo.config.patch(error_on_recompile=True):
        for begins_r in (BEGINS, BEGINS[[0, 1, 2, 3, 4, 6]], BEGINS[[0, 2, 3, 6]]):
            mask = mask_of(Rows(GAMES, GAMES, begins_r, 128))
            torch.testing.assert_close(function(q, k, v, mask), attend(q, k, v, mask))


def test_projections_are_not_copied_on_their_way_to_the_kernel() -> None:
    q, k, v, _ = drawn(torch.bfloat16)
    with flash_on_cpu() as calls:
        attend(*(x.transpose(1, 2) for x in (q, k, v)), Sequences(BEGINS, 90, "flash"))
    assert calls.pointers == [(q.data_ptr(), k.data_ptr(), v.data_ptr())]


def test_causality_is_spelled_as_the_torch_at_hand_spells_it() -> None:
    def windowed(q, k, v, cu_seq_q, cu_seq_k, max_q, max_k, *, window_size=(-1, -1)): ...
    def flagged(q, k, v, cu_seq_q, cu_seq_k, max_q, max_k, is_causal=False, window_size=None): ...
    def mute(q, k, v): ...

    assert varlen.causal_in(windowed) == {"window_size": (-1, 0)}
    assert varlen.causal_in(flagged) == {"is_causal": True}
    with pytest.raises(TypeError, match="is_causal"):
        varlen.causal_in(mute)
