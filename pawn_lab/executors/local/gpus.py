"""The machine's GPUs as its driver describes them, and those that `CUDA_VISIBLE_DEVICES` leaves.

Every reading may be missing by itself: drivers answer "not supported" for single ones, and of a
GPU that has fallen off the bus nothing is left but its place in the order.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any

from pawn_lab.executors.executor import DeviceLoad

_DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"))
"""One of them is there where NVIDIA's driver is; the second is WSL's."""
_GONE = ("GpuIsLost", "ResetRequired")
_NO_DRIVER = ("LibraryNotFound", "DriverNotLoaded")
_NOT_READABLE = (AttributeError, ValueError, OSError)  # an older library, a name of other bytes


_UNKNOWN_LOAD = DeviceLoad()


@dataclass(frozen=True)
class Gpu:
    """A GPU, or a MIG instance of one; `fault` says why it cannot be used."""

    uuid: str
    name: str
    load: DeviceLoad = _UNKNOWN_LOAD
    fault: str | None = None
    instances: tuple["Gpu", ...] = ()
    """Its MIG instances, where it is divided into them."""
    alias: str | None = None
    """The older name of a MIG instance: `MIG-<GPU>/<GPU instance>/<compute instance>`."""

    def parts(self) -> tuple["Gpu", ...]:
        """Return what a process can run on: the GPU, or its instances."""
        return self.instances or (self,)


def read_gpus() -> list[Gpu]:
    """Return the GPUs in the order of their bus, lost ones too; none where there is no driver."""
    try:
        with _library() as nvml:
            return _Driver(nvml).gpus() if nvml else []
    except _GoneError as error:
        return [Gpu("GPU", "GPU", fault=str(error))]


def driver_version() -> str | None:
    """Return the version of the GPU driver; None where there is none."""
    with contextlib.suppress(_GoneError), _library() as nvml:
        return _Driver(nvml).ask("nvmlSystemGetDriverVersion") if nvml else None
    return None


def visible(gpus: Sequence[Gpu], value: str | None) -> list[Gpu]:
    """Return what `CUDA_VISIBLE_DEVICES` leaves of the GPUs, in its order, as CUDA reads it.

    Entries are indices, or beginnings of UUIDs, whichever the first one is. The list ends at the
    first entry that stands for no GPU or for several; one that occurs twice hides all. A GPU that
    is divided stands for its instances. (CUDA C++ Programming Guide, "CUDA Environment Variables")
    """
    if value is None:
        return [part for gpu in gpus for part in gpu.parts()]
    entries = _entries(value)
    named = list(takewhile(bool, (_named(gpus, entry) for entry in entries)))
    chosen = [gpu for group in named for gpu in group]
    if len(set(entries)) < len(entries) or len({gpu.uuid for gpu in chosen}) < len(chosen):
        return []
    return chosen


def _entries(value: str) -> list[str]:
    """Return the entries up to the first that is of another kind, or of none."""
    entries = [entry.strip() for entry in value.split(",")]
    kind = entries[0][:4]
    if kind in ("GPU-", "MIG-"):
        return list(takewhile(lambda entry: entry.startswith(kind), entries))
    return [str(index) for index in takewhile(lambda n: n >= 0, map(_leading_number, entries))]


def _leading_number(entry: str) -> int:
    """Read a number as C's strtoul does, up to the first character of another kind; else -1."""
    digits = "".join(takewhile(str.isdecimal, entry.removeprefix("+")))
    return int(digits) if digits else -1


def _named(gpus: Sequence[Gpu], entry: str) -> tuple[Gpu, ...]:
    """Return what an entry stands for: one GPU, its instances, or nothing."""
    if entry.isdecimal():
        index = int(entry)
        matches = list(gpus[index : index + 1])
    else:
        everything = [one for gpu in gpus for one in (gpu, *gpu.instances)]
        matches = [one for one in everything if one.uuid.startswith(entry) or one.alias == entry]
    if len(matches) != 1:
        return ()
    return matches[0].parts()


class _Driver:
    """NVML while it is up; what it cannot say is None."""

    def __init__(self, nvml: ModuleType) -> None:
        self._nvml = nvml

    def gpus(self) -> list[Gpu]:
        count = self.ask("nvmlDeviceGetCount")
        if count is None:
            raise _GoneError("the driver does not say which GPUs there are")
        return [self._gpu(index) for index in range(count)]

    def _gpu(self, index: int) -> Gpu:
        place = f"GPU {index}"
        try:
            handle = self.ask("nvmlDeviceGetHandleByIndex", index)
            uuid = None if handle is None else self.ask("nvmlDeviceGetUUID", handle)
            if uuid is None:
                return Gpu(place, "GPU", fault="the driver does not answer for it")
            instances = self._instances(handle, uuid)
            name = self.ask("nvmlDeviceGetName", handle) or "GPU"
            divided = bool((self.ask("nvmlDeviceGetMigMode", handle) or (0,))[0])
            fault = "is in MIG mode without instances" if divided and not instances else None
            return Gpu(uuid, name, self._load(handle), fault, instances)
        except _GoneError as error:
            return Gpu(place, "GPU", fault=str(error))

    def _instances(self, parent: Any, parent_uuid: str) -> tuple[Gpu, ...]:
        most = self.ask("nvmlDeviceGetMaxMigDeviceCount", parent) or 0
        handles = [self.ask("nvmlDeviceGetMigDeviceHandleByIndex", parent, n) for n in range(most)]
        instances = [
            self._instance(handle, parent_uuid) for handle in handles if handle is not None
        ]
        return tuple(instance for instance in instances if instance is not None)

    def _instance(self, handle: Any, parent_uuid: str) -> Gpu | None:
        uuid = self.ask("nvmlDeviceGetUUID", handle)
        if uuid is None:
            return None
        name = self.ask("nvmlDeviceGetName", handle) or "MIG instance"
        place = [self.ask(f"nvmlDeviceGet{kind}InstanceId", handle) for kind in ("Gpu", "Compute")]
        alias = None if None in place else f"MIG-{parent_uuid}/{place[0]}/{place[1]}"
        return Gpu(uuid, name, self._load(handle), alias=alias)

    def _load(self, handle: Any) -> DeviceLoad:
        memory = self.ask("nvmlDeviceGetMemoryInfo", handle)
        load = self.ask("nvmlDeviceGetUtilizationRates", handle)
        computing = self.ask("nvmlDeviceGetComputeRunningProcesses", handle)
        sensor = getattr(self._nvml, "NVML_TEMPERATURE_GPU", 0)
        return DeviceLoad(
            memory_used=getattr(memory, "used", None),
            memory_total=getattr(memory, "total", None),
            temperature_c=self.ask("nvmlDeviceGetTemperature", handle, sensor),
            utilization=getattr(load, "gpu", None),
            processes=tuple(process.pid for process in computing or ()),
        )

    def ask(self, function: str, *arguments: Any) -> Any:
        """Return NVML's answer; None where it refuses.

        Raises:
            _GoneError: the GPU itself is gone.
        """
        try:
            return getattr(self._nvml, function)(*arguments)
        except self._nvml.NVMLError as error:
            if any(name in type(error).__name__ for name in _GONE):
                raise _GoneError(f"is lost ({error})") from None
            return None
        except _NOT_READABLE:
            return None


class _GoneError(Exception):
    """A GPU that has fallen off the bus or has to be reset, or a driver that does not answer."""


@contextlib.contextmanager
def _library() -> Iterator[ModuleType | None]:
    """Yield NVIDIA's management library, which is up meanwhile; None where there is no driver.

    Raises:
        _GoneError: there is a driver, and it does not start.
    """
    if not any(path.exists() for path in _DRIVERS):
        yield None
        return
    import pynvml  # Late: loading it costs 60 ms and finds nothing on most machines.

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        if not any(name in type(error).__name__ for name in _NO_DRIVER):
            raise _GoneError(f"cannot be used: the driver does not start ({error})") from None
        yield None
        return
    try:
        yield pynvml
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()
