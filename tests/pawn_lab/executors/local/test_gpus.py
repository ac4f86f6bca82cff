"""GPUs as the driver describes them: any reading may be missing, and any GPU may be lost."""

import os

import pytest
from fake_nvml import (
    FakeGpu,
    NVMLError,
    NVMLError_DriverNotLoaded,
    NVMLError_GpuIsLost,
    NVMLError_NotSupported,
    install,
)
from lab_testing import CONFIG, in_state, open_gate, shim_of, trainer_greeting

from pawn_lab.errors import InvalidRequestError
from pawn_lab.executors.local import devices, gpus
from pawn_lab.executors.local.gpus import Gpu
from pawn_lab.lab import launching, queries, spending
from pawn_lab.shim import identity
from pawn_lab.states import State
from pawn_lab.tools.status import lab_status

UNREADABLE = ["MemoryInfo", "Temperature", "UtilizationRates", "Name", "MigMode"]


def ids(found: list) -> list[str]:
    return [device.id for device in found]


def test_processes_of_others_are_told_of_on_free_devices_and_beside_a_trial(monkeypatch, open_lab):
    held, free = FakeGpu("GPU-a"), FakeGpu("GPU-b", computing=[os.getpid()])
    install(monkeypatch, [held, free, FakeGpu("GPU-c")])
    lab = open_lab("gate")
    trial = launching.launch(lab, CONFIG)
    in_state(lab, trial.id, State.RUNNING)
    trainer_greeting(lab, trial.id)
    [own, *_] = identity.members(shim_of(lab, trial.id).token)
    held.computing = [own, os.getpid(), os.getppid()]
    assert [row.strangers for row in lab_status(lab).devices] == [2, 1, None]
    held.computing = [own]
    free.refuses["ComputeRunningProcesses"] = NVMLError_NotSupported()
    assert [row.strangers for row in lab_status(lab).devices] == [None, None, None]
    held.computing = [os.getpid()]  # in a container the trial itself may have another number
    assert lab_status(lab).devices[0].strangers is None
    open_gate(lab, trial.id)


@pytest.mark.parametrize("function", UNREADABLE)
@pytest.mark.parametrize(
    "error", [NVMLError_NotSupported(), NVMLError(), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "")]
)
def test_a_reading_that_the_driver_refuses_is_absent_by_itself(monkeypatch, function, error):
    install(monkeypatch, [FakeGpu("GPU-a", refuses={function: error}), FakeGpu("GPU-b")])
    readings = devices.load(devices.inventory())
    assert list(readings) == ["GPU-a", "GPU-b"]
    missing = {name for name, value in readings["GPU-a"]._asdict().items() if value is None}
    assert missing == {
        "MemoryInfo": {"memory_used", "memory_total"},
        "Temperature": {"temperature_c"},
        "UtilizationRates": {"utilization"},
    }.get(function, set())
    assert readings["GPU-b"].temperature_c == 40


@pytest.mark.parametrize("function", ["HandleByIndex", "UUID", "MemoryInfo", "Temperature", "Name"])
def test_a_lost_gpu_is_named_and_left_out_whichever_reading_shows_it(monkeypatch, function):
    lost = FakeGpu("GPU-b", refuses={function: NVMLError_GpuIsLost("GPU is lost")})
    install(monkeypatch, [FakeGpu("GPU-a"), lost, FakeGpu("GPU-c")])
    assert ids(devices.inventory()) == ["GPU-a", "GPU-c"]
    assert devices.faults() == ["GPU 1 is lost (GPU is lost)"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,0")
    assert ids(devices.inventory()) == ["GPU-c", "GPU-a"]
    assert devices.faults() == []


def test_a_lab_whose_gpus_are_all_lost_has_no_device_and_can_be_read(monkeypatch, open_lab):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    lost = FakeGpu("GPU-a", refuses={"HandleByIndex": NVMLError_GpuIsLost("GPU is lost")})
    install(monkeypatch, [lost])
    lab = open_lab()
    status = lab_status(lab)
    assert status.devices == []
    assert status.lost_devices == ["GPU 0 is lost (GPU is lost)"]
    spending.set_cost(lab, 2.0)
    assert spending.cost(lab).cost_per_hour == 2.0


def test_a_gpu_lost_while_a_front_end_is_open_gets_no_trial(monkeypatch, open_lab):
    fleet = [FakeGpu("GPU-a"), FakeGpu("GPU-b")]
    install(monkeypatch, fleet)
    lab = open_lab("gate")
    fleet[0].refuses["HandleByIndex"] = NVMLError_GpuIsLost("GPU is lost")
    trial = launching.launch(lab, CONFIG)
    in_state(lab, trial.id, State.RUNNING)
    assert queries.trial(lab, trial.id).device == "GPU-b"
    assert [(device.id, device.trial_id) for device in queries.devices(lab)] == [
        ("GPU-b", trial.id)
    ]
    open_gate(lab, trial.id)


def test_the_driver_is_found_where_windows_has_it(monkeypatch):
    install(monkeypatch, [FakeGpu("GPU-a")], driver="/dev/dxg")
    assert ids(devices.inventory()) == ["GPU-a"]
    assert gpus.driver_version() == "580.65"


@pytest.mark.parametrize(
    ("error", "kinds", "faults"),
    [
        (NVMLError_DriverNotLoaded(), {"cpu"}, 0),
        (NVMLError("Driver/library version mismatch"), set(), 1),
    ],
)
def test_a_driver_that_does_not_start_is_not_taken_for_a_machine_without_gpus(
    monkeypatch, error, kinds, faults
):
    install(monkeypatch, [FakeGpu("GPU-a")], init=error)
    assert {device.kind for device in devices.inventory()} == kinds
    assert len(devices.faults()) == faults
    assert gpus.driver_version() is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert {device.kind for device in devices.inventory()} == {"cpu"}


def divided() -> list[FakeGpu]:
    """A GPU with two MIG instances, a whole one, and one in MIG mode without instances."""
    parts = [FakeGpu("MIG-1aa", "H200 MIG 3g.71gb", place=(1, 0)), None, FakeGpu("MIG-1bb")]
    whole = FakeGpu("GPU-a", instances=parts, divided=True)
    return [whole, FakeGpu("GPU-b"), FakeGpu("GPU-c", divided=True)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ["MIG-1aa", "MIG-1bb", "GPU-b"]),
        ("MIG-1bb", ["MIG-1bb"]),
        ("MIG-1bb,MIG-1aa", ["MIG-1bb", "MIG-1aa"]),
        ("MIG-GPU-a/1/0", ["MIG-1aa"]),
        ("0", ["MIG-1aa", "MIG-1bb"]),
        ("GPU-b", ["GPU-b"]),
    ],
)
def test_each_mig_instance_is_a_device(monkeypatch, value, expected):
    install(monkeypatch, divided())
    if value is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert ids(devices.inventory()) == expected
    readings = devices.load(devices.inventory())
    sizes = {name: reading.memory_total for name, reading in readings.items()}
    assert sizes == dict.fromkeys(expected, 141 << 30)


def test_a_gpu_in_mig_mode_without_instances_is_named_as_unusable(monkeypatch):
    install(monkeypatch, divided())
    assert devices.faults() == ["GPU-c is in MIG mode without instances"]


@pytest.mark.parametrize("value", ["MIG-377e0049", "7", "GPU-zz", "GPU-", "MIG-1", "0,0", "gpu0"])
def test_a_list_that_names_nothing_here_is_refused_and_not_taken_for_the_cpu(monkeypatch, value):
    install(monkeypatch, [*divided()[:2], FakeGpu("GPU-c")])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    with pytest.raises(InvalidRequestError, match=rf"'{value}' names no GPU or MIG .*MIG-1aa"):
        devices.inventory()


@pytest.mark.parametrize("value", ["", " ", "-1"])
def test_an_empty_list_means_the_cpu(monkeypatch, value):
    install(monkeypatch, [FakeGpu("GPU-a")])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert {device.kind for device in devices.inventory()} == {"cpu"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "abc"),
        ("", ""),
        ("-1", ""),
        ("0,2", "ac"),
        ("2,1", "cb"),
        (" 1 , 0", "ba"),
        ("0,-1,2", "a"),
        ("0,,2", "a"),
        ("0,7,2", "a"),
        ("7", ""),
        ("1,1", ""),
        ("0,7,7", ""),
        ("1gpu2,2ampere", "bc"),
        ("0,GPU-b", "a"),
        ("GPU-b", "b"),
        ("GPU-b,GPU-a", "ba"),
        ("GPU-b,0", "b"),
        ("GPU-b1,GPU-b", ""),
        ("GPU-", ""),
        ("GPU-b,GPU-x,GPU-a", "b"),
        ("NoDevFiles", ""),
    ],
)
def test_the_list_of_visible_gpus_is_read_as_cuda_reads_it(value, expected):
    fleet = [Gpu(f"GPU-{letter}1", "H200") for letter in "abc"]
    assert [gpu.uuid[4] for gpu in gpus.visible(fleet, value)] == list(expected)
