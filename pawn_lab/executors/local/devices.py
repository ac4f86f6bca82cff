"""What trials run on: GPUs by UUID, else CPU slots.

A CPU slot is a share of the machine's cores. `PAWN_CPU_SLOTS` sets how many there are; the
default is one per core, at most four, since a toy model gains little from a second thread.
Compute threads are shared evenly: a trial gets cores / devices, at least one. GPUs that
`CUDA_VISIBLE_DEVICES` hides are left alone; empty, it makes the lab use the CPU. Each MIG instance
of a divided GPU is a device.
"""

import os
from collections.abc import Sequence

from pawn_core.machine import Machine, cpu_flags, cpu_memory, torch_without_gpus
from pawn_core.threads import usable_cores
from pawn_lab.errors import InvalidRequestError
from pawn_lab.executors.executor import Device, DeviceLoad
from pawn_lab.executors.local.gpus import Gpu, read_gpus, visible

VISIBLE_VARIABLE = "CUDA_VISIBLE_DEVICES"
CPU_SLOTS_VARIABLE = "PAWN_CPU_SLOTS"
MOST_DEFAULT_CPU_SLOTS = 4
_MOST_CPU_SLOTS = 1024


def environment_of(devices: list[Device], device_count: int) -> dict[str, str]:
    """Return the variables that confine a trainer to some of the machine's devices."""
    threads = str(max(1, core_count() // device_count))
    return {
        VISIBLE_VARIABLE: ",".join(device.id for device in devices if device.kind == "gpu"),
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "OMP_NUM_THREADS": threads,
        "RAYON_NUM_THREADS": threads,
    }


def inventory() -> list[Device]:
    """Return the devices of this machine that trials can run on; none where its GPUs are lost.

    Raises:
        InvalidRequestError: `CUDA_VISIBLE_DEVICES` names GPUs and none of them is here, or
            `PAWN_CPU_SLOTS` is not a number of slots.
    """
    gpus = read_gpus()
    ours = _visible(gpus)
    if ours:
        return [Device(gpu.uuid, "gpu", gpu.name) for gpu in ours if gpu.fault is None]
    _check_cpu_is_meant(gpus)
    return [Device(f"cpu:{slot}", "cpu", f"CPU slot {slot}") for slot in range(cpu_slots())]


def faults() -> list[str]:
    """Return the GPUs of ours that no trial can run on, each with the reason."""
    return [f"{gpu.uuid} {gpu.fault}" for gpu in _visible(read_gpus()) if gpu.fault is not None]


def load(devices: Sequence[Device]) -> dict[str, DeviceLoad]:
    """Return the load of the devices that answer, by id; GPUs that were lost since are left out."""
    loads = {device.id: DeviceLoad() for device in devices if device.kind == "cpu"}
    ids = {device.id for device in devices} - loads.keys()
    present = [gpu for gpu in visible(read_gpus(), None) if gpu.uuid in ids] if ids else []
    return loads | {gpu.uuid: gpu.load for gpu in present if gpu.fault is None}


def trial_machine(devices: Sequence[Device]) -> Machine:
    """Return what trials see of this machine: the largest of its GPUs first.

    Raises:
        InvalidRequestError: all its GPUs are lost.
    """
    if not devices:
        raise InvalidRequestError(f"no device: {'; '.join(faults()) or 'all GPUs are lost'}")
    own = {device.id for device in devices if device.kind == "gpu"}
    parts = visible(read_gpus(), None) if own else []
    sizes = [gpu.load.memory_total for gpu in parts if gpu.uuid in own]
    gpus, why = sorted(sizes, key=lambda size: size or 0, reverse=True), "a trial sees its own GPUs"
    if any(device.id.startswith("MIG-") for device in devices):
        gpus, why = gpus[:1], "a process sees one MIG instance at a time"
    if (built := torch_without_gpus()) is not None:
        gpus, why = [], built
    return Machine(tuple(gpus), cpu_flags(), cpu_memory(), why if own else None)


def _visible(gpus: list[Gpu]) -> list[Gpu]:
    return visible(gpus, os.environ.get(VISIBLE_VARIABLE))


def _check_cpu_is_meant(gpus: list[Gpu]) -> None:
    """Refuse to use the CPU in silence where GPUs were meant; `-1` and nothing mean the CPU."""
    value = os.environ.get(VISIBLE_VARIABLE, "").strip()
    if not gpus or value in ("", "-1"):
        return
    present = "; ".join(
        f"{gpu.uuid} ({gpu.fault or gpu.name})" for whole in gpus for gpu in whole.parts()
    )
    raise InvalidRequestError(
        f"{VISIBLE_VARIABLE} '{value}' names no GPU or MIG instance of this machine; it has: "
        f"{present}. Name one by index or UUID, or set it empty to use the CPU"
    )


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
    return usable_cores()
