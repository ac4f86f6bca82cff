"""A device that costs money for nothing is told of once, until the next trial."""

import os
import time

import pytest
from lab_testing import CONFIG, ended, in_state, open_gate, trainer_greeting
from passing_time import let_pass

from pawn_lab import clock
from pawn_lab.documents import write_json
from pawn_lab.errors import InvalidRequestError
from pawn_lab.executors.executor import DeviceLoad
from pawn_lab.executors.local.local import Local
from pawn_lab.lab import launching, queries, spending
from pawn_lab.states import State
from pawn_lab.tools.status import lab_status


@pytest.fixture(autouse=True)
def alarmed(monkeypatch):
    """The alarm as it is by default, on a machine that has been up for long."""
    monkeypatch.delenv("PAWN_IDLE_MIN")
    monkeypatch.setattr(clock, "up_since", lambda now: 0.0)


class Seen(Local):
    """This machine, whose devices are said to be so."""

    def __init__(self, loads) -> None:
        super().__init__()
        self.loads = loads

    def load(self, devices):
        return {d.id: load for d, load in zip(devices, self.loads, strict=False) if load}


class Elsewhere(Local):
    """A queue of jobs, whose free slots cost nothing."""

    idle_costs = False


def alarms(lab):
    lab.tick()
    return [e for e in queries.events(lab, limit=1000).events if e.kind == "idle"]


def test_devices_that_idle_while_they_cost_money_are_told_of_once(open_lab):
    lab = open_lab()
    spending.set_cost(lab, 6.0)
    let_pass(lab, 9)
    assert alarms(lab) == []
    let_pass(lab, 2)
    [alarm] = alarms(lab)
    assert alarm.message.startswith("2 of 2 devices idle for 11 min at 6 an hour, 1.10 so far: ")
    assert (alarm.data["devices"], alarm.data["per_hour"]) == (["cpu:0", "cpu:1"], 6.0)
    assert alarm.severity == "warning"
    let_pass(lab, 60)
    assert alarms(lab)[0].seq == alarm.seq
    assert len(alarms(lab)) == 1


@pytest.mark.parametrize("price", [None, 0.0])
def test_what_costs_nothing_may_idle(open_lab, price):
    lab = open_lab()
    if price is not None:
        spending.set_cost(lab, 1.0)
        spending.set_cost(lab, price)
    let_pass(lab, 1000)
    assert alarms(lab) == []


def test_the_next_trial_ends_the_episode(open_lab):
    lab = open_lab("complete")
    spending.set_cost(lab, 6.0)
    let_pass(lab, 11)
    alarms(lab)
    assert "2 of 2 devices idle for 11 min at 6 an hour" in lab_status(lab).headline
    trial = ended(lab, launching.launch(lab, CONFIG).id)
    assert "1 of 2" not in lab_status(lab).headline
    let_pass(lab, 11)
    messages = [alarm.message for alarm in alarms(lab)]
    # The device on which nothing ran is in its first episode still.
    counts = ["2 of 2 devices", "1 of 2 devices"]
    assert [message.partition(" idle")[0] for message in messages] == counts
    assert f"{trial.device};" in messages[1]


def test_the_headline_of_a_lab_without_trials_says_it_too(open_lab):
    lab = open_lab()
    spending.set_cost(lab, 6.0)
    assert lab_status(lab).headline.startswith("No trials yet")
    let_pass(lab, 11)
    assert lab_status(lab).headline.startswith("2 of 2 devices idle for 11 min at 6 an hour, 1.10")


@pytest.mark.parametrize(
    ("loads", "idle"),
    [
        ([None, DeviceLoad()], ["cpu:1"]),
        ([DeviceLoad(utilization=99), DeviceLoad(utilization=0)], ["cpu:1"]),
        ([None, DeviceLoad(utilization=99)], None),
    ],
    ids=["one does not answer", "one is used by others", "both"],
)
def test_a_device_of_which_that_is_not_known_is_not_said_to_idle(open_lab, loads, idle):
    lab = open_lab()
    lab.executor = Seen(loads)
    spending.set_cost(lab, 6.0)
    let_pass(lab, 11)
    assert [alarm.data["devices"] for alarm in alarms(lab)] == ([idle] if idle else [])


def test_free_slots_of_a_queue_of_jobs_are_not_paid_for(open_lab):
    lab = open_lab()
    lab.executor = Elsewhere()
    spending.set_cost(lab, 6.0)
    let_pass(lab, 11)
    assert alarms(lab) == []


def test_time_in_which_the_machine_was_off_is_not_idle(open_lab, monkeypatch):
    lab = open_lab()
    spending.set_cost(lab, 6.0)
    let_pass(lab, 1000)
    monkeypatch.setattr(clock, "up_since", lambda now: now - 500)
    assert alarms(lab) == []


def test_a_trial_that_sets_up_is_not_idle_and_one_that_says_nothing_is(open_lab):
    lab = open_lab("gate")
    spending.set_cost(lab, 6.0)
    trial_id = launching.launch(lab, CONFIG).id
    trainer_greeting(lab, trial_id)
    in_state(lab, trial_id, State.RUNNING)
    let_pass(lab, 12)
    phase = lab.paths.trial(trial_id).phase
    say_phase(phase, "compile", minutes_ago=11)
    assert trials_of(alarms(lab)) == [None], "the other device, and not this one"
    say_phase(phase, "build", minutes_ago=11)
    [_, stalled] = alarms(lab)
    assert stalled.trial_id == trial_id
    assert stalled.message.startswith("no progress for 11 min on cpu:0, at 3 an hour (silent: bui")
    assert trials_of(alarms(lab)) == [None, trial_id]
    open_gate(lab, trial_id)


def say_phase(file, name, minutes_ago):
    moment = time.time() - 60 * minutes_ago
    write_json(file, {"phase": name, "since": moment})
    os.utime(file, (moment, moment))


def trials_of(events):
    return [event.trial_id for event in events]


@pytest.mark.parametrize("minutes", ["0", "-1", "ten"])
def test_a_setting_that_is_no_time_is_refused(open_lab, monkeypatch, minutes):
    lab = open_lab()
    spending.set_cost(lab, 6.0)
    monkeypatch.setenv("PAWN_IDLE_MIN", minutes)
    with pytest.raises(InvalidRequestError, match=f"PAWN_IDLE_MIN='{minutes}' is not allowed"):
        lab.tick()


def test_a_trial_on_two_devices_that_says_nothing_is_told_of_once(open_lab):
    lab = open_lab("gate")
    spending.set_cost(lab, 6.0)
    trial_id = launching.launch(lab, CONFIG | {"gpus": 2, "device": "cpu"}).id
    trainer_greeting(lab, trial_id)
    in_state(lab, trial_id, State.RUNNING)
    let_pass(lab, 12)
    [alarm] = alarms(lab)
    assert alarm.message.startswith("no progress for 12 min on cpu:0, cpu:1, at 6 an hour (silent:")
    open_gate(lab, trial_id)
