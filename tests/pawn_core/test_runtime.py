"""Device and precision choices, on a machine without a GPU."""

import pytest
import torch

from pawn_core.config import ConfigError, parse_config
from pawn_core.runtime import resolve_runtime

needs_no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")


def resolve(**fields):
    return resolve_runtime(parse_config({"local_checkpoints": True} | fields))


@needs_no_gpu
def test_auto_refuses_a_real_size_without_a_gpu_unless_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PAWN_ALLOW_CPU", raising=False)
    with pytest.raises(ConfigError, match=r"'auto' found no GPU.*PAWN_ALLOW_CPU=1"):
        resolve(variant="small")
    assert resolve(variant="small", device="cpu").device.type == "cpu"
    assert resolve(variant="toy").device.type == "cpu"
    monkeypatch.setenv("PAWN_ALLOW_CPU", "1")
    assert resolve(variant="small").device.type == "cpu"


@needs_no_gpu
def test_a_gpu_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="'cuda:3' does not exist: 0 GPUs found"):
        resolve(device="cuda:3", variant="toy")


@pytest.mark.parametrize(
    ("instructions", "precision"),
    [("avx512_bf16", "bfloat16"), ("amx_bf16", "bfloat16"), ("avx512_f", "none")],
)
def test_auto_precision_on_a_cpu_is_bfloat16_where_it_computes_in_it(
    monkeypatch: pytest.MonkeyPatch, instructions: str, precision: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {instructions: True})
    assert resolve(variant="toy", device="cpu").precision == precision
    assert resolve(variant="toy", device="cpu", amp_dtype="none").precision == "none"


def test_this_machines_auto_precision_follows_from_its_cpu() -> None:
    flags = torch.cpu.get_capabilities()
    native = flags.get("avx512_bf16") or flags.get("amx_bf16")
    assert resolve(variant="toy", device="cpu").precision == ("bfloat16" if native else "none")


@pytest.mark.parametrize(
    ("fields", "dtype"),
    [
        ({"amp_dtype": "none"}, None),
        ({"no_amp": True}, None),
        ({"amp_dtype": "bfloat16"}, torch.bfloat16),
        ({"amp_dtype": "float16"}, torch.float16),
    ],
)
def test_on_a_cpu_the_precision_is_what_was_asked(fields, dtype) -> None:
    runtime = resolve(variant="toy", device="cpu", **fields)
    assert runtime.amp_dtype == dtype
    assert (runtime.grad_scaler() is not None) == (dtype == torch.float16)
    with runtime.autocast():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (dtype or torch.float32)


def test_a_cpu_run_compiles_only_when_told_to() -> None:
    assert not resolve(variant="toy", device="cpu").compiled
    assert not resolve(variant="toy", device="cpu", no_compile=True).compiled
    assert resolve(variant="toy", device="cpu", no_compile=False).compiled


def test_sdpa_math_turns_the_fused_attention_off() -> None:
    try:
        resolve(variant="toy", device="cpu", sdpa_math=True)
        assert not torch.backends.cuda.flash_sdp_enabled()
        assert not torch.backends.cuda.mem_efficient_sdp_enabled()
        assert torch.backends.cuda.math_sdp_enabled()
    finally:
        torch.backends.cuda.enable_flash_sdp(True)
        torch.backends.cuda.enable_mem_efficient_sdp(True)
        torch.backends.cuda.enable_cudnn_sdp(True)
