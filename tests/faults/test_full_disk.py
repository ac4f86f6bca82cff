"""A workspace that cannot be written is read as before, and every change says what to do."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lab_fixtures import end_processes_of
from lab_testing import CONFIG, ended, eventually, in_state, open_gate, stand_in, trainer_greeting
from webhooks import receiver

from pawn_lab.alarms import webhook
from pawn_lab.alarms.webhook import Webhook
from pawn_lab.lab import Lab, launching, queries
from pawn_lab.lab.closing import closed
from pawn_lab.states import State
from pawn_lab.watchdog import Watchdog

__all__ = ["receiver"]

LAUNCH = "launch --set variant=toy local_checkpoints=true"
READING = (
    *("status", "status --trial-id 1", "events", "results", "compare", "log 1", "notes", "audit"),
    *("wait --timeout-s 0", "schema", "diff 1 2", f"{LAUNCH} --dry-run"),
)
CHANGING = (LAUNCH, "resume 1", "kill 2", "notes --append hello", "set-cost 3")


NOBODY = 65534
PAUSED = CONFIG | {"pause_after_steps": 200}


@pytest.fixture
def small_disk(workspace: Path) -> Iterator[Path]:
    """A disk of 16 MB; only a mount can be full without the disk of others being so."""
    disk = workspace.with_name("disk")
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here")
    yield disk
    end_processes_of(disk)
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Write until nothing more fits."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    assert os.statvfs(disk).f_bavail == 0
    return filler


@dataclass(frozen=True)
class Done:
    """What a command returned and said."""

    code: int
    out: str
    err: str


def run(workspace: Path, lines: Iterable[str], user: int = 0) -> dict[str, Done]:
    """Run commands in a process of its own, in the end as another user, and return what they said.

    A user without rights could not even import the lab, so they become one when all is imported.
    """
    environment = os.environ | {"PAWN_WORKSPACE": str(workspace)}
    call = [sys.executable, str(Path(__file__).with_name("commands.py")), str(user), *lines]
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {line: Done(*said) for line, said in json.loads(done.stdout).items()}


def check_read_only(workspace: Path, why: str, user: int = 0) -> None:
    """Check that commands which read answer, and that those which change are refused in a line."""
    for line, done in run(workspace, READING, user).items():
        assert done.code == (1 if line == "audit" else 0), (line, done)
        assert done.out
        if line == "status":
            assert "Nothing is recorded or launched: workspace" in " ".join(done.out.split())
    for line, done in run(workspace, CHANGING, user).items():
        assert (done.code, done.out) == (2, ""), (line, done)
        assert "cannot be written" in done.err, (line, done)
        assert why in done.err
        assert len(done.err.splitlines()) == 1


def test_on_a_full_disk_an_end_is_recorded_the_rest_waits_and_the_webhook_hears_of_it(
    small_disk, monkeypatch, receiver
):
    monkeypatch.setenv("PAWN_CPU_SLOTS", "1")
    workspace = small_disk / "runs"
    with Lab.open(workspace, trainer=stand_in("gate:crash")) as lab:
        first, second = (
            launching.launch(lab, CONFIG).id,
            launching.launch(lab, CONFIG | {"seed": 1}).id,
        )
        in_state(lab, first, State.RUNNING)
        trainer = trainer_greeting(lab, first)["pid"]
        webhook.set_up(lab.paths, Webhook(url=receiver.url), 0)
        filler = fill(small_disk)
        os.kill(trainer, 9)
        eventually(lab.paths.trial(first).exit.exists, "record of the end")
        eventually(lambda: lab.tick() or lab.refusal, "refusal to start another trial")
        assert queries.trial(lab, second).state is State.QUEUED
        assert "the disk is full" in str(lab.refusal)
        watch = Watchdog(lambda: Lab.open(workspace), print)
        for _ in range(3):
            watch.look()
        told = [message["headline"].partition(":")[0] for message in receiver.messages]
        assert told.count("Nothing is recorded or launched") == 1, "what cannot be recorded, once"
        filler.unlink()
        trial = ended(lab, first)
        assert (trial.state, trial.exit.signal) == (State.FAILED, 9)
        in_state(lab, second, State.RUNNING)
        assert lab.refusal is None
        open_gate(lab, second)
        ended(lab, second)


def test_a_full_disk_does_not_keep_a_lab_from_being_closed(small_disk):
    with Lab.open(small_disk / "runs", trainer=stand_in("hang")) as lab:
        trial_id = launching.launch(lab, CONFIG).id
        trainer_greeting(lab, trial_id)
        filler = fill(small_disk)
        with closed(lab, "the pod stops", patience_s=60) as (asked, left):
            assert (asked, left) == ([trial_id], [])
        filler.unlink()
        assert ended(lab, trial_id).exit.reason == "signal"


def test_a_lab_on_a_full_disk_is_read_and_says_what_to_do(small_disk):
    workspace = small_disk / "runs"
    with Lab.open(workspace, trainer=stand_in("study")) as lab:
        for seed in range(2):
            ended(lab, launching.launch(lab, PAUSED | {"seed": seed}).id)
    filler = fill(small_disk)
    check_read_only(workspace, "the disk is full); free some space")
    filler.unlink()
    assert run(workspace, ["set-cost 3"])["set-cost 3"].code == 0


def test_a_disk_that_is_full_of_checkpoints_is_freed_by_deleting_some(small_disk):
    workspace = small_disk / "runs"
    with Lab.open(workspace, trainer=stand_in("study")) as lab:
        for seed in range(2):
            ended(lab, launching.launch(lab, PAUSED | {"seed": seed}).id)
        [checkpoint] = lab.paths.trial(1).checkpoints.iterdir()
    fill(checkpoint)
    wrong, right = "delete --checkpoints --yes 3", "delete --checkpoints --yes 1 --json"
    done = run(workspace, [wrong, right, "set-cost 3"])
    assert "trial 3 does not exist" in done[wrong].err
    assert (done[right].code, done["set-cost 3"].code) == (0, 0)
    freed = json.loads(done[right].out)
    assert freed["deleted"] == [1]
    assert freed["freed_gib"] > 8 / 1024
    assert not checkpoint.exists()
    with Lab.open(workspace) as lab:
        assert [
            event.trial_id for event in queries.events(lab).events if "deleted" in event.message
        ]


def test_a_lab_on_a_read_only_file_system_is_read_with_what_its_log_holds(small_disk, tmp_path):
    view = tmp_path / "view"
    view.mkdir()
    with Lab.open(small_disk / "runs", trainer=stand_in("study")) as lab:
        for seed in range(2):
            ended(lab, launching.launch(lab, PAUSED | {"seed": seed}).id)
        subprocess.run(["mount", "--bind", small_disk, view], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,bind,ro", view], check=True)
            check_read_only(view / "runs", "its file system is read-only")
        finally:
            subprocess.run(["umount", view], check=True)


def let_anybody_in(workspace: Path) -> None:
    """Open the folders of this test run, which only its user can enter."""
    for folder in workspace.parents:
        if folder == Path(tempfile.gettempdir()):
            return
        folder.chmod(0o755)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_users_lab_is_read_and_said_to_be_theirs(workspace):
    with Lab.open(workspace, trainer=stand_in("study")) as lab:
        for seed in range(2):
            ended(lab, launching.launch(lab, PAUSED | {"seed": seed}).id)
    let_anybody_in(workspace)
    check_read_only(workspace, "it belongs to root", NOBODY)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_lab_that_cannot_even_be_read_is_not_taken_for_none(workspace):
    Lab.open(workspace).close()
    let_anybody_in(workspace)
    workspace.chmod(0o700)
    done = run(workspace, ["status"], NOBODY)["status"]
    assert done.code == 2
    assert "permission denied" in done.err
    assert "no lab" not in done.err


def test_a_folder_of_trials_that_cannot_be_written_refuses_the_launch_and_hinders_no_end(
    open_lab, monkeypatch
):
    lab = open_lab("gate")
    first = launching.launch(lab, CONFIG).id
    in_state(lab, first, State.RUNNING)
    monkeypatch.setattr(Path, "mkdir", _refused)
    with pytest.raises(Exception, match=r"cannot be written.*permission denied"):
        launching.launch(lab, CONFIG | {"seed": 1})
    open_gate(lab, first)
    assert ended(lab, first).state is State.COMPLETED
    assert [trial.id for trial in queries.trials(lab)] == [first]


def _refused(path: Path, *_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied", str(path))
