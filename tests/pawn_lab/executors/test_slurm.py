"""What trials get of a cluster, what they hold of it, and what becomes of them when it fails."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from contract import SLURM
from lab_testing import (
    CONFIG,
    ended,
    event_kinds,
    eventually,
    in_state,
    make_checkpoint,
    nobody_left,
    open_gate,
    shim_of,
    stand_in,
    trainer_greeting,
)
from slurm_cluster import Cluster

from pawn_lab.errors import InvalidRequestError
from pawn_lab.executors.attempt import Attempt
from pawn_lab.executors.executor import Claim, Device
from pawn_lab.executors.registry import executor_named
from pawn_lab.executors.slurm import jobs, node, submission
from pawn_lab.executors.slurm.jobs import Job, Key
from pawn_lab.executors.slurm.settings import SlurmSettings
from pawn_lab.lab import Lab, killing, launching, queries, sweeping
from pawn_lab.shim import guardian, identity
from pawn_lab.shim.rules import Limits
from pawn_lab.states import State

pytestmark = pytest.mark.usefixtures("slurm_cluster")
LIMITS = Limits(grace_s=0.5)
PLAN: dict[str, Any] = {"config": CONFIG, "space": {"lr": [1e-3, 1e-4, 1e-5]}}


def open_lab_with(workspace: Path, limits: Limits = LIMITS, **settings: Any) -> Lab:
    """Open a workspace on the cluster with these settings; its trials wait at a gate."""
    executor = executor_named("slurm", SLURM | settings)
    return Lab.open(workspace, trainer=stand_in("gate"), limits=limits, executor=executor)


def job_of(lab: Lab, trial_id: int) -> Job:
    """Return the job of a trial, as Slurm lists it."""
    paths = lab.paths.trial(trial_id)
    token = json.loads(paths.launch.read_text())["environment"]["PAWN_TRIAL_TOKEN"]
    return jobs.listed()[submission.key_of(Attempt(trial_id, token, paths))]


def names_of_jobs() -> set[str]:
    """Return the names of the jobs that have not ended."""
    return {job.key.name for job in jobs.listed().values() if not job.ended}


def test_each_trial_has_gpus_of_its_own_and_says_where_it_ran(workspace):
    with open_lab_with(workspace, device="gpu") as lab:
        visible = []
        for seed in range(2):
            trial_id = launching.launch(lab, CONFIG | {"seed": seed}).id
            environment = trainer_greeting(lab, trial_id)["environment"]
            visible.append(environment["CUDA_VISIBLE_DEVICES"])
            assert not [name for name in environment if name.startswith("SLURM_")]
            record = json.loads(lab.paths.trial(trial_id).node.read_text())
            assert record["visible_gpus"] == visible[-1]
            assert set(record["cores"]) == os.sched_getaffinity(0)
            assert record["node"] == os.uname().nodename
        assert sorted(visible) == ["0", "1"]
        for trial_id in (1, 2):
            open_gate(lab, trial_id)
            assert ended(lab, trial_id).state is State.COMPLETED


def test_nothing_of_a_job_that_the_lab_runs_in_reaches_its_own(workspace, monkeypatch):
    for name, value in {
        "SBATCH_PARTITION": "nowhere",
        "SLURM_CPUS_PER_TASK": "7",
        "SLURM_CPU_BIND": "quiet,mask_cpu:0x1",
        "SLURM_JOB_ID": "4711",
        "HF_TOKEN": "hf_canary",
    }.items():
        monkeypatch.setenv(name, value)
    with open_lab_with(workspace, cpus=1) as lab:
        launching.launch(lab, CONFIG)
        assert trainer_greeting(lab, 1)["environment"]["OMP_NUM_THREADS"] == "1"
        script = jobs.run(["scontrol", "write", "batch_script", job_of(lab, 1).id, "-"])
        assert "hf_canary" not in script
        open_gate(lab, 1)
        assert ended(lab, 1).state is State.COMPLETED


def test_points_of_a_sweep_are_tasks_of_one_array_each_with_its_own_end(workspace):
    with open_lab_with(workspace, max_jobs=3) as lab:
        sweeping.start(lab, PLAN)
        for trial_id in (1, 2, 3):
            in_state(lab, trial_id, State.RUNNING)
        found = [job_of(lab, trial_id) for trial_id in (1, 2, 3)]
        assert len({job.array for job in found}) == 1
        assert sorted(job.key.task for job in found) == [0, 1, 2]
        killing.kill(lab, 2)
        assert ended(lab, 2).state is State.KILLED
        assert [queries.trial(lab, i).state for i in (1, 3)] == [State.RUNNING] * 2
        for trial_id in (1, 3):
            open_gate(lab, trial_id)
            assert ended(lab, trial_id).state is State.COMPLETED


def test_a_launch_that_waits_in_the_queue_is_taken_out_by_a_kill(workspace, slurm_cluster):
    slurm_cluster.told("scontrol", "update", "PartitionName=main", "State=DOWN")
    try:
        with open_lab_with(workspace) as lab:
            launching.launch(lab, CONFIG)
            for _ in range(3):
                assert queries.trial(lab, 1).state is State.LAUNCHING
            assert killing.kill(lab, 1).state is State.KILLED
            messages = [event.message for event in queries.events(lab).events]
            assert "launch interrupted, queued again: it was taken out of the queue" in messages
            assert all(job.ended for job in jobs.listed().values())
    finally:
        slurm_cluster.told("scontrol", "update", "PartitionName=main", "State=UP")


def test_what_slurm_refuses_is_said_as_it_says_it(workspace):
    with open_lab_with(workspace, partition="nowhere") as lab:
        launching.launch(lab, CONFIG)
        trial = ended(lab, 1)
        assert "never started in 3 attempts" in trial.exit.message
        assert "invalid partition" in trial.exit.message.lower()


def test_a_submission_whose_answer_was_lost_is_not_made_again(workspace, tmp_path, monkeypatch):
    """Slurm has taken the job, and sbatch says that it has not."""
    real = shutil.which("sbatch")
    sbatch = tmp_path / "bin" / "sbatch"
    sbatch.parent.mkdir()
    sbatch.write_text(f'#!/bin/sh\n{real} "$@"\necho "Socket timed out" >&2\nexit 1\n')
    sbatch.chmod(0o755)
    monkeypatch.setenv("PATH", f"{sbatch.parent}:{os.environ['PATH']}")
    with open_lab_with(workspace, absence_s=5.0) as lab:
        launching.launch(lab, CONFIG)
        in_state(lab, 1, State.RUNNING)
        open_gate(lab, 1)
        assert ended(lab, 1).state is State.COMPLETED
        assert event_kinds(lab, 1).count("launching") == 1


def test_a_job_that_belongs_to_no_trial_is_cancelled(workspace, monkeypatch):
    with open_lab_with(workspace) as lab:
        launching.launch(lab, CONFIG)
        in_state(lab, 1, State.RUNNING)
        for name, mark in (("ours", submission.mark_of(lab.paths)), ("another's", "pawn-other")):
            options = ["--parsable", f"--job-name={jobs.PREFIX}{name}", f"--comment={mark}"]
            options += ["--output=/dev/null", "--wrap=exec sleep 100"]
            jobs.run(["sbatch", *options])
        for name in ("_ORPHAN_S", "_CLEAR_EVERY_S"):
            monkeypatch.setattr(f"pawn_lab.executors.slurm.slurm.{name}", -1.0)
        token = shim_of(lab, 1).token
        steps = lab.executor.clear(lab.paths, [Attempt(1, token, lab.paths.trial(1))])
        assert ["belonged to no trial" in step for step in steps] == [True]
        left = {f"{jobs.PREFIX}another's", f"{jobs.PREFIX}{token}"}
        eventually(lambda: names_of_jobs() == left, "end of the job without a trial")
        open_gate(lab, 1)
        assert ended(lab, 1).state is State.COMPLETED


def test_a_copy_of_the_workspace_leaves_the_jobs_of_the_original_alone(workspace, tmp_path):
    with open_lab_with(workspace) as lab:
        launching.launch(lab, CONFIG)
        trainer_greeting(lab, 1)
        shutil.copytree(lab.paths.root, tmp_path / "copy")
        with open_lab_with(tmp_path / "copy") as copy:
            assert queries.trial(copy, 1).state is State.LOST
        assert queries.trial(lab, 1).state is State.RUNNING
        open_gate(lab, 1)
        assert ended(lab, 1).state is State.COMPLETED


def test_a_node_that_fails_takes_its_trial_along_and_the_lab_says_so(workspace, slurm_cluster):
    with open_lab_with(workspace) as lab:
        launching.launch(lab, CONFIG)
        trainer_greeting(lab, 1)
        make_checkpoint(lab.paths.trial(1).checkpoints, 100)
        fail_node(slurm_cluster, lab)
        lost = ended(lab, 1)
        assert lost.state is State.LOST
        assert "ended as NODE_FAIL" in lost.exit.message
        assert "its newest checkpoint is of step 100" in lost.exit.message
        slurm_cluster.mend_node()


def test_a_job_that_is_run_again_goes_on_from_its_checkpoint_in_the_same_folder(workspace):
    """As Slurm does after a node failed; its own second start comes two minutes later."""
    with open_lab_with(workspace, absence_s=1000.0) as lab:
        launching.launch(lab, CONFIG)
        trainer_greeting(lab, 1)
        in_state(lab, 1, State.RUNNING)
        paths, token = lab.paths.trial(1), shim_of(lab, 1).token
        checkpoint = make_checkpoint(paths.checkpoints, 100)
        eventually(lambda: not identity.kill_members(token), "death of all processes")
        eventually(lambda: job_of(lab, 1).ended, "end of the job")
        assert queries.trial(lab, 1).state is State.RUNNING
        open_gate(lab, 1)
        again = [sys.executable, "-P", "-m", submission.JOB, str(workspace), f"1:{token}"]
        environment = os.environ | {"SLURM_RESTART_COUNT": "1", guardian.ALONE_VARIABLE: "1"}
        assert subprocess.run(again, env=environment, check=False).returncode == 0
        assert ended(lab, 1).state is State.COMPLETED
        assert json.loads(paths.node.read_text())["restarts"] == 1
        launch = json.loads(paths.launch.read_text())
        assert launch["argv"][-2:] == ["--resume", str(checkpoint)]
        assert len(paths.log.read_text().splitlines()) == 2
        assert subprocess.run(again, env=environment, check=False).returncode == 0
        assert len(paths.log.read_text().splitlines()) == 2


def test_a_job_that_is_run_again_with_nothing_saved_begins_anew(workspace):
    with open_lab_with(workspace) as lab:
        launching.launch(lab, CONFIG)
        trainer_greeting(lab, 1)
        paths = lab.paths.trial(1)
        launch = json.loads(paths.launch.read_text())
        assert node.gone_on(paths, launch) == launch
        assert not paths.run.exists()
        assert len(list(paths.root.glob("run.*"))) == 1
        killing.kill(lab, 1)
        ended(lab, 1)


def fail_node(cluster: Cluster, lab: Lab) -> None:
    """Let the node fail: all that runs on it ends at once, and the controller learns of it."""
    cluster.kill_node()
    eventually(lambda: nobody_left(lab, 1), "end of the node's processes")
    cluster.told("scontrol", "update", f"NodeName={cluster.host}", "State=DOWN", "Reason=dead")


@pytest.mark.parametrize(
    ("limits", "expected_s", "most", "minutes"),
    [
        ({}, None, None, None),
        ({}, None, 60, 60),
        ({"wall_clock_s": 3600.0, "grace_s": 30.0}, None, None, 64),
        ({"wall_clock_s": 3600.0, "grace_s": 30.0}, None, 30, 30),
        ({"wall_clock_s": None, "grace_s": 30.0}, 3600.0, None, 124),
        ({"wall_clock_s": None, "grace_s": 30.0}, 10.0, None, 14),
    ],
)
def test_a_time_limit_comes_from_the_trials_own_or_from_what_its_like_took(
    limits, expected_s, most, minutes
):
    settings = SlurmSettings(most_minutes=most)
    row = SimpleNamespace(limits=limits)
    claim = Claim(row, [Device("slurm:0", "gpu", "gpu")], 1, -1, expected_s)
    assert submission.minutes_of(settings, claim) == minutes


def test_a_shim_stops_its_trainer_before_slurm_ends_the_job(workspace):
    ten_hours = replace(LIMITS, wall_clock_s=36_000.0)
    with open_lab_with(workspace, ten_hours, most_minutes=2) as lab:
        launching.launch(lab, CONFIG)
        trainer_greeting(lab, 1)
        limit_s = json.loads(lab.paths.trial(1).launch.read_text())["limits"]["wall_clock_s"]
        assert 40 < limit_s <= 120 - 0.5 - node.SAVE_S
        open_gate(lab, 1)
        assert ended(lab, 1).state is State.COMPLETED


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("1-02:03:04", 93784.0), ("02:03:04", 7384.0), ("03:04", 184.0), ("UNLIMITED", None)],
)
def test_the_time_left_is_read_as_slurm_writes_it(monkeypatch, told, seconds):
    monkeypatch.setattr(node, "_said", lambda *_: told)
    assert node.time_left_s() == seconds


@pytest.mark.parametrize(
    ("state", "ended_", "waits"),
    [
        ("COMPLETING", False, False),
        ("PREEMPTED", False, False),
        ("REQUEUED", False, True),
        ("PENDING", False, True),
        ("NODE_FAIL", True, False),
        ("TIMEOUT", True, False),
    ],
)
def test_a_state_that_a_job_may_leave_is_no_end(state, ended_, waits):
    job = Job(Key("pawn-1"), "7", state, "2026-01-01T00:00:00", "")
    assert (job.ended, job.waits) == (ended_, waits)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"extra": "--wrap=ls"}, "extra '--wrap=ls' is not allowed: --NAME=VALUE"),
        ({"extra": "--exclusive --job-name x"}, "extra '--job-name' is not allowed"),
        ({"max_jobs": "0"}, r"max_jobs '0' is not allowed: .* \(allowed: >= 1 and <= 1024\)"),
        ({"device": "tpu"}, r"device 'tpu' is unknown; one of: gpu, cpu"),
    ],
)
def test_settings_that_would_break_the_bookkeeping_are_refused(settings, told):
    with pytest.raises(InvalidRequestError, match=told):
        executor_named("slurm", settings)
