"""Checks of the machine: programs, torch, driver, devices, disk."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pawn_lab.doctor.diagnosis import Diagnosis, Patient, fail, ok, warn
from pawn_lab.doctor.programs import python
from pawn_lab.errors import LabError
from pawn_lab.executors.local import devices as local
from pawn_lab.executors.local.gpus import driver_version
from pawn_lab.shipped import ROOT

TORCH_LIMIT_S = 90.0
GIB = 1 << 30
FEW_BYTES, LEAST_BYTES = 20 * GIB, GIB
"""A base checkpoint is 430 MB: below the first a long run gets tight, below the second any."""
LEAST_SHARED = GIB
_SHARED = Path("/dev/shm")
_PCI = Path("/sys/bus/pci/devices")
_NVIDIA, _DISPLAY = "0x10de", "0x03"

_ASK_TORCH = """
import json, torch
said = {"version": torch.__version__, "cuda": torch.version.cuda, "hip": torch.version.hip}
try:
    torch.cuda.init()
    said["gpus"] = torch.cuda.device_count()
except Exception as error:
    said["error"] = str(error).splitlines()[0]
print(json.dumps(said))
"""


def toolchain(_: Patient) -> Iterator[Diagnosis]:
    """Python, the engine, and in a checkout what `make setup` needs."""
    place = ".".join(map(str, sys.version_info[:3]))
    try:
        yield ok(f"Python {place}, lab {version('pawn-lab')}, engine {version('pawn-engine')}")
    except PackageNotFoundError as error:
        yield fail(f"Python {place}; {error.name} is not installed", _set_up())
    engine = python("import chess_engine", TORCH_LIMIT_S)
    if engine.code != 0:
        yield fail(f"the engine does not load: {engine.last_line()}", _set_up())
    if (ROOT / "Cargo.toml").exists() and shutil.which("cargo") is None:
        yield warn("no Rust toolchain: the engine cannot be built anew", "see https://rustup.rs")
    if shutil.which("git") is None:
        yield warn("no git: trials do not record their commit", "apt-get install git")


def _set_up() -> str:
    in_checkout = (ROOT / "Makefile").exists()
    return f"make -C {ROOT} setup" if in_checkout else "uv tool install --reinstall pawn-lab"


def torch(_: Patient) -> Iterator[Diagnosis]:
    """The build of torch, and whether it finds the GPUs of the driver; in a process of its own."""
    ran = python(_ASK_TORCH, TORCH_LIMIT_S)
    if ran.code is None:
        yield fail(
            f"torch did not come up in {TORCH_LIMIT_S:.0f} s",
            "nvidia-smi; if that hangs too, the driver does: restart the machine or take another",
        )
    elif ran.code:
        yield fail(f"torch cannot be imported: {ran.last_line()}", _set_up())
    else:
        yield _fits(json.loads(ran.out.splitlines()[-1]), driver_version())


def _fits(torch: dict[str, Any], driver: str | None) -> Diagnosis:
    """Judge a build of torch beside a driver."""
    build = f"CUDA {torch['cuda']}" if torch["cuda"] else "ROCm" if torch["hip"] else "CPU only"
    said = f"torch {torch['version']} ({build})"
    if driver is None or torch.get("gpus"):
        return ok(said if driver is None else f"{said} finds {torch['gpus']} GPUs")
    if not torch["cuda"]:
        return fail(f"{said} beside an NVIDIA driver", "make setup TORCH=cuda")
    if os.environ.get(local.VISIBLE_VARIABLE, "unset").strip() in ("", "-1"):
        return ok(f"{said}; {local.VISIBLE_VARIABLE} hides the GPUs")
    reason = torch.get("error", "it finds no GPU")
    return fail(
        f"{said} does not work with driver {driver}: {reason}",
        f"a driver for CUDA {torch['cuda']} or later, or a machine that has one (pods: another "
        "host), or an older torch",
    )


def driver(_: Patient) -> Iterator[Diagnosis]:
    """The driver of the GPUs that are in the machine."""
    if (found := driver_version()) is not None:
        yield ok(f"NVIDIA driver {found}")
    elif _has_nvidia_card():
        yield fail("an NVIDIA GPU without a driver", "apt-get install nvidia-driver, then restart")
    else:
        yield ok("no NVIDIA GPU here")


def _has_nvidia_card() -> bool:
    return any(
        vendor.read_text().strip() == _NVIDIA
        and vendor.with_name("class").read_text().startswith(_DISPLAY)
        for vendor in _PCI.glob("*/vendor")
    )


def devices(_: Patient) -> Iterator[Diagnosis]:
    """What trials of this machine can run on."""
    try:
        found = local.inventory()
    except LabError as error:
        yield fail(str(error), f"unset {local.VISIBLE_VARIABLE}")
        return
    names = ", ".join(dict.fromkeys(device.name for device in found))
    if found:
        yield ok(f"{len(found)} devices: {names}")
    for fault in local.faults():
        yield fail(fault, "nvidia-smi --gpu-reset, or restart the machine; pods: another host")


def disk(patient: Patient) -> Iterator[Diagnosis]:
    """Room on the volume of the workspace, and in shared memory."""
    folder = patient.nearest_folder()
    free = shutil.disk_usage(folder).free
    said = f"{free / GIB:.1f} GiB free on the volume of {folder}"
    if free < LEAST_BYTES:
        yield fail(said, "pawn-lab disk, then pawn-lab delete --checkpoints TRIALS")
    elif free < FEW_BYTES:
        yield warn(said, "pawn-lab disk, then pawn-lab delete --checkpoints TRIALS")
    else:
        yield ok(said)
    if _SHARED.is_dir() and (size := shutil.disk_usage(_SHARED).total) < LEAST_SHARED:
        yield warn(
            f"{size / GIB:.2f} GiB of shared memory: workers may die of a bus error",
            "docker run --shm-size=8g, or num_workers 0",
        )
