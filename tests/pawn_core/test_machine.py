"""What a machine can run, said before torch is there."""

import ctypes
import re
import subprocess
import sys

import pytest

from pawn_core import machine
from pawn_core.config import parse_config
from pawn_core.machine import Machine, refusals, this_machine, warnings

GIB = 1 << 30
LAPTOP = Machine(gpus=(), cpu_flags=frozenset({"avx2"}), cpu_memory=8 * GIB)
POD = Machine(gpus=(80 * GIB, 80 * GIB), cpu_flags=frozenset({"avx2"}), cpu_memory=8 * GIB)


def config(**fields):
    return parse_config({"local_checkpoints": True, "variant": "toy"} | fields)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"variant": "base"}, "device 'auto' found no GPU, .*PAWN_ALLOW_CPU=1"),
        ({"variant": "custom", "d_model": 8, "n_layers": 1, "n_heads": 1}, "'auto' found no GPU"),
        ({"device": "cuda"}, "device 'cuda' does not exist: 0 GPUs found; or use 'cpu'"),
        ({"device": "cuda:0"}, "device 'cuda:0' does not exist"),
        ({"gpus": 2}, "gpus 2 is not allowed: 0 GPUs found; on device 'cpu'"),
        (
            {"variant": "large", "d_model": 8192, "device": "cpu"},
            "10,754,998,272 parameters do not fit: .* take 160.3 GiB of 8.0 GiB",
        ),
    ],
)
def test_a_machine_without_gpus_refuses_what_needs_them(monkeypatch, fields, reason):
    monkeypatch.delenv("PAWN_ALLOW_CPU", raising=False)
    (refusal,) = refusals(config(**fields), LAPTOP)
    assert re.search(reason, refusal)


@pytest.mark.parametrize("fields", [{}, {"variant": "base", "device": "cpu"}, {"device": "cpu"}])
def test_a_machine_without_gpus_runs_what_is_meant_for_it(monkeypatch, fields):
    monkeypatch.delenv("PAWN_ALLOW_CPU", raising=False)
    assert refusals(config(**fields), LAPTOP) == []


def test_a_real_size_on_the_cpu_can_be_allowed(monkeypatch):
    monkeypatch.setenv("PAWN_ALLOW_CPU", "1")
    assert refusals(config(variant="base"), LAPTOP) == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"device": "cuda:2"}, "device 'cuda:2' does not exist: 2 GPUs found"),
        ({"gpus": 4}, "gpus 4 is not allowed: 2 GPUs found"),
        ({"variant": "large", "d_model": 8192, "d_ff": 65536}, "of 80.0 GiB"),
    ],
)
def test_a_machine_with_gpus_refuses_more_than_it_has(fields, reason):
    (refusal,) = refusals(config(**fields), POD)
    assert reason in refusal


def test_gpus_that_only_torch_can_count_are_left_to_it():
    unknown = Machine(gpus=None)
    assert refusals(config(variant="base", device="cuda:7"), unknown) == []


@pytest.mark.parametrize(
    ("amp_dtype", "flags", "slower"),
    [
        ("bfloat16", {"avx2"}, "10"),
        ("bfloat16", {"avx2", "avx512bw"}, "1.2"),
        ("float16", {"avx2", "avx512bw", "avx512_bf16"}, "10 to 16"),
    ],
)
def test_a_precision_that_the_cpu_emulates_is_warned_of_with_its_price(amp_dtype, flags, slower):
    laptop = Machine(gpus=(), cpu_flags=frozenset(flags))
    for device in ("auto", "cpu"):
        (warning,) = warnings(config(amp_dtype=amp_dtype, device=device), laptop)
        assert f"amp_dtype '{amp_dtype}' is emulated by this CPU" in warning
        assert f"about {slower} times" in warning


@pytest.mark.parametrize(
    ("amp_dtype", "flag"),
    [
        ("bfloat16", "avx512_bf16"),
        ("bfloat16", "amx_bf16"),
        ("float16", "avx512_fp16"),
        ("none", "avx2"),
        ("auto", "avx2"),
    ],
)
def test_a_precision_that_the_cpu_has_needs_no_warning(amp_dtype, flag):
    cpu = Machine(gpus=(), cpu_flags=frozenset({flag}))
    assert warnings(config(amp_dtype=amp_dtype), cpu) == []


def test_a_precision_on_a_gpu_needs_no_warning():
    assert warnings(config(amp_dtype="bfloat16"), POD) == []
    assert warnings(config(amp_dtype="bfloat16", device="cpu"), POD)


def test_this_machine_is_what_torch_sees_of_it():
    import torch

    seen, facts = this_machine(), torch.cpu.get_capabilities()
    assert len(seen.gpus or ()) == (torch.cuda.device_count() if torch.cuda.is_available() else 0)
    for flag in ("avx512_bf16", "amx_bf16"):
        assert (flag in seen.cpu_flags) == bool(facts.get(flag))
    assert seen.cpu_memory > GIB


class FakeCuda:
    """NVIDIA's driver library, of two GPUs of which the second does not say its size."""

    def cuInit(self, _: int) -> int:
        return 0

    def cuDeviceGetCount(self, count) -> int:
        count._obj.value = 2
        return 0

    def cuDeviceGet(self, device, index: int) -> int:
        device._obj.value = index
        return 0

    def cuDeviceTotalMem_v2(self, size, device: ctypes.c_int) -> int:
        size._obj.value = 24 * GIB
        return device.value


def test_the_driver_is_asked_for_the_gpus_that_are_visible(monkeypatch):
    monkeypatch.setattr(machine, "torch_without_gpus", lambda: None)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: {"libcuda.so.1": FakeCuda()}[name])
    assert this_machine().gpus == (24 * GIB, None)


def test_a_torch_that_is_built_for_the_cpu_has_no_gpus_whatever_the_driver_says(monkeypatch):
    monkeypatch.setattr(machine.metadata, "version", lambda _: "2.9.0+cpu")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: FakeCuda())
    (refusal,) = refusals(config(device="cuda"), this_machine())
    assert "0 GPUs found (torch 2.9.0+cpu is built for the CPU)" in refusal


@pytest.mark.parametrize(
    "flags", [["--device", "cuda:31"], ["--gpus", "64", "--batch-size", "64"], ["--lr", "2"]]
)
def test_by_hand_what_cannot_run_is_refused_before_torch_is_imported(flags):
    code = f"""
import sys
from pawn_core.cli import main
code = main(["--variant", "toy", "--local-checkpoints", *{flags!r}])
assert "torch" not in sys.modules, "its import takes seconds"
sys.exit(code)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 2


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
@pytest.mark.parametrize("place", ["hf_repo", "hf_bucket"])
def test_a_run_that_pushes_is_refused_where_the_hub_is_off(monkeypatch, variable, place):
    pushing = {place: "owner/name", "local_checkpoints": place == "hf_bucket"}
    monkeypatch.setenv(variable, "1")
    (refusal,) = refusals(config(**pushing), LAPTOP)
    assert refusal.startswith(f"{place} 'owner/name' cannot be honoured: {variable}=1 in the env")
    assert refusals(config(), LAPTOP) == []
    monkeypatch.setenv(variable, "0")
    assert refusals(config(**pushing), LAPTOP) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"run_type": "sft", "stockfish_path": "stokfish"}, "stockfish_path"),
        (
            {"run_type": "grpo", "checkpoint": "trial:1", "stockfish_path": "/no/sf"},
            "stockfish_path",
        ),
        ({"run_type": "eval", "evals": "play", "play_opponent": "uci:stokfish"}, "play_opponent"),
    ],
)
def test_a_chess_program_that_is_not_here_is_refused_before_it_is_asked(
    fields: dict[str, object], field: str
) -> None:
    common = {"local_checkpoints": True, "device": "cpu"}
    weights = {"weights": "trial:1"} if fields["run_type"] == "eval" else {}
    [reason] = refusals(parse_config(common | weights | fields), LAPTOP)
    assert re.match(f"{field} '.*': no chess program '.*' on the PATH", reason)


def test_prompts_that_ask_no_chess_program_need_none() -> None:
    fields = {"run_type": "sft", "stockfish_path": "stokfish", "mix_env_ratio": 1.0}
    config = parse_config(fields | {"local_checkpoints": True, "device": "cpu"})
    assert not any("stokfish" in reason for reason in refusals(config, LAPTOP))
