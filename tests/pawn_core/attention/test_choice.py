"""The way of attention in packed rows is the first that works, tried before it is used."""

import sys

import pytest
import torch
from flash_on_cpu import flash_on_cpu

import pawn_core.attention
from pawn_core.attention.choice import (
    NAMES,
    WAYS,
    Situation,
    Way,
    choose,
    mask_maker,
    skips,
    trial,
)
from pawn_core.attention.masks import Sequences

CPU = torch.device("cpu")
HALF = Situation(CPU, torch.bfloat16, compiled=False)


@pytest.fixture(autouse=True)
def untried():
    """Let every test try for itself."""
    trial.cache_clear()
    yield
    trial.cache_clear()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("wanted", ["varlen", "flash"])
def test_kernels_that_give_what_attention_written_out_gives_are_taken(dtype, wanted: str) -> None:
    with flash_on_cpu() as calls:
        choice = choose([HALF._replace(dtype=dtype)], wanted)
        assert choose([HALF._replace(dtype=dtype)]).name == "varlen"
    assert (choice.name, choice.refused) == (wanted, {})
    assert calls[0]["strides"] == (3 * 2 * 64, 64, 1)  # values are a part of a larger product


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"causal": False}, "its mix is off by 9"),
        ({"scaled": 1.05}, "its mix is off by 5"),
        ({"gradients_scaled": 0.9}, "its gradient of q is off by 10"),
        ({"scaled": float("nan")}, "its mix is off by nan%"),
    ],
)
def test_a_kernel_that_computes_something_else_is_not_taken_and_the_reason_is_kept(
    fault, reason: str
) -> None:
    with flash_on_cpu(**fault):
        choice = choose([HALF])
    assert choice.name == "dense"
    assert choice.refused["varlen"].startswith(reason)
    assert choice.refused["flash"].startswith(reason)
    assert choice.refused["flex"] == "it needs compiling"


def test_a_kernel_that_is_not_there_is_not_taken_and_the_reason_is_a_line() -> None:
    refused = choose([HALF]).refused
    assert "_flash_attention_forward" in refused["varlen"]
    assert len(refused["varlen"]) <= 160


def test_a_torch_without_varlen_attention_takes_its_flash_kernel(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.nn.attention.varlen", None)
    monkeypatch.delitem(sys.modules, "pawn_core.attention.varlen", raising=False)
    monkeypatch.delattr(pawn_core.attention, "varlen", raising=False)
    with flash_on_cpu():
        choice = choose([HALF])
    assert choice.name == "flash"
    assert choice.refused["varlen"].startswith("ModuleNotFoundError: import of torch.nn.attention")


def test_a_kernel_that_breaks_the_device_ends_the_run_by_its_name(monkeypatch) -> None:
    def broken(*_, **__):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch, "zeros", broken)
    with pytest.raises(RuntimeError, match=r"'varlen' broke the device .*another.*'flex', 'dense'"):
        choose([HALF])


def test_what_works_for_one_model_of_a_run_must_work_for_all() -> None:
    narrow = HALF._replace(head_channels=12)
    with flash_on_cpu():
        choice = choose([HALF, narrow])
    assert choice.name == "dense"
    assert "12 channels; allowed: a multiple of 8 up to 256" in choice.refused["flash"]


@pytest.mark.parametrize("dtype", [None, torch.float32])
def test_float32_has_no_fused_kernel(dtype) -> None:
    with flash_on_cpu() as calls:
        refused = choose([HALF._replace(dtype=dtype)]).refused
    assert refused["varlen"] == refused["flash"] == "it computes in 16 bits only"
    assert not calls


def test_the_way_that_is_wanted_is_taken_or_refused_by_name() -> None:
    assert choose([HALF], "dense").name == "dense"
    with pytest.raises(ValueError, match=r"attention 'flex' does not work here: it needs.*'auto'"):
        choose([HALF], "flex")


def test_a_model_whose_heads_do_not_fit_takes_the_next_way() -> None:
    rows = _rows()
    assert isinstance(mask_maker("varlen", HALF)(rows), Sequences)
    assert mask_maker("flash", HALF)(rows).kernel == "flash"
    dense = mask_maker("varlen", HALF._replace(head_channels=12))(rows)
    assert dense.shape == (1, 1, 256, 256)
    compiled = HALF._replace(compiled=True, head_channels=20)
    assert mask_maker("varlen", compiled)(rows).BLOCK_SIZE == (128, 128)


@pytest.mark.parametrize("name", ["dense", "math", "spans"])
def test_ways_that_skip_nothing_have_dense_masks_and_no_packed_rows(name: str) -> None:
    assert not skips(name)
    assert mask_maker(name, HALF)(_rows()).dtype == torch.bool


def test_a_fast_way_skips_what_no_query_sees() -> None:
    assert [name for name in NAMES if skips(name)] == ["varlen", "flash", "flex"]


def test_a_trial_moves_no_random_numbers() -> None:
    before = torch.get_rng_state()
    assert trial(Way("dense", *WAYS[-1][1:]), HALF) is None
    assert torch.equal(torch.get_rng_state(), before)


def _rows():
    from pawn_core.data.sequences import Rows

    games = torch.tensor([100, 156]).repeat_interleave(torch.tensor([100, 156]))
    begins = torch.tensor([0, 100, 256], dtype=torch.int32)
    return Rows((games == 156).int()[None], torch.zeros(1, 256).int(), begins, 156)
