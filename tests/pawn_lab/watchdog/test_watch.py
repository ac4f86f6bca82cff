"""`pawn-lab watch`: one process a lab that looks until it is told to end."""

import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from lab_testing import (
    CONFIG,
    PAWN_LAB,
    ended,
    eventually,
    make_checkpoint,
    open_gate,
    trainer_greeting,
)
from webhooks import receiver

from pawn_lab.alarms import webhook
from pawn_lab.alarms.webhook import Webhook
from pawn_lab.errors import NoLabError
from pawn_lab.lab import launching, queries, spending
from pawn_lab.tools.notes import lab_notes
from pawn_lab.tools.status import lab_status
from pawn_lab.watchdog import Watchdog
from pawn_lab.watchdog.room import Room

__all__ = ["receiver"]

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(workspace) -> Iterator[Start]:
    """Return a function that starts a watch of the workspace."""
    started = []

    def start_(*options: object) -> "subprocess.Popen[str]":
        command = [PAWN_LAB, "watch", "--workspace", workspace, "--interval-s", 0.05, *options]
        argv = [*map(str, command)]
        started.append(subprocess.Popen(argv, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start_
    for process in started:
        process.kill()
        process.communicate()


def test_with_nobody_near_the_queue_goes_on_and_failures_are_told(open_lab, start, receiver):
    lab = open_lab("gate:crash")
    webhook.set_up(lab.paths, Webhook(url=receiver.url), queries.latest_event(lab))
    for seed in range(3):
        launching.launch(lab, CONFIG | {"seed": seed})
    trainer_greeting(lab, 1)
    watch = start()
    open_gate(lab, 1)
    trainer_greeting(lab, 3)
    eventually(lambda: receiver.messages, "delivery")
    assert "failed" in receiver.kinds[0]
    watch.send_signal(signal.SIGTERM)
    _, said = watch.communicate(timeout=60)
    assert watch.returncode == 0
    assert len(said.splitlines()) == 1
    assert not lab.paths.watch.exists()
    assert "pawn-lab watch" not in lab_status(lab).headline
    for trial_id in (2, 3):
        open_gate(lab, trial_id, "complete")


def test_a_watch_that_is_killed_stands_in_the_headline_until_another_begins(open_lab, start):
    lab = open_lab()
    first = start()
    eventually(lab.paths.watch.exists, "watch")
    assert "pawn-lab watch" not in lab_status(lab).headline
    first.kill()
    first.wait()
    assert "`pawn-lab watch` has died" in lab_status(lab).headline
    start()
    eventually(lambda: "pawn-lab watch" not in lab_status(lab).headline, "another watch")


def test_an_idle_machine_is_stopped_by_the_command_of_the_environment(
    open_lab, start, monkeypatch, tmp_path
):
    lab = open_lab("complete")
    trial = ended(lab, launching.launch(lab, CONFIG).id)
    make_checkpoint(lab.paths.trial(trial.id).checkpoints, 5)
    lab_notes(lab, append="Trial 1 completed; nothing left to ask.")
    monkeypatch.setenv("PAWN_STOP_COMMAND", f"touch '{tmp_path}/stopped'")
    start("--stop-when-idle", "--idle-min", 0.001, "--grace-min", 0.001)
    eventually((tmp_path / "stopped").exists, "stop")
    told = [event.message for event in queries.events(lab, limit=1000).events]
    announced = next(message for message in told if message.startswith("the machine stops in"))
    assert told.index(announced) < told.index("the machine stops now")


def test_what_hinders_a_look_is_said_once_and_ends_nothing(open_lab, monkeypatch):
    said: list[str] = []
    lab = open_lab()
    spending.set_cost(lab, 1.0)
    watch = Watchdog(open_lab, said.append)
    monkeypatch.setenv("PAWN_IDLE_MIN", "never")
    for _ in range(3):
        watch.look()
    assert said == ["PAWN_IDLE_MIN='never' is not allowed: minutes, over 0"]
    monkeypatch.setenv("PAWN_IDLE_MIN", "10")
    watch.look()
    assert len(said) == 1


def test_the_outside_is_called_once_a_minute_while_all_is_well(open_lab, receiver):
    said: list[str] = []
    clock = iter([0.0, 59.0, 60.0, 121.0])
    watch = Watchdog(open_lab, said.append, ping_url=receiver.url, clock=lambda: next(clock))
    for pings in (1, 1, 2):
        watch.look()
        assert receiver.pings == pings
    receiver.statuses = [404]
    watch.look()
    assert said == ["the address of --ping answered HTTP 404"]
    watch.open_lab = gone
    watch.look()
    assert (receiver.pings, said[1:]) == (3, ["gone"])


def gone():
    raise NoLabError("gone")


def test_a_disk_that_is_nearly_full_is_told_of_once_until_it_has_had_room(open_lab, monkeypatch):
    lab, room = open_lab(), Room()
    for free, told in ((4.1, 0), (1.9, 1), (1.0, 1), (3.9, 1), (1.9, 1), (4.1, 1), (1.9, 2)):
        usage = SimpleNamespace(total=100 << 30, free=int(free * (1 << 30)))
        monkeypatch.setattr(shutil, "disk_usage", lambda _, usage=usage: usage)
        room.look(lab)
        assert len(queries.events(lab).events) == told
    assert (
        queries.events(lab)
        .events[0]
        .message.startswith("2% of the workspace's disk left, 1.90 GiB")
    )
