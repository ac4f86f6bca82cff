"""Devices: GPUs by UUID, else CPU slots that share the cores."""

import pytest

from pawn_lab import errors
from pawn_lab.executors.executor import Device
from pawn_lab.executors.local import devices

GPUS = [Device(f"GPU-{letter}", "gpu", "H200") for letter in "abc"]


def test_a_gpu_is_named_by_its_uuid():
    assert devices.environment_of(GPUS[:1], 3)["CUDA_VISIBLE_DEVICES"] == "GPU-a"


@pytest.mark.parametrize(("count", "threads"), [(1, "8"), (3, "2"), (16, "1")])
def test_cores_are_shared_evenly(monkeypatch, count, threads):
    monkeypatch.setattr(devices, "core_count", lambda: 8)
    environment = devices.environment_of([Device("cpu:0", "cpu", "CPU slot 0")], count)
    assert environment["OMP_NUM_THREADS"] == environment["RAYON_NUM_THREADS"] == threads
    assert environment["CUDA_VISIBLE_DEVICES"] == ""


@pytest.mark.parametrize(("cores", "slots"), [(1, 1), (2, 2), (64, 4)])
def test_cpu_slots_follow_the_cores_up_to_four(monkeypatch, cores, slots):
    monkeypatch.delenv("PAWN_CPU_SLOTS", raising=False)
    monkeypatch.setattr(devices, "core_count", lambda: cores)
    assert devices.cpu_slots() == slots


def test_cpu_slots_are_set_by_the_environment(monkeypatch):
    monkeypatch.setenv("PAWN_CPU_SLOTS", "7")
    assert devices.cpu_slots() == 7


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "99999"])
def test_a_number_of_slots_that_makes_no_sense_is_refused(monkeypatch, value):
    monkeypatch.setenv("PAWN_CPU_SLOTS", value)
    with pytest.raises(errors.InvalidRequestError, match=f"PAWN_CPU_SLOTS '{value}' is not all"):
        devices.cpu_slots()


def test_the_inventory_of_this_machine_names_its_devices():
    found = devices.inventory()
    assert found
    assert len({device.id for device in found}) == len(found)
