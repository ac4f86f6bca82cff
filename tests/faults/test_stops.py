"""Processes that are stopped or frozen, and files of a living trial that are deleted."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkProcess
from pathlib import Path

import front_end
import pytest
from lab_fixtures import command_line, processes_of
from lab_testing import (
    CONFIG,
    DEADLINE_S,
    ended,
    event_kinds,
    eventually,
    guardian_of,
    in_state,
    nobody_left,
    open_gate,
    shim_of,
    trainer_greeting,
)
from soundness import assert_sound

from pawn_lab.executors.local import local, owners
from pawn_lab.lab import Lab, killing, launching, queries
from pawn_lab.shim import identity
from pawn_lab.states import State

CGROUPS = Path("/proc/self/mounts")


@pytest.fixture
def cgroup(tmp_path) -> Iterator[Path]:
    """A control group that can be frozen; skips where none can be made."""
    mounts = [line.split() for line in CGROUPS.read_text("utf-8").splitlines()]
    roots = [Path(where) for _, where, kind, *_ in mounts if kind == "cgroup2"]
    group = next((root / f"pawn-test-{os.getpid()}-{tmp_path.name}" for root in roots), None)
    try:
        if group is None:
            pytest.skip("no cgroup v2 is mounted")
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup can be made: {error}")
    yield group
    (group / "cgroup.freeze").write_text("0")
    eventually(lambda: not (group / "cgroup.procs").read_text(), "empty cgroup")
    group.rmdir()


def stuck(lab: Lab, trial_id: int) -> list[str]:
    """Return what was done about owners of a trial that did not answer."""
    events = queries.events(lab, limit=1000).events
    return [e.message for e in events if (e.kind, e.trial_id) == ("stuck", trial_id)]


def test_a_shim_that_is_stopped_is_continued_by_its_guardian(open_lab):
    lab = open_lab("gate")
    trial_id = launching.launch(lab, CONFIG).id
    trainer_greeting(lab, trial_id)
    shim, log = shim_of(lab, trial_id), lab.paths.trial(trial_id).shim_log
    assert identity.send_signal(shim, signal.SIGSTOP)
    eventually(lambda: "stopped by signal 19: continued" in log.read_text(), "word of the guardian")
    eventually(lambda: not identity.is_stopped(shim), "shim that goes on")
    open_gate(lab, trial_id)
    assert ended(lab, trial_id).state is State.COMPLETED


def test_a_kill_reaches_a_trial_whose_shim_and_guardian_are_stopped(open_lab):
    lab = open_lab("hang")
    trial_id = launching.launch(lab, CONFIG).id
    trainer_greeting(lab, trial_id)
    for owner in (guardian_of(lab, trial_id), shim_of(lab, trial_id)):
        assert identity.send_signal(owner, signal.SIGSTOP)
        eventually(lambda owner=owner: identity.is_stopped(owner), "stop")
    killing.kill(lab, trial_id)
    trial = ended(lab, trial_id)
    assert (trial.state, trial.exit.code) == (State.KILLED, 143)
    assert stuck(lab, trial_id) == [
        "its shim was stopped (SIGSTOP): continued",
        "its guardian was stopped (SIGSTOP): continued",
    ]
    assert_sound(lab)


def test_a_trial_ends_though_its_guardian_was_stopped_before_its_shim_ended(open_lab):
    lab = open_lab("gate")
    trial_id = launching.launch(lab, CONFIG).id
    trainer_greeting(lab, trial_id)
    assert identity.send_signal(guardian_of(lab, trial_id), signal.SIGSTOP)
    open_gate(lab, trial_id)
    assert ended(lab, trial_id).state is State.COMPLETED


@pytest.mark.parametrize("frozen", ["shim", "shim and guardian"])
def test_a_kill_that_a_frozen_owner_does_not_take_goes_to_the_next_in_line(
    open_lab, cgroup, monkeypatch, frozen
):
    monkeypatch.setattr(owners, "ANSWER_S", 0.2)
    lab = open_lab("hang with children")
    trial_id = launching.launch(lab, CONFIG).id
    trainer_greeting(lab, trial_id)
    pids = [shim_of(lab, trial_id).pid, guardian_of(lab, trial_id).pid]
    for pid in pids[: 1 + ("guardian" in frozen)]:
        (cgroup / "cgroup.procs").write_text(str(pid))
    (cgroup / "cgroup.freeze").write_text("1")
    eventually(lambda: "frozen 1" in (cgroup / "cgroup.events").read_text(), "frozen group")
    killing.kill(lab, trial_id)
    assert queries.trial(lab, trial_id).state is State.RUNNING
    assert ended(lab, trial_id).state is State.LOST
    steps = stuck(lab, trial_id)
    assert "its shim has not taken the kill in" in steps[0]
    assert [step.partition(" does")[0] for step in steps[1:]] == (
        ["its guardian"] if "guardian" in frozen else []
    )
    assert nobody_left(lab, trial_id)
    assert_sound(lab)


@pytest.mark.parametrize(
    "deleted", [["alive.lock"], ["shim.json"], ["alive.lock", "trainer.log", "launch.json"]]
)
def test_a_healthy_trial_goes_on_though_its_files_are_deleted(open_lab, deleted):
    lab = open_lab("gate")
    trial_id = in_state(lab, launching.launch(lab, CONFIG).id, State.RUNNING).id
    shim, folder = shim_of(lab, trial_id), lab.paths.trial(trial_id).root
    trainer_greeting(lab, trial_id)
    for name in deleted:
        (folder / name).unlink()
    assert queries.trial(lab, trial_id).state is State.RUNNING
    assert queries.devices(lab)[0].trial_id == trial_id
    assert identity.is_alive(shim)
    open_gate(lab, trial_id)
    assert ended(lab, trial_id).state is State.COMPLETED


def test_a_trial_whose_every_file_is_deleted_leaves_no_process(open_lab):
    lab = open_lab("hang")
    trial_id = in_state(lab, launching.launch(lab, CONFIG).id, State.RUNNING).id
    token, folder = shim_of(lab, trial_id).token, lab.paths.trial(trial_id).root
    folder.rename(folder.with_name("elsewhere"))
    assert ended(lab, trial_id).state is State.LOST
    assert not identity.members(token)


def test_a_kill_reaches_a_trial_that_no_longer_says_who_its_shim_is(open_lab, monkeypatch):
    monkeypatch.setattr(owners, "ANSWER_S", 0.2)
    lab = open_lab("hang")
    trial_id = in_state(lab, launching.launch(lab, CONFIG).id, State.RUNNING).id
    token = shim_of(lab, trial_id).token
    # One that goes on may be quicker than the kill, and record the trainer's end.
    for owner in (guardian_of(lab, trial_id), shim_of(lab, trial_id)):
        assert identity.send_signal(owner, signal.SIGSTOP)
    lab.paths.trial(trial_id).identity.write_text("{}")
    killing.kill(lab, trial_id)
    assert ended(lab, trial_id).state is State.LOST
    assert "who its shim is cannot be read" in stuck(lab, trial_id)[0]
    assert not identity.members(token)


@contextmanager
def stopped_front_end(workspace: Path, point: str) -> Iterator[ForkProcess]:
    """Yield a front end that is stopped amid a launch; it is gone afterwards, whatever happens."""
    process = front_end.start(workspace, [("launch", "key")], behaviour="gate", stops_at=point)
    try:
        eventually(lambda: identity.is_process_stopped(process.pid), "stopped front end")
        yield process
    finally:
        process.kill()
        process.join()


def let_go_on(process: ForkProcess) -> None:
    """Continue a stopped front end and see it through."""
    os.kill(process.pid, signal.SIGCONT)
    process.join(DEADLINE_S)
    assert process.exitcode == 0


@pytest.mark.parametrize("point", ["queued-launching.after-commit", "start.files-written"])
def test_a_launch_whose_front_end_is_stopped_is_made_by_another(workspace, monkeypatch, point):
    monkeypatch.setattr(local, "STOPPED_S", 0.2)
    with stopped_front_end(workspace, point) as first, Lab.open(workspace) as lab:
        in_state(lab, 1, State.RUNNING)
        owner = shim_of(lab, 1)
        let_go_on(first)
        eventually(
            lambda: shims(workspace) == {owner.pid, guardian_of(lab, 1).pid}, "no other shim"
        )
        assert shim_of(lab, 1) == owner
        open_gate(lab, 1)
        assert ended(lab, 1).state is State.COMPLETED
        assert event_kinds(lab, 1).count("launching") == 2
        assert_sound(lab)


def shims(workspace: Path) -> set[int]:
    """Return the shims of a workspace and what is above them."""
    return {pid for pid in processes_of(workspace) if "shim" in command_line(pid)}


def test_a_kill_of_a_launch_whose_front_end_is_stopped_takes_it_out(workspace, monkeypatch):
    monkeypatch.setattr(local, "STOPPED_S", 0.2)
    point = "queued-launching.after-commit"
    with stopped_front_end(workspace, point) as first, Lab.open(workspace) as lab:
        assert killing.kill(lab, 1).state is State.KILLED
        let_go_on(first)
        assert queries.trial(lab, 1).state is State.KILLED
        assert_sound(lab)


def test_a_front_end_keeps_no_zombie_of_a_launch_that_took_long(open_lab, monkeypatch):
    monkeypatch.setattr("pawn_lab.executors.local.start.HANDSHAKE_TIMEOUT_S", 0.0)
    lab = open_lab("gate")
    launching.launch(lab, CONFIG)
    trainer_greeting(lab, 1)
    eventually(lambda: not zombies(), "reaped launcher's child")
    open_gate(lab, 1)
    ended(lab, 1)


def zombies() -> list[int]:
    """Return our children that only wait to be reaped."""
    stats = (Path(f"/proc/{pid}/stat") for pid in identity.process_ids())
    fields = [stat.read_bytes().rpartition(b")")[2].split() for stat in stats if stat.exists()]
    return [1 for state, parent, *_ in fields if (state, int(parent)) == (b"Z", os.getpid())]
