"""What cannot run on this machine is refused by every call that would queue it."""

import re
from collections.abc import Callable

import pytest
from fake_nvml import FakeGpu, NVMLError_GpuIsLost, install
from lab_testing import CONFIG, ended, make_checkpoint

from pawn_core.machine import Machine
from pawn_lab.errors import InvalidConfigError, InvalidRequestError
from pawn_lab.executors.local import devices
from pawn_lab.lab import Lab, killing, launching, queries
from pawn_lab.tools.launch import lab_launch
from pawn_lab.tools.resume import lab_resume
from pawn_lab.tools.sweep import lab_sweep

UNRUNNABLE = [
    ({"variant": "base"}, "device 'auto' found no GPU"),
    ({"device": "cuda:0"}, "device 'cuda:0' does not exist: 0 GPUs found"),
    ({"gpus": 2}, "gpus 2 is not allowed: 0 GPUs found"),
    ({"variant": "large", "d_model": 16384, "device": "cpu"}, "parameters do not fit"),
]

Call = Callable[[Lab, dict], object]
CALLS: dict[str, Call] = {
    "launch": lambda lab, config: lab_launch(lab, config),
    "seeds": lambda lab, config: lab_launch(lab, config, seeds=3),
    "dry run": lambda lab, config: lab_launch(lab, config, dry_run=True),
    "sweep": lambda lab, config: lab_sweep(
        lab, settings={"config": config, "space": {"lr": [0.1, 0.2]}}
    ),
    "point": lambda lab, config: lab_sweep(lab, settings={"config": CONFIG, "arms": [{}, config]}),
    "tpe": lambda lab, config: lab_sweep(
        lab,
        settings={
            "config": config,
            "method": "tpe",
            "points": 3,
            "space": {"lr": {"low": 0.1, "high": 1}},
        },
    ),
    "dry sweep": lambda lab, config: lab_sweep(
        lab, settings={"config": config, "space": {"lr": [0.1]}}, dry_run=True
    ),
}


@pytest.fixture(autouse=True)
def _small_machine(monkeypatch):
    monkeypatch.delenv("PAWN_ALLOW_CPU", raising=False)
    monkeypatch.setattr(devices, "cpu_memory", lambda: 8 << 30)
    monkeypatch.setattr(devices, "cpu_flags", lambda: frozenset({"avx2"}))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("fields", "reason"), UNRUNNABLE)
def test_what_needs_a_gpu_is_refused_on_cpu_slots(open_lab, call, fields, reason):
    lab = open_lab()
    with pytest.raises(InvalidConfigError, match=re.escape(reason)):
        CALLS[call](lab, CONFIG | fields)
    assert queries.trials(lab) == []


def test_what_cannot_run_is_not_resumed_either(open_lab, monkeypatch):
    lab = open_lab("pause")
    with monkeypatch.context() as allowed:
        allowed.setenv("PAWN_ALLOW_CPU", "1")
        paused = ended(lab, launching.launch(lab, CONFIG | {"variant": "small"}).id)
    make_checkpoint(lab.paths.trial(paused.id).checkpoints, 5)
    with pytest.raises(InvalidConfigError, match="device 'auto' found no GPU"):
        lab_resume(lab, paused.id)
    assert ended(lab, lab_resume(lab, paused.id, overrides={"device": "cpu"}).trial_id)


def test_a_precision_that_the_cpu_emulates_is_launched_with_a_warning(open_lab):
    lab, slow = open_lab("gate"), CONFIG | {"amp_dtype": "bfloat16"}
    (warning,) = lab_launch(lab, slow, dry_run=True).warnings
    assert "about 10 times as long" in warning
    assert lab_launch(lab, slow).warnings == [warning]
    assert lab_launch(lab, CONFIG | {"seed": 1}).warnings is None
    plan = {"config": slow, "space": {"lr": [0.1, 0.2]}}
    assert lab_sweep(lab, settings=plan, dry_run=True).warnings == [warning]
    assert lab_sweep(lab, settings=plan).warnings == [warning]
    for trial in queries.trials(lab):
        killing.kill(lab, trial.id)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"device": "cuda:1"}, "'cuda:1' does not exist: 1 GPU found (a trial sees its own GPUs)"),
        ({"gpus": 4}, "gpus 4 is not allowed: the machine has 2 devices"),
        ({"variant": "base"}, "alone take 0.5 GiB of 0.0 GiB"),
    ],
)
def test_a_trial_has_the_gpus_that_the_lab_gives_it(open_lab, monkeypatch, fields, reason):
    install(monkeypatch, [FakeGpu("GPU-a", memory=4 << 20), FakeGpu("GPU-b", memory=5 << 20)])
    lab = open_lab()
    with pytest.raises(InvalidRequestError, match=re.escape(reason)):
        lab_launch(lab, CONFIG | fields, dry_run=True)


def test_a_trial_that_keeps_a_gpu_idle_is_launched_with_a_warning(open_lab, monkeypatch):
    install(monkeypatch, [FakeGpu("GPU-a")])
    (warning,) = lab_launch(open_lab(), CONFIG | {"device": "cpu"}, dry_run=True).warnings
    assert warning == "device 'cpu': the trial holds a GPU of this lab and does not use it"


def test_one_process_sees_one_mig_instance(open_lab, monkeypatch):
    parts = [FakeGpu("MIG-a"), FakeGpu("MIG-b")]
    install(monkeypatch, [FakeGpu("GPU-a", instances=parts, divided=True)])
    with pytest.raises(InvalidConfigError, match="a process sees one MIG instance at a time"):
        lab_launch(open_lab(), CONFIG | {"gpus": 2}, dry_run=True)


def test_where_all_gpus_are_lost_a_launch_is_refused_by_that(open_lab, monkeypatch):
    lost = FakeGpu("GPU-a", refuses={"HandleByIndex": NVMLError_GpuIsLost("GPU is lost")})
    install(monkeypatch, [lost])
    with pytest.raises(InvalidRequestError, match=r"no device: GPU 0 is lost \(GPU is lost\)"):
        lab_launch(open_lab(), CONFIG)


def test_the_largest_gpus_decide_whether_a_trial_may_fit(monkeypatch):
    monkeypatch.setattr(devices, "torch_without_gpus", lambda: None)
    unread = FakeGpu("GPU-c", refuses={"MemoryInfo": OSError()})
    install(monkeypatch, [FakeGpu("GPU-a", memory=1), FakeGpu("GPU-b", memory=2), unread])
    assert devices.trial_machine(devices.inventory()) == Machine(
        (2, 1, None), frozenset({"avx2"}), 8 << 30, "a trial sees its own GPUs"
    )
