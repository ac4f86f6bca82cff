"""What trials run on: GPUs by UUID, else CPU slots.

A CPU slot is a share of the machine's cores. `PAWN_CPU_SLOTS` sets how many there are; the
default is one per core, at most four, since a toy model gains little from a second thread.
Compute threads are shared evenly: a trial gets cores / devices, at least one. GPUs that
`CUDA_VISIBLE_DEVICES` hides are left alone; empty, it makes the lab use the CPU.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pawn_lab.errors import InvalidRequestError
from pawn_lab.records import DeviceStatus

CPU_SLOTS_VARIABLE = "PAWN_CPU_SLOTS"
MOST_DEFAULT_CPU_SLOTS = 4
_MOST_CPU_SLOTS = 1024


@dataclass(frozen=True)
class Device:
    """Something one trial at a time runs on; `id` is the GPU's UUID or `cpu:N`."""

    id: str
    kind: str
    name: str


def environment_of(devices: list[Device], device_count: int) -> dict[str, str]:
    """Return the variables that confine a trainer to some of the machine's devices."""
    threads = str(max(1, core_count() // device_count))
    return {
        "CUDA_VISIBLE_DEVICES": ",".join(device.id for device in devices if device.kind == "gpu"),
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "OMP_NUM_THREADS": threads,
        "RAYON_NUM_THREADS": threads,
    }


@dataclass(frozen=True)
class GpuReading:
    """Load of a GPU; memory in bytes, utilization in percent."""

    memory_used: int
    memory_total: int
    temperature_c: int
    utilization: int


def inventory() -> list[Device]:
    """Return the devices of this machine.

    Raises:
        InvalidRequestError: `PAWN_CPU_SLOTS` is not a number of slots.
    """
    return visible_gpus(_gpus(), os.environ.get("CUDA_VISIBLE_DEVICES")) or [
        Device(f"cpu:{slot}", "cpu", f"CPU slot {slot}") for slot in range(cpu_slots())
    ]


def visible_gpus(gpus: list[Device], visible: str | None) -> list[Device]:
    """Return the GPUs that `CUDA_VISIBLE_DEVICES`, by index or UUID prefix, leaves to us."""
    if visible is None:
        return gpus
    entries = [entry.strip() for entry in visible.split(",") if entry.strip()]
    return [
        gpu
        for index, gpu in enumerate(gpus)
        if any(entry == str(index) or gpu.id.startswith(entry) for entry in entries)
    ]


def cpu_slots() -> int:
    """Return how many trials may share the CPU."""
    value = os.environ.get(CPU_SLOTS_VARIABLE)
    if not value:
        return min(core_count(), MOST_DEFAULT_CPU_SLOTS)
    if not value.isdecimal() or not 1 <= int(value) <= _MOST_CPU_SLOTS:
        raise InvalidRequestError(
            f"{CPU_SLOTS_VARIABLE} '{value}' is not allowed: a whole number, 1 to {_MOST_CPU_SLOTS}"
        )
    return int(value)


def core_count() -> int:
    """Return the cores this process may use."""
    return len(os.sched_getaffinity(0))


def statuses(inventory: list[Device], held: dict[str, int]) -> list[DeviceStatus]:
    """Return devices with who holds them and, for GPUs, their load."""
    readings = read_gpus()
    return [
        DeviceStatus(
            **asdict(device),
            trial_id=held.get(device.id),
            **(asdict(readings[device.id]) if device.id in readings else {}),
        )
        for device in inventory
    ]


def read_gpus() -> dict[str, GpuReading]:
    """Return the load of each GPU by UUID; empty where there is none."""
    with _gpu_handles() as gpus:
        return {nvml.nvmlDeviceGetUUID(handle): _reading(nvml, handle) for nvml, handle in gpus}


def driver_version() -> str | None:
    """Return the version of the GPU driver; None where there is no GPU."""
    with _gpu_handles() as gpus:
        return next((nvml.nvmlSystemGetDriverVersion() for nvml, _ in gpus), None)


def _gpus() -> list[Device]:
    with _gpu_handles() as gpus:
        return [
            Device(nvml.nvmlDeviceGetUUID(handle), "gpu", nvml.nvmlDeviceGetName(handle))
            for nvml, handle in gpus
        ]


@contextlib.contextmanager
def _gpu_handles() -> Iterator[list[tuple[ModuleType, Any]]]:
    """Yield each GPU's handle with the NVIDIA management library, which is up meanwhile."""
    if not Path("/dev/nvidiactl").exists():
        yield []
        return
    import pynvml  # Late: loading it costs 60 ms and finds nothing on most machines.

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield []
        return
    try:
        indices = range(pynvml.nvmlDeviceGetCount())
        yield [(pynvml, pynvml.nvmlDeviceGetHandleByIndex(index)) for index in indices]
    finally:
        pynvml.nvmlShutdown()


def _reading(nvml: ModuleType, handle: Any) -> GpuReading:
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    return GpuReading(
        memory_used=memory.used,
        memory_total=memory.total,
        temperature_c=nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
        utilization=nvml.nvmlDeviceGetUtilizationRates(handle).gpu,
    )
