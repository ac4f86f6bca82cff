"""Trials run on one executor a workspace, and it changes only while none of them runs."""

import json

import pytest
from lab_testing import CONFIG, ended, in_state, open_gate, stand_in

from pawn_lab.errors import InvalidRequestError, StateUnreadableError
from pawn_lab.executors import choice as choices
from pawn_lab.executors import registry
from pawn_lab.executors.choice import Choice
from pawn_lab.executors.executor import Device, Settings
from pawn_lab.executors.local.local import Local
from pawn_lab.lab import Lab, choosing, launching, queries
from pawn_lab.states import State


class FarSettings(Settings):
    rooms: int = 3


class Far(Local):
    """This machine under another name, with devices by settings."""

    def __init__(self, settings: FarSettings) -> None:
        self._rooms = settings.rooms

    def devices(self) -> list[Device]:
        return [Device(f"cpu:far{room}", "cpu", f"room {room}") for room in range(self._rooms)]


@pytest.fixture(autouse=True)
def far(monkeypatch):
    """Let there be another executor."""
    entry = registry.Entry("far", f"{__name__}:Far", f"{__name__}:FarSettings")
    monkeypatch.setattr(registry, "EXECUTORS", (*registry.EXECUTORS, entry))


def test_a_workspace_that_chose_nothing_runs_trials_on_this_machine(open_lab):
    lab = open_lab()
    assert isinstance(lab.executor, Local)
    assert lab.choice == Choice()
    assert not lab.paths.executor.exists()


def test_another_executor_counts_from_now_on_for_labs_that_are_open_too(open_lab, workspace):
    lab, other = open_lab(), open_lab()
    choosing.choose(lab, "far", {"rooms": "1"})
    assert json.loads(lab.paths.executor.read_text()) == {
        "executor": "far",
        "settings": {"rooms": 1},
    }
    trial_id = launching.launch(other, CONFIG).id
    assert ended(other, trial_id).state is State.COMPLETED
    assert [device.id for device in other.devices] == ["cpu:far0"]
    assert queries.events(lab).events[0].message == "trials run on executor 'far' from now on"


def test_settings_stay_until_they_are_changed_or_taken_back(open_lab):
    lab = open_lab()
    choosing.choose(lab, "far", {"rooms": "5"})
    assert choosing.choose(lab, None, {}).settings == {"rooms": 5}
    assert len(lab.devices) == 5
    assert choosing.choose(lab, None, {"rooms": None}).settings == {}
    assert len(lab.devices) == 3
    assert choosing.choose(lab, "local", {}) == Choice()


def test_it_stays_while_a_trial_holds_a_device(open_lab):
    lab = open_lab("gate")
    in_state(lab, launching.launch(lab, CONFIG).id, State.RUNNING)
    with pytest.raises(InvalidRequestError, match=r"stays while trials hold its devices: 1"):
        choosing.choose(lab, "far", {})
    open_gate(lab, 1)
    assert ended(lab, 1).state is State.COMPLETED
    assert choosing.choose(lab, "far", {}).executor == "far"


def test_a_pass_of_the_former_executor_that_comes_late_changes_nothing(open_lab, monkeypatch):
    lab, late = open_lab("gate"), open_lab("gate")
    choosing.choose(lab, "far", {})
    monkeypatch.setattr(late, "_follow_choice", lambda: None)  # it had looked before the change
    launching.launch(late, CONFIG)
    assert queries.trial(late, 1).state is State.QUEUED


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("fr", {}, r"executor 'fr' is unknown; one of: local, .*far; did you mean 'far'\?"),
        ("far", {"room": "1"}, r"room is not a field of executor 'far'; did you mean 'rooms'\?"),
        ("far", {"rooms": "many"}, r"rooms 'many' is not allowed: input should be a valid integer"),
        ("local", {"rooms": None}, r"rooms is not a field of executor 'local'"),
    ],
)
def test_what_no_executor_takes_is_refused_and_nothing_changes(open_lab, name, settings, told):
    lab = open_lab()
    with pytest.raises(InvalidRequestError, match=told):
        choosing.choose(lab, name, settings)
    assert choices.read(lab.paths) == Choice()


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"executor": 3}', '{"executor": "moon"}', '{"settings": {"rooms": 1}}']
)
def test_a_damaged_choice_is_no_choice_of_this_machine(open_lab, workspace, text):
    open_lab().paths.executor.write_text(text)
    with pytest.raises(StateUnreadableError, match=r"executor.json cannot be used"):
        Lab.look(workspace, trainer=stand_in("complete"))
