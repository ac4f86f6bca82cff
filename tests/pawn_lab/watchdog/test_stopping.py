"""An idle machine is stopped past the gate, after a time of grace, and never at once."""

import pytest
from lab_testing import CONFIG, ended, make_checkpoint, open_gate, trainer_greeting

from pawn_lab.errors import InvalidRequestError
from pawn_lab.executors.executor import DeviceLoad
from pawn_lab.executors.local.local import Local
from pawn_lab.lab import launching, noting, queries
from pawn_lab.locks import is_locked
from pawn_lab.tools.notes import lab_notes
from pawn_lab.watchdog.stopping import GATE_EVERY_S, Stopper, run, stop_command

MINUTE_S = 60.0


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Owner:
    """A lab that is looked at every minute, and what a stopper would do with its machine."""

    def __init__(self, lab, stopped, command=None) -> None:
        self.lab, self.stopped, self.told = lab, stopped, []
        self.clock, self.command = Time(), command or f"echo stopped >> '{stopped}'"
        self.start_watch()

    def start_watch(self) -> None:
        def deliver(lab):
            self.told.append([e.message for e in queries.events(lab, limit=1000).events][-1])

        self.stopper = Stopper(
            self.command, 10 * MINUTE_S, 5 * MINUTE_S, deliver=deliver, clock=self.clock
        )

    def after(self, minutes: int) -> list[str]:
        """Look once a minute; return what was told meanwhile."""
        before = len(self.told)
        for _ in range(minutes):
            self.lab.tick()
            self.stopper.look(self.lab)
            self.clock.now += MINUTE_S
        return self.told[before:]

    @property
    def stops(self) -> int:
        return self.stopped.read_text().count("stopped") if self.stopped.exists() else 0


@pytest.fixture
def owner(open_lab, tmp_path) -> Owner:
    """Of a lab whose only trial is completed, saved and noted."""
    lab = open_lab("complete")
    trial = ended(lab, launching.launch(lab, CONFIG).id)
    make_checkpoint(lab.paths.trial(trial.id).checkpoints, 5)
    lab_notes(lab, append="Trial 1 completed; nothing left to ask.")
    return Owner(lab, tmp_path / "stopped")


def test_an_idle_machine_is_announced_and_stopped_after_the_time_of_grace(owner):
    assert owner.after(10) == []
    [said] = owner.after(1)
    assert said == (
        "the machine stops in 5 min: idle for 10 min, and the gate is open; a launch or "
        "`pawn-lab watch --keep` keeps it"
    )
    assert (owner.after(4), owner.stops) == ([], 0)
    stops, still = owner.after(1)
    assert (stops, owner.stops) == ("the machine stops now", 1)
    assert still.startswith("the machine is not stopped: its stop command succeeded, and yet")


def test_a_machine_that_goes_on_running_is_stopped_again_ever_more_rarely(owner):
    owner.after(16)
    assert owner.stops == 1
    owner.after(10)
    assert owner.stops == 2
    owner.after(19)
    assert owner.stops == 2
    owner.after(1)
    assert owner.stops == 3


def test_a_watch_that_is_started_again_counts_from_its_start(owner):
    owner.after(15)
    owner.start_watch()
    assert (owner.after(10), owner.stops) == ([], 0)


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (lambda lab: launching.launch(lab, CONFIG | {"seed": 1}), "the machine goes on: queued: "),
        (noting.keep, "the machine goes on: keep: the machine is to be kept"),
    ],
    ids=["launch", "keep"],
)
def test_an_announced_stop_is_called_off(owner, act, why):
    owner.after(13)
    act(owner.lab)
    assert owner.after(1)[0].startswith(why)
    owner.after(5)
    assert owner.stops == 0
    assert queries.events(owner.lab, limit=1000).events[-1].severity == "info"


def test_no_machine_is_stopped_before_the_gate_has_passed(open_lab, tmp_path):
    lab = open_lab("complete")
    trial = ended(lab, launching.launch(lab, CONFIG).id)
    owner = Owner(lab, tmp_path / "stopped")
    said = owner.after(60)
    assert said == [
        "the machine idles and is not stopped: the notes are none: lab_notes(append=...), "
        "and 1 more (lab_audit)"
    ]
    make_checkpoint(lab.paths.trial(trial.id).checkpoints, 5)
    lab_notes(lab, append="Trial 1 completed.")
    assert "the machine stops in 5 min" in owner.after(round(GATE_EVERY_S / MINUTE_S))[0]


def test_the_gate_is_asked_once_more_before_the_stop(owner):
    owner.after(12)
    (owner.lab.paths.trial(1).checkpoints / "step_00000005" / "config.json").write_text("{ }")
    [said] = owner.after(10)
    assert said.startswith("the machine idles and is not stopped: trial 1 checkpoint step_")
    assert owner.stops == 0


def test_a_lab_that_has_had_no_trial_stops_no_machine(open_lab, tmp_path):
    owner = Owner(open_lab(), tmp_path / "stopped")
    [said] = owner.after(60)
    assert said.endswith("is not stopped: the lab has had no trial yet, and may be the wrong one")
    assert owner.stops == 0


def test_a_machine_with_a_trial_that_runs_is_not_idle(open_lab, tmp_path):
    lab = open_lab("gate")
    launching.launch(lab, CONFIG)
    trainer_greeting(lab, 1)
    owner = Owner(lab, tmp_path / "stopped")
    assert (owner.after(60), owner.stops) == ([], 0)
    open_gate(lab, 1)


class Seen(Local):
    """This machine, of whose two devices one is as told."""

    def __init__(self, load) -> None:
        super().__init__()
        self.other = load

    def load(self, devices):
        loads = zip(devices, (DeviceLoad(), self.other), strict=False)
        return {device.id: load for device, load in loads if load is not None}


@pytest.mark.parametrize("load", [None, DeviceLoad(utilization=50)], ids=["unknown", "in use"])
def test_a_machine_that_may_be_in_use_is_not_idle(owner, load):
    owner.lab.executor = Seen(load)
    assert (owner.after(60), owner.stops) == ([], 0)


def test_nothing_starts_while_the_machine_is_being_stopped(owner, tmp_path):
    lock = owner.lab.paths.closing_lock
    owner.command = f"flock -n '{lock}' true && echo open > '{tmp_path}/open'"
    owner.start_watch()
    said = owner.after(16)
    assert "its stop command ended with 1" in said[-1]
    assert not (tmp_path / "open").exists()
    assert not is_locked(lock)


def test_a_stop_command_that_fails_is_told_without_its_secrets():
    assert run("true") is None
    failure = run("echo no pod with hf_abcdefghijklmnop; exit 3")
    assert failure == "its stop command ended with 3: no pod with [masked]"


def test_without_a_command_no_machine_can_be_stopped(monkeypatch):
    monkeypatch.delenv("PAWN_STOP_COMMAND", raising=False)
    with pytest.raises(InvalidRequestError, match=r"needs --stop-command, or PAWN_STOP_COMMAND"):
        stop_command(None)
    monkeypatch.setenv("PAWN_STOP_COMMAND", "poweroff")
    assert (stop_command(None), stop_command("halt")) == ("poweroff", "halt")
