"""What a machine can run, found out without torch, whose import takes seconds.

By hand it is asked before torch is imported, in the lab before a trial is queued.
"""

import contextlib
import ctypes
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from pawn_core.config import RunConfig
from pawn_core.config.compute import ComputeConfig
from pawn_core.footprint import backbone_refusal, footprint

ALLOW_CPU = "PAWN_ALLOW_CPU"

_GIB = 1 << 30
_AMD_DRIVER = Path("/dev/kfd")
_CPU_FACTS = Path("/proc/cpuinfo")
_CGROUP_MEMORY = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class Machine:
    """What decides whether a run can be honoured, as its processes would see it."""

    gpus: tuple[int | None, ...] | None
    """The memory of each GPU in bytes; None in place of all: only torch can tell."""
    cpu_flags: frozenset[str] = frozenset()
    cpu_memory: int | None = None
    """Bytes."""
    why_no_more: str | None = None
    """What is to be said of the number of GPUs."""

    def describe_gpus(self) -> str:
        """Say how many GPUs there are."""
        return gpus_found(len(self.gpus or ()), self.why_no_more)

    def runs_on_cpu(self, config: RunConfig) -> bool:
        """Say whether a run computes on the CPU here, as far as that is known."""
        return config.device == "cpu" or (config.device == "auto" and self.gpus == ())


class _Emulation(NamedTuple):
    """How much slower than float32 a 16-bit type is on a CPU that has certain instructions."""

    flag: str
    slower: str


_NATIVE = {
    "bfloat16": ("avx512_bf16", "amx_bf16", "bf16"),
    "float16": ("avx512_fp16", "amx_fp16", "asimdhp"),
}
"""Instructions that compute in a type; the last ones are ARM's."""
_EMULATED = {
    "bfloat16": (_Emulation("avx512bw", "1.2"), _Emulation("", "10")),
    "float16": (_Emulation("", "10 to 16"),),
}
"""Steps of toy and small in torch 2.9 on one core, by `ONEDNN_MAX_CPU_ISA`: oneDNN converts
bfloat16 to and from float32 where it has AVX-512; elsewhere it is not asked."""


def this_machine() -> Machine:
    """Return the machine that this process is on, with the GPUs that are visible to it."""
    gpus, why_no_more = _visible_gpus()
    return Machine(gpus, cpu_flags(), cpu_memory(), why_no_more)


def refusals(config: RunConfig, machine: Machine) -> list[str]:
    """Return why a run cannot be honoured on a machine, a line each."""
    reasons = [
        *config.refusals(),
        _device_refusal(config, machine),
        _gpus_refusal(config, machine),
        _memory_refusal(config, machine),
        backbone_refusal(config),
    ]
    return [reason for reason in reasons if reason]


def warnings(config: RunConfig, machine: Machine) -> list[str]:
    """Return what will work on a machine, but not as well as one may think."""
    if not (isinstance(config, ComputeConfig) and machine.runs_on_cpu(config)):
        return []
    slow = _emulated(config.amp_dtype, machine)
    return [slow] if slow else []


def device_refusal(device: str, real_size: bool, gpus: int, why: str | None = None) -> str | None:
    """Say why a run cannot have a device where so many GPUs are visible; None where it can."""
    if device == "auto" and not gpus and real_size and os.environ.get(ALLOW_CPU) != "1":
        return (
            f"device 'auto' found no GPU{_because(why)}, and a model of this size on a CPU is "
            f"almost always a mistake; set device 'cpu', variant 'toy', or {ALLOW_CPU}=1 in the "
            "environment"
        )
    kind, _, index = device.partition(":")
    if kind == "cuda" and int(index or 0) >= gpus:
        return f"device '{device}' does not exist: {gpus_found(gpus, why)}; or use 'cpu'"
    return None


def processes_refusal(gpus: int) -> str | None:
    """Say that torchrun has not started a process for each GPU; None where it has."""
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if started == gpus:
        return None
    return (
        f"gpus {gpus} needs as many processes, not {started}: "
        f"torchrun --nproc-per-node {gpus} -m pawn_core ..., or set gpus {started}"
    )


def gpus_found(gpus: int, why: str | None = None) -> str:
    """Say how many GPUs there are, and why there are no more."""
    return f"{gpus} GPU{'s' * (gpus != 1)} found{_because(why)}"


def _because(why: str | None) -> str:
    return f" ({why})" if why else ""


def _device_refusal(config: RunConfig, machine: Machine) -> str | None:
    if machine.gpus is None:
        return None
    gpus, why = len(machine.gpus), machine.why_no_more
    return device_refusal(config.device, config.real_size, gpus, why)


def _gpus_refusal(config: RunConfig, machine: Machine) -> str | None:
    if config.device == "cpu" or machine.gpus is None or config.gpus <= max(1, len(machine.gpus)):
        return None
    return (
        f"gpus {config.gpus} is not allowed: {machine.describe_gpus()}; "
        "on device 'cpu' so many processes share the cores"
    )


def _memory_refusal(config: RunConfig, machine: Machine) -> str | None:
    """Refuse what cannot fit: activations come on top of what is counted here."""
    size = footprint(config)
    if size is None:
        return None
    if machine.runs_on_cpu(config):
        needed, there = size.state_bytes * config.gpus, machine.cpu_memory
    else:
        needed, there = size.state_bytes, min(filter(None, machine.gpus or ()), default=None)
    if there is None or needed <= there:
        return None
    return (
        f"{size.parameters:,} parameters do not fit: weights, gradients and optimizer state alone "
        f"take {needed / _GIB:.1f} GiB of {there / _GIB:.1f} GiB; choose a smaller variant"
    )


def _emulated(amp_dtype: str, machine: Machine) -> str | None:
    flags = machine.cpu_flags
    if amp_dtype not in _NATIVE or not flags or not flags.isdisjoint(_NATIVE[amp_dtype]):
        return None
    slower = next(e.slower for e in _EMULATED[amp_dtype] if not e.flag or e.flag in flags)
    return (
        f"amp_dtype '{amp_dtype}' is emulated by this CPU, which has none of "
        f"{', '.join(_NATIVE[amp_dtype])}: steps take about {slower} times as long as with 'none'"
    )


def cpu_flags() -> frozenset[str]:
    """Return the CPU's instruction flags as Linux names them; none where it does not say."""
    with contextlib.suppress(OSError):
        for line in _CPU_FACTS.read_text("utf-8", "replace").splitlines():
            name, _, flags = line.partition(":")
            if name.strip() in ("flags", "Features"):
                return frozenset(flags.split())
    return frozenset()


def cpu_memory() -> int | None:
    """Return the bytes of memory that this process may use at most."""
    with contextlib.suppress(OSError, ValueError):
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return min([machine, *_cgroup_memory()])
    return None


def _cgroup_memory() -> Iterator[int]:
    with contextlib.suppress(OSError, ValueError):
        yield int(_CGROUP_MEMORY.read_text("utf-8"))


def torch_without_gpus() -> str | None:
    """Say that the torch that is installed can use no GPU at all; None where it may."""
    with contextlib.suppress(metadata.PackageNotFoundError):
        version = metadata.version("torch")
        return f"torch {version} is built for the CPU" if version.endswith("+cpu") else None
    return None


def _visible_gpus() -> tuple[tuple[int | None, ...] | None, str | None]:
    """Return the memory of each GPU that CUDA shows this process, and why there are no more.

    CUDA's own library is asked, so that `CUDA_VISIBLE_DEVICES` counts as it counts for torch.
    """
    if (why := torch_without_gpus()) is not None:
        return (), why
    if _AMD_DRIVER.exists():
        return None, None
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
        return tuple(_memory_of_gpus(cuda)), None
    except (OSError, AttributeError):
        return (), None


def _memory_of_gpus(cuda: ctypes.CDLL) -> Iterator[int | None]:
    count, device, size = ctypes.c_int(), ctypes.c_int(), ctypes.c_size_t()
    if cuda.cuInit(0) or cuda.cuDeviceGetCount(ctypes.byref(count)):
        return
    for index in range(count.value):
        unknown = cuda.cuDeviceGet(ctypes.byref(device), index)
        unknown = unknown or cuda.cuDeviceTotalMem_v2(ctypes.byref(size), device)
        yield None if unknown else size.value
