"""Trials of several devices: all or none of them, in the order of the queue."""

import json

import pytest
from lab_testing import CONFIG, ended, in_state, open_gate

from pawn_lab.errors import InvalidRequestError
from pawn_lab.executors.executor import Device
from pawn_lab.executors.launch_files import distributed
from pawn_lab.executors.local.devices import environment_of
from pawn_lab.lab import Lab, launching, queries, resuming, spending
from pawn_lab.states import State

BOTH = CONFIG | {"gpus": 2, "device": "cpu"}


def test_a_trial_of_two_devices_waits_for_both_and_is_not_overtaken(open_lab):
    lab = open_lab("gate")
    first, both, last = (
        launching.launch(lab, CONFIG),
        launching.launch(lab, BOTH),
        launching.launch(lab, CONFIG | {"seed": 1}),
    )
    in_state(lab, first.id, State.RUNNING)
    assert queries.trial(lab, both.id).why_waiting == (
        "it needs 2 devices at once; 1 of 2 held, by trial 1; first in queue"
    )
    assert queries.trial(lab, last.id).state is State.QUEUED
    open_gate(lab, first.id)
    ended(lab, first.id)
    in_state(lab, both.id, State.RUNNING)
    assert queries.trial(lab, both.id).device == "cpu:0,cpu:1"
    assert [device.trial_id for device in queries.devices(lab)] == [both.id, both.id]
    assert "every device is held" in queries.trial(lab, last.id).why_waiting
    for trial in (both, last):
        open_gate(lab, trial.id)
        ended(lab, trial.id)


def test_a_trial_on_two_devices_costs_twice_its_time(open_lab):
    lab = open_lab("complete")
    spending.set_cost(lab, 2.0)
    trial = ended(lab, launching.launch(lab, CONFIG | {"device": "cpu"}, gpus=2).id)
    assert trial.config["gpus"] == 2
    [spent] = spending.spent(lab, trial.id, [float("inf")])
    held = trial.ended_at - trial.created_at
    assert 0 < spent.hours <= 2 * held / 3600
    assert trial.cost == pytest.approx(spent.hours * 1.0)


def test_a_number_of_devices_that_the_config_denies_is_refused(open_lab):
    with pytest.raises(InvalidRequestError, match="gpus 1 and the config's gpus 2 differ"):
        launching.launch(open_lab(), BOTH, gpus=1)


def test_gpus_are_named_by_uuid_and_the_trainer_runs_under_torchrun():
    gpus = [Device(f"GPU-{name}", "gpu", "H200") for name in "ab"]
    assert environment_of(gpus, 8)["CUDA_VISIBLE_DEVICES"] == "GPU-a,GPU-b"
    command = distributed(["python", "-P", "-m", "pawn_core"], 2)
    torchrun = "-m torch.distributed.run --standalone --nproc-per-node 2 -m pawn_core"
    assert command == ["python", "-P", *torchrun.split()]


def test_two_processes_train_one_model_pause_and_resume(workspace, warm, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", warm)
    toy = {"variant": "toy", "max_seq_len": 32, "batch_size": 4, "total_steps": 8}
    toy |= {"eval_interval": 4, "log_interval": 4, "val_games": 4, "num_workers": 0}
    toy |= {"device": "cpu", "no_compile": True, "local_checkpoints": True}
    with Lab.open(workspace) as lab:
        paused = ended(lab, launching.launch(lab, toy | {"gpus": 2, "pause_after_steps": 4}).id)
        log = lab.paths.trial(paused.id).log.read_text()
        assert paused.state is State.PAUSED, log
        assert (paused.exit.code, paused.exit.step) == (0, 4)
        assert json.loads(lab.paths.trial(1).launch.read_text())["argv"][3:5] == [
            "torch.distributed.run",
            "--standalone",
        ]
        resumed = ended(lab, resuming.resume(lab, paused.id).id)
        assert (resumed.state, resumed.exit.step) == (State.COMPLETED, 8)
