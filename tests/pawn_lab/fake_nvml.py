"""NVIDIA's management library in the words of `pynvml`, over GPUs that a test describes."""

import sys
import types
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest


class NVMLError(Exception):
    """What every function of the library may raise."""


class NVMLError_NotSupported(NVMLError):
    pass


class NVMLError_NotFound(NVMLError):
    pass


class NVMLError_GpuIsLost(NVMLError):
    pass


class NVMLError_DriverNotLoaded(NVMLError):
    pass


@dataclass
class FakeGpu:
    """A GPU or MIG instance; `refuses` maps functions, without `nvmlDeviceGet`, to errors."""

    uuid: str
    name: str = "NVIDIA H200"
    memory: int = 141 << 30
    refuses: dict[str, Exception] = field(default_factory=dict)
    instances: list["FakeGpu | None"] = field(default_factory=list)
    divided: bool = False
    place: tuple[int, int] | None = None
    computing: list[int] = field(default_factory=list)
    """PIDs of the processes on it."""


def install(
    monkeypatch: pytest.MonkeyPatch,
    gpus: list[FakeGpu],
    driver: str = "/dev/nvidiactl",
    init: Exception | None = None,
) -> None:
    """Put the library and the driver's device file in place for a test."""
    exists = Path.exists
    drivers = ("/dev/nvidiactl", "/dev/dxg")
    monkeypatch.setattr(
        Path, "exists", lambda p, **k: str(p) == driver if str(p) in drivers else exists(p, **k)
    )
    monkeypatch.setitem(sys.modules, "pynvml", library(gpus, init))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def library(gpus: list[FakeGpu], init: Exception | None) -> types.ModuleType:
    nvml: Any = types.ModuleType("pynvml")
    nvml.NVMLError = NVMLError
    nvml.nvmlInit = lambda: raise_(init) if init else None
    nvml.nvmlShutdown = lambda: None
    nvml.nvmlSystemGetDriverVersion = lambda: "580.65"
    nvml.nvmlDeviceGetCount = lambda: len(gpus)
    answers = {
        "HandleByIndex": lambda gpu: gpu,
        "UUID": lambda gpu: gpu.uuid,
        "Name": lambda gpu: gpu.name,
        "MemoryInfo": lambda gpu: SimpleNamespace(used=1, total=gpu.memory),
        "Temperature": lambda _: 40,
        "UtilizationRates": lambda _: SimpleNamespace(gpu=3),
        "ComputeRunningProcesses": lambda gpu: [SimpleNamespace(pid=pid) for pid in gpu.computing],
        "MigMode": lambda gpu: (int(gpu.divided), int(gpu.divided)),
        "MaxMigDeviceCount": lambda gpu: len(gpu.instances),
        "GpuInstanceId": lambda gpu: (gpu.place or raise_(NVMLError_NotSupported()))[0],
        "ComputeInstanceId": lambda gpu: (gpu.place or raise_(NVMLError_NotSupported()))[1],
    }
    for function, answer in answers.items():
        setattr(nvml, f"nvmlDeviceGet{function}", answering(function, answer))
    by_handle = nvml.nvmlDeviceGetHandleByIndex
    nvml.nvmlDeviceGetHandleByIndex = lambda index: by_handle(gpus[index])
    nvml.nvmlDeviceGetMigDeviceHandleByIndex = lambda gpu, index: (
        gpu.instances[index] or raise_(NVMLError_NotFound())
    )
    return nvml


def answering(function: str, answer: Any) -> Any:
    def call(gpu: FakeGpu, *_: Any) -> Any:
        return raise_(gpu.refuses[function]) if function in gpu.refuses else answer(gpu)

    return call


def raise_(error: Exception) -> Any:
    raise error
